"""Outside sources and environments that cannot be used, said in a sentence; and what they are called where they can."""

import numpy as np
import pytest
from outside_play import play
from pettingzoo import ParallelEnv
from tiny_pettingzoo import Dead, Forgetful, Lives, Masks, Parts, Pictures, Reaches, Turns

from marl_sim.core.errors import IllegalAction, NotReset
from marl_sim.envs.source import Source
from marl_sim.training.outside import OutsideWorlds


def test_masks_are_kept_and_actions_checked():
    worlds = OutsideWorlds(Masks, 1, (0,), dict(waits=False))
    with pytest.raises(NotReset, match="call reset"):
        worlds.step(np.zeros((1, 2), int))
    worlds.reset()
    while worlds.legal[0, 0].all():
        play(worlds, 1)
    before = worlds.save()
    wrong = np.array([[worlds.legal[0, 0].argmin(), worlds.legal[0, 1].argmax()]])
    allowed = ", ".join(map(str, np.flatnonzero(worlds.legal[0, 0])))
    with pytest.raises(IllegalAction, match=f"^first chose {wrong[0, 0]} in world 0; it may choose {allowed}$"):
        worlds.step(wrong)
    for far in (-1, 3):
        with pytest.raises(IllegalAction, match=f"first chose {far} in world 0"):
            worlds.step(np.array([[far, worlds.legal[0, 1].argmax()]]))
    with pytest.raises(ValueError, match=r"integers of shape \(1, 2\); got float64 of shape \(1, 2\)"):
        worlds.step(wrong * 1.0)
    assert all(np.array_equal(array, before[name]) for name, array in worlds.save().items())
    numbers = OutsideWorlds(Reaches, 1, (0,))
    numbers.reset()
    with pytest.raises(IllegalAction, match=r"far chose 5.0 in world 0; it may choose a number from 0 to 4"):
        numbers.step(np.array([[[0, 0, 9.0], [0, 0, 5.0]]]))  # near has no third number: its 9 decides nothing


@pytest.mark.parametrize(
    "given, options, steps, message",
    [
        (Masks, dict(asleep=0), 0, "nobody acts in world 0 of Masks, which has not ended"),
        (Masks, dict(asleep=1), 1, "nobody acts in world 0 of Masks, which has not ended"),
        (Dead, {}, 1, "world 0 does not go on: player_0 is dead and stays selected"),
        (Parts, dict(numbers=1), 0, "an observation has 1 numbers where its space has 3: near in world 0"),
        (Masks, dict(entries=2), 0, "the action mask of first in world 0 must have 3 entries"),
    ],
)
def test_worlds_that_do_not_go_on_say_so(given, options, steps, message):
    worlds = OutsideWorlds(given, 1, (0,), options)

    def go():
        worlds.reset()
        play(worlds, steps)

    with pytest.raises((RuntimeError, ValueError), match=message):
        go()


def test_environments_that_forget_their_seed_cannot_be_resumed():
    worlds = OutsideWorlds(Forgetful, 1, (0, 1))
    worlds.reset()
    saved = worlds.save()
    with pytest.raises(ValueError, match="world 0 of Forgetful does not come back to where it was"):
        worlds.load(saved)
    for other in (worlds.another(2, (0, 1)), worlds.another(1, (0, 2))):
        with pytest.raises(ValueError, match=r"the saved state is of (other worlds|the seeds)"):
            other.load(saved)


@pytest.mark.parametrize(
    "given, options, error, message",
    [
        ("no_such_package.tag_v3", {}, ImportError, "check the name, or pip install no-such-package"),
        ("pettingzoo.classic.chequers_v1", {}, ImportError, "has no module pettingzoo.classic.chequers_v1"),
        ("needs_what_is_missing", {}, ImportError, "needs the package not_there_at_all: pip install not-there-at-all"),
        ("tiny_pettingzoo:Livs", {}, ValueError, "unknown name in tiny_pettingzoo: 'Livs'; did you mean 'Lives'"),
        ("tiny_pettingzoo", {}, ValueError, "has neither parallel_env nor env"),
        ("not a name", {}, ValueError, "source must be the name of a module .*; got 'not a name'"),
        (3, {}, ValueError, "source must be .*; got 3"),
        (dict, {}, ValueError, "dict must make a PettingZoo ParallelEnv or AECEnv; it made {}"),
        (Lives, dict(speed=3), ValueError, "Lives cannot be made with the options {'speed': 3}"),
        (Lives(), dict(lives=(1,)), ValueError, "options go with what makes an environment"),
        (Lives, dict(lives=()), ValueError, "Lives must name its possible_agents"),
    ],
)
def test_sources_that_cannot_be_used(given, options, error, message, tmp_path, monkeypatch):
    (tmp_path / "needs_what_is_missing.py").write_text("import not_there_at_all.deep")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(error, match=message):
        OutsideWorlds(given, 1, (0,), options)


def test_an_environment_is_copied_and_left_alone():
    env = Lives(lives=(2, 2))
    env.reset(seed=1)
    env.step({"agent_0": 0, "agent_1": 0})
    worlds = OutsideWorlds(env, 2, (0,))
    worlds.reset()
    play(worlds, 5)
    assert env.t == 1 and worlds.label == "lives_v0"
    env.hook = lambda: None
    with pytest.raises(ValueError, match=r"lives_v0 cannot be copied by pickling .*give a function that makes it"):
        OutsideWorlds(env, 1, (0,))


@pytest.mark.parametrize("num_envs, seeds", [(0, (1,)), (True, (1,)), (1, ()), (1, (-1,)), (1, (2**64,))])
def test_sizes_that_make_no_worlds(num_envs, seeds):
    with pytest.raises(ValueError, match=r"must be (a )?whole numbers? "):
        OutsideWorlds(Lives, num_envs, seeds)


@pytest.mark.parametrize(
    "options, image",
    [({}, (4, 3, 2)), (dict(shapes=((4, 3, 2), (3, 4, 2))), None), (dict(dtype="float32"), None)],
)
def test_a_common_picture_is_named(options, image):
    worlds = OutsideWorlds(Pictures, 1, (0,), options)
    worlds.reset()
    assert worlds.image == image and worlds.obs_dim == 24
    if not options:
        np.testing.assert_array_equal(worlds.obs[0, 1].reshape(4, 3, 2) * 255, worlds._worlds[0].env.first["right"])


def test_modules_names_and_labels():
    pytest.importorskip("mpe2")
    assert Source("pettingzoo:mpe2.simple_tag_v3").label == Source("mpe2.simple_tag_v3").label == "simple_tag_v3"
    assert isinstance(Source("mpe2.simple_tag_v3").make(), ParallelEnv)  # preferred to env
    assert Source("tiny_pettingzoo:Turns").label == Source(Turns).label == "Turns"


def test_spread_and_tag_have_the_sizes_their_pages_give():
    pytest.importorskip("mpe2")
    tag = OutsideWorlds("mpe2.simple_tag_v3", 1, (0,))
    assert (tag.obs_sizes, tag.action_counts, tag.box) == ((16, 16, 16, 14), (5, 5, 5, 5), None)
    spread = OutsideWorlds("mpe2.simple_spread_v3", 1, (0,), dict(continuous_actions=True))
    assert (spread.obs_dim, spread.box) == (18, ((0.0,) * 5, (1.0,) * 5))
    spread.close()
    with pytest.raises(NotReset):
        spread.step(np.zeros((1, 3, 5)))
