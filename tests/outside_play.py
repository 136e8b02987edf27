"""Outside worlds played by agents that look random, and what is seen of it."""

import numpy as np

SHOWN = ("obs", "legal", "acting", "stage", "reward", "terminated", "truncated", "ended", "round_over")


def choose(worlds):
    """Legal actions that look random and depend on nothing but what each agent sees."""
    luck = np.modf(np.abs(worlds.obs).sum(-1, dtype=np.float64) * 997.13 + 0.37)[0]
    if worlds.box is not None:
        low, high = np.array(worlds.box)
        x = low + (high - low) * np.modf(luck[:, :, None] * np.arange(1, worlds.n_actions + 1))[0]
        return x * worlds.acting[:, :, None]
    pick = (luck * worlds.legal.sum(-1)).astype(int)
    return (worlds.legal.cumsum(-1) > pick[:, :, None]).argmax(-1)


def play(worlds, steps):
    """What `steps` steps show, world for world: {name: [steps, W, ...]}; final_obs is 0 where nobody ended."""
    seen = {name: [] for name in (*SHOWN, "final_obs")}
    for _ in range(steps):
        step = worlds.step(choose(worlds))
        for name in SHOWN:
            seen[name].append(getattr(step, name).copy())
        seen["final_obs"].append(step.final_obs * (step.terminated | step.truncated)[:, :, None])
    return {name: np.array(rows) for name, rows in seen.items()}


def assert_same(one, other):
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
