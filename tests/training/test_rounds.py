"""How whole steps of a group reach learners who look at all of its players."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.learners import LOLA
from marl_sim.training.rollout import Trainer


def kept_after(game, steps, **options):
    trainer = Trainer(game, LOLA(steps=99), seeds=2, episodes=99, num_envs=3, **options)
    for _ in range(steps):
        trainer.advance()
    return trainer, [head.lanes for head in trainer.heads]


@pytest.mark.parametrize("horizon, ends", [(ms.Fixed(3), [2, 5]), (ms.Continuing(3), [])])
def test_what_was_seen_done_and_paid_stays_side_by_side(horizon, ends):
    """Everybody's own reward, the observation before the choice, and an end only where the society ends."""
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=horizon, encode="index")
    _, (lanes,) = kept_after(game, 7)
    assert lanes.filled == 7
    kept = {name: x[:, :7].reshape(2, 7, 3, 2, -1) for name, x in lanes.kept.items()}
    acted, paid = kept["action"][..., 0], kept["reward"][..., 0]
    row, column = np.moveaxis(acted, -1, 0)
    assert np.array_equal(paid, game.constants["matrix"][row, column].astype(np.float32))
    assert (paid[..., 0] != paid[..., 1]).any()  # each its own
    over = kept["ended"][..., 0].all((0, 2, 3))
    assert np.flatnonzero(over).tolist() == ends and kept["ended"].any((0, 2, 3, 4)).tolist() == over.tolist()
    for t in range(7):
        fresh = t == 0 or over[t - 1]
        own = np.full((2, 3, 2), 2) if fresh else acted[:, t - 1]
        assert np.array_equal(kept["obs"][:, t, ..., 1], own)
        assert np.array_equal(kept["obs"][:, t, ..., 0], own if fresh else own[..., ::-1])


def test_steps_in_which_a_head_does_not_decide_count_with_their_rewards():
    game = ms.Society(ms.PrisonersDilemma(), ms.Punishment(), n_agents=2, horizon=ms.Fixed(2), encode="index")
    trainer, heads = kept_after(game, 4)
    assert len(heads) == len(trainer.heads) == 2
    played, punished = (lanes.kept["deciding"][:, :4].any((0, 2)) for lanes in heads)
    assert (played ^ punished).all() and played.sum() == 2
    assert all(lanes.filled == 4 and lanes.kept["reward"][:, :4].any() for lanes in heads)
    assert np.array_equal(heads[0].kept["reward"][:, :4], heads[1].kept["reward"][:, :4])


def test_a_seat_that_does_not_learn_is_seen_and_does_not_decide():
    class AllD(ms.Policy):
        def act(self, view):
            return np.ones(view.n, int)

    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(3))
    _, (lanes,) = kept_after(game, 5, policies={1: AllD()})
    deciding = lanes.kept["deciding"][:, :5].reshape(2, 5, 3, 2)
    assert deciding[..., 0].all() and not deciding[..., 1].any()
    assert set(np.unique(lanes.kept["reward"][:, :5].reshape(2, 5, 3, 2)[..., 0])) <= {0.0, 1.0}


def test_settled_credit_is_refused():
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(3))
    with pytest.raises(ValueError, match=r"credit 'settled' is for learners of single transitions"):
        Trainer(game, LOLA(), credit="settled")
