"""Outside worlds in which the same happens to all agents, which is written down for all at once."""

import numpy as np
import pytest
from gymnasium import spaces
from outside_play import assert_same, choose, play
from pettingzoo import ParallelEnv
from tiny_pettingzoo import Parts, Spaces

from marl_sim.training.outside import OutsideWorlds


def test_what_happens_to_all_at_once_is_what_happens_to_each():
    """Whoever is told something is looked at by itself; nothing that is shown may differ for that."""
    together, apart = (OutsideWorlds(Parts, 2, (3,), dict(told=told)) for told in (False, True))
    together.reset()
    apart.reset()
    shown = play(together, 7)
    assert shown["ended"].sum() == 4 and (shown["terminated"] != shown["truncated"]).sum() == 8
    assert_same(shown, play(apart, 7))


FORMS = {
    "float32": lambda x: x,
    "float64": lambda x: x.astype(np.float64),
    "whole numbers": lambda x: np.rint(x).astype(np.int64),
    "as wide as float32": lambda x: np.rint(x).astype(np.int32),
    "not in one piece": lambda x: np.repeat(x, 2)[::2],
    "the other end first": lambda x: x.astype(">f4"),
    "lists": lambda x: x.tolist(),
}


@pytest.mark.parametrize("form", FORMS)
def test_whatever_numbers_an_environment_hands_out_are_shown_as_they_are(form):
    """What all see is copied at once where it is float32, and number by number where one of it is not."""

    class Formed(Parts):
        def _so(self, seen):
            seen, infos = super()._so(seen)
            seen = {agent: np.float32(9 * x) for agent, x in seen.items()}
            seen["far"] = FORMS[form](seen["far"])
            self.shown = [np.array(x, np.float32).tolist() for x in seen.values()]
            return seen, infos

    worlds = OutsideWorlds(Formed, 1, (3,))
    worlds.reset()
    shown = worlds._worlds[0].env
    for _ in range(2):
        assert worlds.obs[0].tolist() == shown.shown and worlds.obs[0].all(1).any()
        step = worlds.step(choose(worlds))
    assert worlds.obs[0].tolist() == shown.shown
    assert worlds.step(choose(worlds)).final_obs[0].any() and step.ended.tolist() == [True]


@pytest.mark.parametrize("wrong", [(2, 4), (4, 2)])
def test_as_many_numbers_in_all_but_not_each_is_refused(wrong):
    class Shifted(Parts):
        def _so(self, seen):
            seen, infos = super()._so(seen)
            return {agent: np.float32(np.resize(x, n)) for (agent, x), n in zip(seen.items(), wrong)}, infos

    with pytest.raises(ValueError, match="near in world 0"):
        OutsideWorlds(Shifted, 1, (3,)).reset()


class Sometimes(Spaces, ParallelEnv):
    """Both live for five steps. At the second `left` may only do 0, and at the third `right` is not paid."""

    metadata = {"name": "sometimes_v0"}
    possible_agents = ["left", "right"]
    sees = dict.fromkeys(possible_agents, spaces.Box(0, 9, (2,)))
    does = dict.fromkeys(possible_agents, spaces.Discrete(2))

    def _now(self):
        seen = {agent: np.float32([i, self.t]) for i, agent in enumerate(self.possible_agents)}
        infos = {agent: {} for agent in seen}
        if self.t == 2:
            infos["left"] = {"action_mask": np.array([1, 0])}
        return seen, infos

    def reset(self, seed=None, options=None):
        self.t, self.agents = 0, self.possible_agents[:]
        return self._now()

    def step(self, actions):
        self.t += 1
        paid = {"left": 1.0, "right": 2.0} if self.t != 3 else {"left": 1.0}
        seen, infos = self._now()
        if self.t == 5:
            self.agents = []
        return seen, paid, dict.fromkeys(seen, False), dict.fromkeys(seen, self.t == 5), infos


def test_what_happens_to_one_for_a_step_is_over_in_the_next():
    worlds = OutsideWorlds(Sometimes, 1, (0,))
    worlds.reset()
    told = []
    for _ in range(5):
        step = worlds.step(np.zeros((1, 2), np.int64))
        told.append((step.legal[0].tolist(), step.reward[0].tolist(), bool(step.ended[0])))
    free, held = [[True, True]] * 2, [[True, False], [True, True]]
    assert told == [
        (free, [1, 2], False),
        (held, [1, 2], False),
        (free, [1, 0], False),
        (free, [1, 2], False),
        (free, [1, 2], True),
    ]
    assert step.final_obs[0].tolist() == [[0, 5], [1, 5]] and worlds.obs[0].tolist() == [[0, 0], [1, 0]]
