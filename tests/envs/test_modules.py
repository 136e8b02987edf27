"""Versioned modules and PettingZoo's registry, for every registered game."""

import importlib
import subprocess
import sys

import pettingzoo
import pytest

import marl_sim as ms
import marl_sim.envs
from marl_sim.core import registry


@pytest.mark.parametrize("name", ms.registered())
def test_every_registered_game_has_a_module(name):
    module = importlib.import_module(f"marl_sim.envs.{name}_v0")
    assert module is getattr(marl_sim.envs, f"{name}_v0")
    assert module.__doc__.startswith(registry.factory(name).__doc__.partition("\n")[0])
    parallel, turns, raw = module.parallel_env(), module.env(), module.raw_env()
    assert isinstance(parallel, pettingzoo.ParallelEnv)
    assert isinstance(turns, pettingzoo.AECEnv)
    assert type(raw) is type(turns)
    assert str(parallel) == str(turns) == f"{name}_v0"
    assert module.parallel_env.__name__ == "parallel_env"


@pytest.mark.parametrize("name", ms.registered())
def test_pettingzoo_makes_every_registered_game(name):
    for kind, base in (("parallel", pettingzoo.ParallelEnv), ("aec", pettingzoo.AECEnv)):
        env = pettingzoo.make(kind, f"marl_sim/{name}-v0", max_cycles=3)
        assert isinstance(env, base)
        assert env.max_cycles == 3
        assert env.game == ms.make(name)


def test_options_reach_the_game_and_the_environment():
    from marl_sim.envs import direct_punishment_v0

    env = direct_punishment_v0.parallel_env(n_agents=4, illegal_action="pass", render_mode="ansi")
    assert env.game.n_agents == 4
    assert env.illegal_action == "pass"
    assert pettingzoo.make("parallel", "marl_sim/direct_punishment-v0", n_agents=3).game.n_agents == 3
    assert direct_punishment_v0.env(waiting="pass").metadata["is_parallelizable"]


def test_the_import_statement_alone():
    done = subprocess.run(
        [sys.executable, "-c", "import marl_sim.envs.stag_hunt_v0 as m; print(m.parallel_env().possible_agents[0])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "agent_0\n"


def test_a_game_registered_later_gets_one_too():
    @ms.register("a_game_of_this_test")
    def build(n_agents: int = 2):
        """A game of this test."""
        return ms.Society(ms.StagHunt(), n_agents=n_agents)

    label = "marl_sim/a_game_of_this_test-v0"
    try:
        from marl_sim.envs import a_game_of_this_test_v0

        assert a_game_of_this_test_v0.__doc__ == "A game of this test."
        assert a_game_of_this_test_v0.env(n_agents=3).game.n_agents == 3
        assert pettingzoo.make("aec", label, n_agents=4).game.n_agents == 4
    finally:
        registry._factories.pop("a_game_of_this_test")
        for known in (pettingzoo.parallel_registry, pettingzoo.aec_registry):
            known.pop(label, None)
        sys.modules.pop("marl_sim.envs.a_game_of_this_test_v0", None)
        vars(marl_sim.envs).pop("a_game_of_this_test_v0", None)


def test_unknown_modules_are_named():
    with pytest.raises(AttributeError, match="did you mean 'stag_hunt_v0'"):
        marl_sim.envs.stag_hnt_v0  # noqa: B018
    with pytest.raises(AttributeError, match="did you mean 'stag_hunt_v0'"):
        marl_sim.envs.stag_hunt_v3  # noqa: B018
    with pytest.raises(ImportError):
        importlib.import_module("marl_sim.envs.stag_hnt_v0")
    assert "stag_hunt_v0" in dir(marl_sim.envs)
