"""How experience reaches learners: what is kept of a decision is what was seen when it was taken."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.learners import MAPPO, PPO


@pytest.mark.parametrize("heads", ["one", "per stage"])
@pytest.mark.parametrize("num_envs", [1, 2])
@pytest.mark.parametrize("learner", [PPO(steps=64), MAPPO(steps=64)])
def test_streams_keep_what_was_seen(learner, num_envs, heads):
    """The worlds write over their arrays in the step that follows."""
    game = ms.Society(ms.PureCoordination(), n_agents=2, horizon=ms.Fixed(3))
    trainer = ms.Trainer(game, learner, seeds=2, episodes=9, num_envs=num_envs, heads=heads)
    head = trainer.heads[0]
    for number in range(5):
        seen = head.arrange(trainer.worlds.obs[:, :, head.columns]).copy()
        legal = head.arrange(trainer.worlds.legal[:, :, : head.n_actions]).copy()
        trainer.advance()
        assert np.array_equal(head.lanes.streams.obs[:, :, number], seen)
        assert np.array_equal(head.lanes.streams.legal[:, :, number], legal)
