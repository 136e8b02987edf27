"""Torch modules, and whatever has the `predict` of Stable-Baselines3, in a seat; here with none of these libraries."""

# ruff: noqa: NPY002 (other libraries draw from the process's own generators)

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

import marl_sim as ms
from marl_sim.policies import Seats
from marl_sim.policies.sb3 import Predicting
from marl_sim.policies.torch_module import TorchModule


class Always(ms.Policy):
    action: int = 1

    def act(self, view):
        return np.where(view.legal[:, self.action], self.action, 0)


def pairs(rounds=4):
    return ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(rounds))


def played(policy, game=None, seed=0, steps=8, num_envs=3, seat=0):
    """What a policy does in a seat against Always, [steps, worlds], and its Seats."""
    sim = ms.Simulator(game or pairs(), num_envs, seed=seed, threads=1)
    sim.reset()
    others = {i: Always() for i in range(sim.game.n_agents) if i != seat}
    seats, did = Seats(sim, {seat: policy, **others}), []
    for _ in range(steps):
        actions = np.zeros(sim.acting.shape, dtype=int)
        seats.choose(actions)
        did.append(actions[:, seat].copy())
        seats.saw(sim.step(actions), actions)
    return np.array(did), seats


class Net(nn.Module):
    """Likes one action, whatever it sees."""

    def __init__(self, likes):
        super().__init__()
        self.likes = torch.tensor(likes)

    def forward(self, obs):
        assert obs.dtype == torch.float32
        return self.likes.expand(len(obs), -1)


def test_a_torch_module_plays_what_it_prefers_among_the_legal():
    game = ms.make("direct_punishment")
    likes = np.arange(float(game.n_actions))
    did, _ = played(ms.as_policy(Net(likes)), game, steps=30)
    sim = ms.Simulator(game, 3, seed=0, threads=1)
    sim.reset()
    for row in did:  # the highest legal one, everywhere
        highest = np.where(sim.legal, np.arange(game.n_actions), -1).max(-1)
        assert (row == np.where(sim.acting[:, 0], highest[:, 0], 0)).all()
        actions = np.where(sim.legal[:, :, 1], 1, 0)
        actions[:, 0] = row
        sim.step(actions)


def test_a_torch_module_may_be_drawn_from():
    module = Net([0.0, float(np.log(3))])
    did, _ = played(ms.as_policy(module, sample=True), num_envs=500)
    assert abs(did.mean() - 0.75) < 5 * np.sqrt(0.75 * 0.25 / did.size)
    again, _ = played(ms.as_policy(module, sample=True), num_envs=500)
    other, _ = played(ms.as_policy(module, sample=True), num_envs=500, seed=1)
    assert (did == again).all() and (did != other).any()


def test_a_torch_module_may_see_the_legal_actions_and_answer_with_actions():
    class Last(nn.Module):
        def forward(self, obs, legal):
            assert legal.dtype == torch.bool
            return (legal.cumsum(-1) == legal.sum(-1, keepdim=True)).int().argmax(-1), "and more"

    assert (played(ms.as_policy(Last()))[0] == 1).all()


@pytest.mark.parametrize("output", [torch.zeros(3, 5), torch.zeros(2, 2), torch.zeros(3)])
def test_a_torch_module_of_other_shapes_is_refused(output):
    class Odd(nn.Module):
        def forward(self, obs):
            return output

    with pytest.raises(ValueError, match=r"Odd must give 2 preferences for each of 3 rows"):
        played(ms.as_policy(Odd()))


class Model:
    """Cooperates; on every third of its decisions in a game, counted in a state of [1 layer, rows, 1], it defects."""

    def __init__(self, space):
        self.observation_space, self.action_space, self.asked = space, spaces.Discrete(2), []

    def predict(self, observation, state=None, episode_start=None, deterministic=False, action_masks=None):
        rows = len(observation["observation"] if isinstance(observation, dict) else observation)
        self.asked.append((observation, action_masks))
        count = np.zeros((1, rows, 1)) if state is None else state[0]
        count = np.where(episode_start[None, :, None], 0, count) + 1
        return (count[0, :, 0] % 3 == 0).astype(int), (count,)


def box(size):
    return spaces.Box(0, 1, (size,), np.float32)


def test_what_a_model_remembers_is_kept_row_by_row_and_begins_anew_with_the_game():
    model = Model(box(pairs().obs_dim))
    did, seats = played(ms.as_policy(model), pairs(rounds=4), steps=9)
    assert did.T.tolist() == [[0, 0, 1, 0, 0, 0, 1, 0, 0]] * 3
    observation, mask = model.asked[-1]
    assert observation.dtype == np.float32 and mask.shape == (3, 2) and mask.dtype == bool
    assert seats.state_dict()["0/kept/state 0"].shape == (3, 1, 1)  # it is part of checkpoints


def test_a_model_is_shown_what_its_space_asks_for():
    game = pairs()
    mask = spaces.Box(0, 1, (2,), np.int8)
    model = Model(spaces.Dict({"observation": box(game.obs_dim), "action_mask": mask}))
    played(ms.as_policy(model), game)
    seen, _ = model.asked[-1]
    assert model.observation_space.contains({name: part[0] for name, part in seen.items()})
    for space, said in (
        (box(3), r"Model takes observations of shape \(3,\); this game's are"),
        (spaces.Dict({"picture": box(3)}), r"Model wants to see 'picture'"),
    ):
        with pytest.raises(ValueError, match=said):
            played(ms.as_policy(Model(space)), game)


def test_a_model_of_other_actions_is_refused():
    model = Model(box(pairs().obs_dim))
    model.action_space = spaces.Discrete(7)
    with pytest.raises(ValueError, match="Model chooses among 7 actions; this game has 2"):
        played(ms.as_policy(model))
    model.action_space = spaces.Box(0, 1, (1,))
    with pytest.raises(ValueError, match="this game's actions are whole numbers"):
        played(ms.as_policy(model))


def test_a_model_that_draws_leaves_the_process_own_generators_alone():
    class Drawing:
        def predict(self, observation, deterministic=False):
            return np.random.randint(2, size=len(observation)) ^ torch.randint(2, (len(observation),)).numpy()

    np.random.seed(0), torch.manual_seed(0)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    did = [played(ms.as_policy(Drawing(), deterministic=False), seed=seed, num_envs=50)[0] for seed in (0, 0, 1)]
    assert (did[0] == did[1]).all() and (did[0] != did[2]).any() and 0.4 < did[0].mean() < 0.6
    assert (np.random.get_state()[1] == before[0]).all() and torch.equal(torch.get_rng_state(), before[1])


def test_illegal_answers_are_replaced_and_counted():
    class Seven:
        def predict(self, observation):
            return np.full(len(observation), 7)

    with pytest.raises(ms.IllegalAction, match=r"Seven, as agent_0 .* chose 7"):
        played(ms.as_policy(Seven()))
    did, seats = played(ms.as_policy(Seven(), illegal="pass"))
    assert (did == 0).all() and seats.report()[0]["replaced"] == did.size


def test_what_is_no_agent_is_refused():
    for maker, said in ((Predicting, "a model with predict"), (TorchModule, "a torch module was expected")):
        with pytest.raises(ValueError, match=said):
            maker(3)
