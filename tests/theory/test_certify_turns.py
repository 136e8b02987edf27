"""Certificates of games in turn."""

from fractions import Fraction as F

from certified import GAIN

import marl_sim as ms
from marl_sim.theory import certify


def test_the_centipede_gains_at_every_move_by_stopping():
    for options in (dict(iterations=3), dict(form="exponential", iterations=3)):
        purse = ms.Centipede(**options).purse
        gain = min(purse[t, t % 2] - purse[t + 1, t % 2] for t in range(6))
        found = certify("centipede", **options)
        assert found.fact("least gain by stopping rather than being stopped next > 0").left == gain
        end = found.fact("welfare at the end > welfare of stopping at once")
        assert (end.left, end.right) == (purse[-1].sum(), purse[0].sum())
        assert found.found("SPNE")["path"] == ["stop"]
        assert found.kind.startswith("centipede (")


def test_classics_by_hand():
    trust = certify("trust")
    assert (trust.found("SPNE")["path"], trust.found("optimum")["welfare"]) == ([0, 0], 30)
    assert trust.found("optimum / equilibrium") == 3
    assert min(trust.found("better for both")["payoffs"]) > 0
    ultimatum = certify("ultimatum")
    assert ultimatum.found("SPNE, ties high")["payoffs"] == [10, 0]
    assert ultimatum.found("SPNE, ties low")["payoffs"] == [9, 1]
    assert ultimatum.found("equilibria")["perfect"] == [0, 1]
    gift = certify("gift_exchange")
    firm, worker = gift.found("better for both")["payoffs"]
    assert gift.fact(GAIN).left == min(firm - F(48, 5), worker - 4) == 32
    assert certify("dictator").found("optimum / equilibrium") == 1
    cheap = certify(ms.GiftExchange(value=31.0, highest=31.0, costs=(0.0, 50.0)))
    assert cheap.kind == "gift exchange in which no deal is better for both"
