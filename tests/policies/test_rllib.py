"""RLlib's modules in our seats; skipped where it is not installed. No cluster is started."""

import numpy as np
import pytest
from the_pot import pot

import marl_sim as ms
from marl_sim.policies import Random, Seats

pytest.importorskip("ray.rllib", reason="needs pip install 'ray[rllib]'")

import torch
from gymnasium import spaces
from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule


def pairs(rounds=3):
    return ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(rounds))


def built(env, **config):
    torch.manual_seed(0)
    return RLModuleSpec(
        module_class=DefaultPPOTorchRLModule, observation_space=env.observation_space, action_space=env.action_space,
        model_config={"fcnet_hiddens": [8], **config}, catalog_class=PPOCatalog,
    ).build()  # fmt: skip


def steps_of(policy, game, steps, num_envs=3):
    """Step by step: the simulator before it, what the policy (seat 0) did, and its Seats after it."""
    sim = ms.Simulator(game, num_envs, seed=2, threads=1)
    sim.reset()
    seats = Seats(sim, {0: policy, **{i: Random() for i in range(1, game.n_agents)}})
    for _ in range(steps):
        actions = np.zeros(sim.acting.shape, int)
        seats.choose(actions)
        yield sim, actions[:, 0], seats
        seats.saw(sim.step(actions), actions)


def test_a_module_plays_its_best_action():
    game = pairs()
    module = built(ms.SeatEnv(game))
    for sim, did, _ in steps_of(ms.as_policy(module), game, 6):
        said = module.forward_inference({"obs": torch.from_numpy(sim.obs[:, 0].copy())})
        np.testing.assert_array_equal(did, said["action_dist_inputs"].argmax(-1).numpy())


def test_a_module_is_never_illegal_and_may_be_drawn_from():
    game = ms.make("partner_selection", n_agents=4)
    module = built(ms.SeatEnv(game))
    for sample in (False, True):
        policy = ms.as_policy(module, sample=sample)  # illegal="raise"
        found = [did.copy() for _, did, _ in steps_of(policy, game, 30, num_envs=20)]
        again = [did.copy() for _, did, _ in steps_of(policy, game, 30, num_envs=20)]
        np.testing.assert_array_equal(found, again)
    assert np.unique(found).size > 2


def test_what_a_module_remembers_is_kept_row_by_row():
    game = pairs(rounds=3)
    module = built(ms.SeatEnv(game), use_lstm=True, lstm_cell_size=4, max_seq_len=5)
    assert module.is_stateful()
    blank = {name: torch.zeros(3, *value.shape) for name, value in module.get_initial_state().items()}
    state = blank
    for step, (sim, did, seats) in enumerate(steps_of(ms.as_policy(module), game, 8)):
        if step % 3 == 0:
            state = blank
        seen = torch.from_numpy(sim.obs[:, 0].copy())[:, None]
        said = module.forward_inference({"obs": seen, "state_in": state})
        state = said["state_out"]
        np.testing.assert_array_equal(did, said["action_dist_inputs"][:, -1].argmax(-1).numpy())
        for name, value in state.items():
            np.testing.assert_allclose(seats.players[0].kept[name], value.detach().numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("normalized", [True, False])
def test_a_module_of_numbers_is_stretched_over_the_range_or_clipped_to_it(normalized):
    game = pot()
    module = built(ms.SeatEnv(game))
    sim = ms.Simulator(game, 3, seed=2, threads=1)
    sim.reset()
    policy = ms.as_policy(module, normalized=normalized)
    seats = Seats(sim, {0: policy, 1: Random(), 2: Random()})
    actions = np.zeros((3, 3))
    mean = module.forward_inference({"obs": torch.from_numpy(sim.obs[:, 0].copy())})["action_dist_inputs"][:, 0]
    seats.choose(actions)
    want = 0.5 + (mean.clip(-1, 1) + 1) / 2 * 1.5 if normalized else mean.clip(0.5, 2)
    np.testing.assert_allclose(actions[:, 0], want.detach().numpy(), rtol=1e-6)


def test_its_masking_module_is_shown_the_mask():
    game = ms.make("partner_selection", n_agents=4)
    seen = spaces.Dict(
        {
            "action_mask": spaces.Box(0.0, 1.0, (game.n_actions,), np.float32),
            "observations": spaces.Box(*game.layout.bounds(), dtype=np.float32),
        }
    )
    module = RLModuleSpec(
        module_class=ActionMaskingTorchRLModule, observation_space=seen, action_space=spaces.Discrete(game.n_actions),
        model_config={"fcnet_hiddens": [8], "head_fcnet_hiddens": [8]}, catalog_class=PPOCatalog,
    ).build()  # fmt: skip
    for sim, did, _ in steps_of(ms.as_policy(module), game, 20):
        assert sim.legal[np.arange(3), 0, did].all()


def test_a_module_of_other_shapes_is_refused():
    module = built(ms.SeatEnv("trust"))
    with pytest.raises(ValueError, match=r"takes observations of shape \(\d+,\); this game's are"):
        next(steps_of(ms.as_policy(module), pairs(), 1))
