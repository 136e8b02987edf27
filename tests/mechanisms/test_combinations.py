"""Every two mechanisms on four dilemmas: built, or refused in one sentence, and stepped, as plain Python."""

import os
import subprocess
import sys

SCRIPT = """
import itertools
import numpy as np
import marl_sim as ms

SEEN = ("select", "consent", "talk", "gift", "play", "respond", "punish", "exit")
MECHANISMS = dict(
    selection=lambda: ms.PartnerSelection(), consent=lambda: ms.PartnerSelection(consent=True),
    chance=lambda: ms.RandomMatching(), exit=lambda: ms.Exit(), punishment=lambda: ms.Punishment(by="both"),
    reputation=lambda: ms.Reputation(private=True, seen_in=SEEN),
    norm=lambda: ms.Norm("L7", error=0.1, private=True), noise=lambda: ms.Noise(execution=0.1, perception=0.1),
    gift=lambda: ms.Gift(), talk=lambda: ms.Talk(3),
)
DILEMMAS = dict(
    prisoners=(ms.PrisonersDilemma, "together"), sexes=(ms.BattleOfTheSexes, "in turn"),
    centipede=(ms.Centipede, "in turn"), trust=(ms.TrustGame, "in turn"),
)
MATCHING = {"selection", "consent", "chance", "exit"}
played = refused = 0
for name, (dilemma, encounters) in DILEMMAS.items():
    for a, b in itertools.combinations(MECHANISMS, 2):
        clash = {a, b} <= MATCHING or {a, b} == {"reputation", "norm"}
        try:
            parts = dilemma(), MECHANISMS[a](), MECHANISMS[b]()
            game = ms.Society(*parts, n_agents=4, encounters=encounters, horizon=ms.Geometric(0.8))
        except ValueError as error:
            assert clash and "\\n" not in str(error), (name, a, b, error)
            refused += 1
            continue
        assert not clash, (name, a, b)
        sim, rng = ms.Simulator(game, num_envs=2, seed=1, settled=True), np.random.default_rng(0)
        sim.reset()
        low, high = game.layout.bounds()
        for _ in range(50):
            assert sim.legal.any(-1).all() and sim.acting.any(-1).all(), (name, a, b)
            assert (sim.legal[~sim.acting].sum(-1) == 1).all() and sim.legal[~sim.acting][:, 0].all(), (name, a, b)
            step = sim.step((rng.random(sim.legal.shape) * sim.legal).argmax(-1))
            assert (step.obs >= low).all() and (step.obs <= high).all(), (name, a, b)
            assert (step.settled_obs >= low).all() and (step.settled_obs <= high).all(), (name, a, b)
            np.testing.assert_allclose(step.reward, sum(step.components.values()), atol=1e-9)
        played += 1
print(played, refused)
"""


def test_any_two_mechanisms_on_any_dilemma(root):
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=root, env=environment, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    played, refused = map(int, done.stdout.split())
    assert (played, refused) == (4 * 38, 4 * 7)
