"""A society at the table: whole rounds played with given choices, and what they paid."""

from types import SimpleNamespace

import numpy as np
import pytest

import marl_sim as ms


class Table:
    """Plays rounds. `choices` are by kind: an action for all, one an agent, one an agent and world, or f(sim)."""

    def __init__(self, game, num_envs=1, seed=0):
        self.game, self.sim = game, ms.Simulator(game, num_envs=num_envs, seed=seed)
        self.sim.reset()

    @property
    def kind(self):
        """The kind of stage that world 0 is in."""
        return self.game.stages[int(self.sim.stage[0])].kind

    def step(self, **choices):
        """One stage; kinds that are not given take their first legal action."""
        sim, kind = self.sim, self.kind
        wanted = choices.get(kind)
        actions = sim.legal.argmax(-1) if wanted is None else wanted(sim) if callable(wanted) else wanted
        return sim.step(np.where(sim.acting, actions, 0) + np.zeros_like(sim.acting, dtype=int))

    def until(self, kind, **choices):
        """Step until world 0 is in a stage of that kind."""
        while self.kind != kind:
            self.step(**choices)
        return self

    def round(self, **choices):
        """One round; returns what its steps paid, by component and in all, and the last step."""
        paid = dict.fromkeys((*self.game.components, "reward"), 0.0)
        while True:
            step = self.step(**choices)
            for name in self.game.components:
                paid[name] = paid[name] + step.components[name]
            paid["reward"] = paid["reward"] + step.reward
            if step.round_over[0]:
                return SimpleNamespace(step=step, **paid)

    def sees(self, field, world=0):
        """The columns of a field of the stage that the world is in, [n, columns]."""
        slot = next(s for s in self.game.layout.slots if s.kind == self.kind and s.name == field)
        return self.sim.obs[world, :, slot.start : slot.stop]


@pytest.fixture
def table():
    """Table(game, num_envs, seed)."""
    return Table


def random_legal(sim, rng):
    """Legal actions, uniformly."""
    return (rng.random(sim.legal.shape) * sim.legal).argmax(-1)


@pytest.fixture
def random_steps():
    """run(game, steps, num_envs) -> every step, as a copy; observations are checked against their space."""

    def run(game, steps=100, num_envs=4, seed=0):
        sim, rng = ms.Simulator(game, num_envs=num_envs, seed=seed), np.random.default_rng(seed)
        sim.reset()
        low, high = game.layout.bounds()
        for _ in range(steps):
            step = sim.step(random_legal(sim, rng))
            assert (step.obs >= low).all()
            assert (step.obs <= high).all()
            np.testing.assert_allclose(step.reward, sum(step.components.values()), atol=1e-9)
            yield sim, step

    return run


@pytest.fixture
def near():
    """near(count, trials, p): the share of successes is within 4.5 standard errors of p."""

    def check(count, trials, p):
        assert abs(count / trials - p) <= 4.5 * np.sqrt(p * (1 - p) / trials) + 1e-12, (count / trials, p)

    return check


@pytest.fixture
def refused():
    """refused(make, *words): ValueError in one sentence with these words in it."""

    def check(make, *words):
        with pytest.raises(ValueError) as caught:  # noqa: PT011  (the words are checked below)
            make()
        text = str(caught.value)
        assert "\n" not in text
        for word in words:
            assert word in text, text

    return check
