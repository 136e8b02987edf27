"""The partner selection scenario: what it records and detects, and that it runs."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.training.rollout import Trainer

EPISODES = 100


def curves(**columns):
    """A seed's records in which everything not given is absent from the society."""
    names = ("cooperation", "mutual_cooperation", "exploitation", "deception", "mutual_defection")
    names += ("ALLC", "TFT", "reverse_TFT", "ALLD")
    return {"episode": np.arange(1, EPISODES + 1)} | {
        name: np.asarray(columns.get(name, np.zeros(EPISODES)), float) for name in names
    }


def steps(*pairs):
    """[EPISODES] from (length, value) pairs."""
    return np.concatenate([np.full(length, value) for length, value in pairs])


def test_the_four_phases_are_found_in_order(scenario):
    found = scenario("partner_selection").phases(
        curves(
            cooperation=steps((50, 0.1), (50, 0.9)),
            mutual_defection=steps((25, 0.8), (75, 0.1)),
            exploitation=steps((25, 0.05), (25, 0.5), (50, 0.05)),
            deception=np.full(EPISODES, 0.05),
            TFT=steps((50, 0.1), (50, 0.6)),
            ALLD=steps((50, 0.9), (50, 0.2)),
            mutual_cooperation=steps((75, 0.1), (25, 0.8)),
        )
    )
    assert list(found) == ["defection", "exploitation", "retaliation", "cooperation"]
    for name, begins in zip(found, (1, 26, 51, 76), strict=True):
        assert abs(found[name] - begins) <= 8, name


def test_phases_that_do_not_come_are_not_found(scenario):
    phases = scenario("partner_selection").phases
    all_defect = phases(curves(mutual_defection=np.full(EPISODES, 0.9), ALLD=np.ones(EPISODES)))
    assert all_defect["defection"] == 1 and all(np.isnan(all_defect[name]) for name in list(all_defect)[1:])
    # at random: p = 1/2 and each outcome a quarter, as chance has it
    quarter = dict.fromkeys(
        ("mutual_cooperation", "exploitation", "deception", "mutual_defection"), np.full(EPISODES, 0.25)
    )
    assert all(np.isnan(begins) for begins in phases(curves(cooperation=np.full(EPISODES, 0.5), **quarter)).values())


@pytest.mark.parametrize("play", ["dqn", "tabular"])
@pytest.mark.parametrize("sees_own", [False, True])
def test_the_census_reads_greedy_replies(scenario, play, sees_own):
    module = scenario("partner_selection")
    o = module.Options(n_agents=4, play=play, sees_own=sees_own, hidden=8)
    trainer = Trainer(module.society("selection", o), module.learner(o), seeds=2, episodes=1)
    head = next(head for head in trainer.heads if head.name == "play")
    replies = np.array([(0, 0), (0, 1), (1, 0), (1, 1)] * 2)  # ALLC, TFT, reverse TFT, ALLD to C and D, two seeds

    def values(obs):
        """Lane k's replies, by the opponent's last action as it stands in the first columns."""
        last = obs[..., 0] if play == "tabular" else obs[..., 1]
        if sees_own:  # one's own last action is shown as C
            own = obs[..., 1] if play == "tabular" else obs[..., 3] - 1
            assert (own == 0).all()
        best = np.take_along_axis(replies, last.astype(int), axis=1)
        return np.stack([best == 0, best == 1], -1).astype(float)

    head.lanes.values = values
    got = module.census(trainer, 1, {})
    assert got == dict(ALLC=0.25, TFT=0.25, reverse_TFT=0.25, ALLD=0.25)
    replies[4:] = (0, 1)
    assert module.census(trainer, 1, {})["TFT"] == 1 and module.census(trainer, 0, {})["TFT"] == 0.25


@pytest.mark.slow
def test_selectors_learn_to_pick_cooperators(scenario):
    """What the paper's second phase needs: beside fixed ALLC and ALLD players, the selecting head finds the first.

    Chance alone picks a cooperator in 2 of 5 selections.
    """
    from marl_sim.policies.base import Policy

    class Always(Policy):
        action: int = 0

        def act(self, view):
            return np.full(view.n, self.action) if view.kind == "play" else view.legal.argmax(1)

    module = scenario("partner_selection")
    o = module.Options(n_agents=6, hidden=16, gamma=0.0, lr=0.01, batch=4, train_every=4, memory="ring")
    trainer = Trainer(
        module.society("selection", o), module.learner(o), seeds=4, episodes=1500, block=100, credit="settled",
        policies={i: Always(0 if i < 3 else 1) for i in range(1, 6)},
    )  # fmt: skip
    kind, picked = 0, 0
    while trainer.episode < 1500:
        trainer.advance()
        if trainer.episode >= 1200:
            partner = trainer.simulator.state["partner"][:, 0]
            kind, picked = kind + np.isin(partner, (1, 2)), picked + 1
    shares = kind / picked
    assert (shares > 0.75).all(), shares  # 90 % greedy choices, and random ones hit cooperators too


def test_the_scenario_runs(run):
    options = ("--episodes", "40", "--seeds", "2", "--n-agents", "4", "--record-every", "10", "--hidden", "16")
    text, metrics, figures = run("partner_selection", *options)
    assert set(metrics["condition"]) == {"selection", "random"}
    assert len(metrics) == 2 * 2 * 4
    shares = metrics[["mutual_cooperation", "exploitation", "deception", "mutual_defection"]]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(metrics[["ALLC", "TFT", "reverse_TFT", "ALLD"]].sum(axis=1), 1)
    assert metrics[metrics["condition"] == "selection"]["most_selected"].between(0.25, 1).all()
    assert figures == {"cooperation.png", "cooperator_selection.png", "outcomes.png", "strategies.png"}
    assert "phases" in text and "retaliation" in text


@pytest.mark.slow
def test_other_setups_run(run):
    _, metrics, _ = run(
        "partner_selection", "--episodes", "4", "--seeds", "1", "--n-agents", "4", "--record-every", "2", "--play",
        "tabular", "--sees-own", "--credit", "next", "--horizon", "fixed", "--rounds", "3", "--matching", "selection",
        "--memory", "ring",
    )  # fmt: skip
    assert len(metrics) == 2


def test_nonsense_is_refused(scenario):
    module = scenario("partner_selection")
    with pytest.raises(ValueError, match="matching may list 'selection' and 'random'; got 'choice'"):
        module.main(module.Options(matching=("choice",)))
    assert isinstance(module.society("random", module.Options()), ms.Society)
