"""Teams in random worlds, lane by lane, for the laws of learners that replay sequences."""

import numpy as np

from marl_sim.learners import HeadSpec

D, A = 3, 3
LEVELS = (3, 2, 4)


class Team:
    """Random worlds of one (seed, team), the same whoever else is there: what is seen, who decides, who leaves when.

    The reward depends on what everybody did. Agents may leave before the others, at whose end the world begins anew.
    """

    def __init__(self, seed, number, k, worlds=2, scale=1.0, idle=False, levels=None):
        self.levels = levels
        self.rng = np.random.default_rng([seed, number])
        self.pay = self.rng.normal(size=(k, A)) * scale
        self.k, self.worlds, self.idle = k, worlds, idle
        self.gone = np.zeros((worlds, k), bool)
        self.now = self.look()

    def seen(self, lead):
        """Numbers, or indices where columns are index-coded, [*lead, D]."""
        if self.levels is None:
            return self.rng.normal(size=(*lead, D)).astype(np.float32)
        return self.rng.integers(0, self.levels, (*lead, D)).astype(np.float32)

    def look(self):
        """obs [B, k, D], legal [B, k, A], deciding [B, k]."""
        lead = self.worlds, self.k
        obs = self.seen(lead)
        legal = self.rng.random((*lead, A)) < 0.7
        legal[..., 0] |= ~legal.any(-1)
        deciding = (self.rng.random(lead) < 0.7) & ~self.gone & (not self.idle)
        return obs, legal, deciding

    def step(self, action):
        """reward [B, k], terminated, truncated [B, k], what was seen last [B, k, D], ended [B, k]; `now` moves on."""
        paid = np.take_along_axis(self.pay[None], action[..., None], 2)[..., 0].sum(-1, keepdims=True)
        reward = np.broadcast_to(paid + self.rng.normal(size=paid.shape), action.shape)
        leaving = (self.rng.random(self.gone.shape) < 0.1) & ~self.gone
        leaving |= (self.rng.random((self.worlds, 1)) < 0.1) & ~self.gone
        by_clock = self.rng.random(self.gone.shape) < 0.5
        last = self.seen(self.gone.shape)
        self.gone |= leaving
        ended = self.gone.all(-1)
        self.gone[ended] = False
        self.now = self.look()
        return reward, leaving & ~by_clock, leaving & by_clock, last, np.repeat(ended[:, None], self.k, 1)


def drive(lanes, teams, steps):
    """Act, store and learn for some steps, a team a lane; returns the actions [L, R] of every step."""
    actions, streams = [], (len(teams), -1)

    def now():
        return [np.stack(x).reshape(*streams, *x[0].shape[2:]) for x in zip(*(team.now for team in teams))]

    for _ in range(steps):
        obs, legal, deciding = now()
        action = lanes.act(obs, legal, deciding).copy()
        each = action.reshape(len(teams), teams[0].worlds, teams[0].k)
        said = zip(*(team.step(a) for team, a in zip(teams, each)))
        reward, over, cut, last, ended = (np.stack(x).reshape(*streams, *x[0].shape[2:]) for x in said)
        after, legal_after, decides = now()
        seen = np.where(cut[..., None], last, after)
        if hasattr(lanes, "decided"):
            lanes.decided(obs, legal, deciding, action)
            lanes.earn(reward)
            lanes.ended(over, cut, seen)
            lanes.learn(after, legal_after, decides)
        else:
            lanes.add(obs, legal, deciding, action, reward, over, cut, seen, legal_after, decides, ended)
            lanes.learn()
        actions.append(action)
    return actions


def build(learner, who, k=3, **special):
    """Lanes and their teams, for who = [(seed, number), ...]; special: options of a numbered team, team_2=dict(...)."""
    k = k if learner.team else 1
    seeds, numbers = (np.array(x) for x in zip(*who))
    levels = LEVELS if learner.embed else None
    lanes = learner.build(HeadSpec("all", D, A, levels, team=k), seeds.astype(np.uint64), numbers)
    return lanes, [Team(s, n, k, levels=levels, **special.get(f"team_{n}", {})) for s, n in who]


def same(ours, lane, theirs, other):
    """Two lanes hold the same, bit for bit; what grows is as long as in the fullest neighbour, zero beyond."""
    a, b = ours.state_dict(), theirs.state_dict()
    assert a.keys() == b.keys()
    for name in a:
        mine, yours = a[name][lane], b[name][other]
        if name.startswith(("replay", "memory")) and mine.ndim:
            n = min(len(mine), len(yours))
            assert not mine[n:].any(), name
            assert not yours[n:].any(), name
            mine, yours = mine[:n], yours[:n]
        assert mine.tobytes() == yours.tobytes(), name
