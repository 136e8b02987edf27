"""Looked-up rows are what one-hot inputs would be multiplied by, to act and to learn."""

import numpy as np
import pytest
import torch

import marl_sim as ms
from marl_sim.learners import A2C, COMA, DQN, DRQN, MAPPO, PPO, QMIX, REINFORCE, HeadSpec
from marl_sim.learners.embedding import LookUp, one_hot, width
from marl_sim.learners.nets import product

LEVELS = (3, 0, 2, 5, 0)  # 0: any number
ON = dict(hidden=(7,), steps=8, lr=0.01)
LEARNERS = [
    PPO(**ON), PPO(**ON, memory=3), A2C(**ON, activation="relu"), REINFORCE(**ON), MAPPO(**ON), MAPPO(**ON, memory=2),
    COMA(**ON), COMA(**ON, memory=2), DQN(hidden=(7, 3), batch=8), DQN(hidden=(7,), batch=8, path="torch", double=True),
    DRQN(memory=4, hidden=(5,), batch=2, length=3),
]  # fmt: skip


def test_rows_looked_up_are_products_with_one_hot_inputs_and_so_are_their_gradients():
    rng, torch_rng = np.random.default_rng(0), torch.Generator().manual_seed(0)
    x = torch.randn(3, 11, 5, generator=torch_rng)
    for d, n in enumerate(LEVELS):
        if n:
            x[..., d] = torch.from_numpy(rng.integers(0, n, (3, 11)).astype(np.float32))
    assert width(LEVELS) == 12
    x = x.requires_grad_()
    weight, bias = (torch.randn(3, rows, 4, generator=torch_rng).requires_grad_() for rows in (12, 1))
    looked_up = LookUp.apply(x, weight, bias, np.array(LEVELS))
    multiplied = product(one_hot(x, LEVELS), weight, bias)
    torch.testing.assert_close(looked_up, multiplied)
    grad = torch.randn(looked_up.shape, generator=torch_rng)
    ours, theirs = (torch.autograd.grad((y * grad).sum(), (x, weight, bias)) for y in (looked_up, multiplied))
    for d, n in enumerate(LEVELS):
        if not n:
            torch.testing.assert_close(ours[0][..., d], theirs[0][..., d])
    for mine, yours in zip(ours[1:], theirs[1:]):
        torch.testing.assert_close(mine, yours)


def trainers(learner):
    """The same game, seen one-hot, and by index with an embedding."""
    options = vars(learner)
    for encode in ("one_hot", "index"):
        game = ms.Society(ms.PrisonersDilemma(), ms.PartnerSelection(), n_agents=3, horizon=ms.Fixed(6), encode=encode)
        made = type(learner)(**options | dict(embed=encode == "index"))
        yield ms.Trainer(game, made, seeds=2, episodes=100, num_envs=2, team_reward="sum")


@pytest.mark.parametrize("learner", LEARNERS, ids=[f"{type(x).__name__}-{k}" for k, x in enumerate(LEARNERS)])
def test_a_game_seen_by_index_is_learned_as_if_it_were_seen_one_hot(learner):
    plain, embedded = trainers(learner)
    pairs = list(zip(plain.heads, embedded.heads, strict=True))
    assert any(one.spec.obs_dim > other.spec.obs_dim for one, other in pairs)
    for one, other in pairs:
        assert one.lanes.params.shape == other.lanes.params.shape
        assert torch.equal(one.lanes.params, other.lanes.params)
    for _ in range(60):
        plain.advance()
        embedded.advance()
        assert np.array_equal(plain.worlds.simulator.state["tick"], embedded.worlds.simulator.state["tick"])
    assert plain.updates == embedded.updates > 0
    for one, other in pairs:
        assert np.array_equal(one.lanes.decisions, other.lanes.decisions)
        torch.testing.assert_close(one.lanes.params, other.lanes.params, atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("learner", LEARNERS, ids=[f"{type(x).__name__}-{k}" for k, x in enumerate(LEARNERS)])
def test_an_exported_agent_looks_up_the_same(learner):
    _, trainer = trainers(learner)
    for _ in range(20):
        trainer.advance()
    for head in trainer.heads:
        module, who = head.module(1, 2)
        rng = np.random.default_rng(0)
        obs = rng.integers(0, head.spec.levels, (40, head.spec.obs_dim)).astype(np.float32)
        legal = np.ones((40, head.spec.n_actions), bool)
        memory = torch.zeros(40, module.hidden)
        said, _ = module(torch.from_numpy(obs), torch.from_numpy(legal), torch.full((40,), who), memory)
        k = head.spec.team
        everybody = np.repeat(obs, k, axis=0)[None].repeat(head.lanes.n_lanes, 0)
        open_to = np.ones((*everybody.shape[:2], head.spec.n_actions), bool)
        acted = head.act(everybody, open_to, open_to[..., 0], True, None)
        lane = 1 if k > 1 else 3 + 2
        assert np.array_equal(acted[lane].reshape(40, k)[:, who], said.argmax(-1).numpy())


def test_what_cannot_be_looked_up_is_refused():
    lanes, who = PPO(embed=True), (np.arange(2), np.zeros(2, int))
    with pytest.raises(ValueError, match=r"'play' has columns that are no indices; embed=True needs an index-coded"):
        lanes.build(HeadSpec("play", 3, 2), *who)
    with pytest.raises(ValueError, match=r"'play' sees pictures; embed=True needs channels=\(\)"):
        lanes.build(HeadSpec("play", 4, 2, (2,) * 4, image=(2, 2, 1)), *who)
    with pytest.raises(ValueError, match=r"PPO\.embed is 1; it must be True or False"):
        PPO(embed=1)
    with pytest.raises(ValueError, match="embed True; it needs n_step 1, prioritised False and embed False"):
        DQN(path="fused", embed=True)
    yes, legal = np.array([[True, False], [True, True]]), np.ones((2, 2, 2), bool)
    for learner in (PPO(embed=True), DQN(embed=True), QMIX(embed=True), DRQN(embed=True)):
        made = learner.build(HeadSpec("play", 2, 2, (3, 2)), *who)
        odd = np.zeros((2, 2, 2), np.float32)
        odd[0, 1, 0] = 7  # of one who does not decide
        made.act(odd, legal, yes)
        odd[1, 1, 0] = 3
        with pytest.raises(ValueError, match=r"Lane 1 of head 'play' sees 3 in column 0; it must be a whole .* 0 to 2"):
            made.act(odd, legal, yes)
