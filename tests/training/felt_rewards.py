"""Steps of rewards, and what agents with social preferences make of them."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from marl_sim.training.preferences import Preference

PD = {"CC": (3, 3), "CD": (0, 4), "DC": (4, 0), "DD": (1, 1)}

payoff = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3) + 0.0)
steps = arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 3), st.just(3)), elements=payoff)  # [T, W, 3]


def felt(layer: Preference, *rewards) -> np.ndarray:
    """What one world's agents make of a step, or of the last of several."""
    memory = layer.begin(len(rewards[0]), 1)
    for reward in rewards:
        made = layer.apply(np.array([reward], dtype=float), memory)
    return made[0]


def course(layer: Preference, rewards: np.ndarray, ended: np.ndarray | None = None) -> np.ndarray:
    """What agents make of steps [T, W, n], in which episodes end [T, W] or do not."""
    memory = layer.begin(rewards.shape[2], rewards.shape[1])
    made = []
    for t, reward in enumerate(rewards):
        made.append(layer.apply(reward, memory))
        if ended is not None:
            layer.forget(memory, ended[t])
    return np.array(made)
