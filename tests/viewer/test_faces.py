"""render_mode on the PettingZoo faces: pictures without a display, a window with one, and what others' tools expect."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from drawn_moments import drawn
from pettingzoo.test import render_test

import marl_sim as ms
from marl_sim.core.errors import NotReset
from marl_sim.envs import face as faces
from marl_sim.viewer.films import Writer
from marl_sim.viewer.show import Show


def play(env, steps, seed=0):
    """Some steps of a parallel environment, going on after ends; yields after each."""
    seen, _ = env.reset(seed=seed)
    for _ in range(steps):
        if not env.agents:
            seen, _ = env.reset()
        mask = {a: np.flatnonzero(seen[a]["action_mask"]) for a in env.agents}
        seen, *_ = env.step({a: int(options[-1]) for a, options in mask.items()})
        yield env


@pytest.fixture
def screen(monkeypatch):
    """A screen that nobody sees, and a window that does not dawdle."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(faces, "FRAMES_A_SECOND", 50)


@pytest.mark.parametrize("waiting", ["skip", "pass"])
def test_pettingzoos_render_test(screen, waiting):
    render_test(lambda render_mode: ms.aec_env("direct_punishment", render_mode=render_mode, waiting=waiting))


def test_pictures_need_no_display_at_all():
    program = """
import os
for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
    os.environ.pop(name, None)
import marl_sim as ms
env = ms.parallel_env("public_goods", render_mode="rgb_array", render_size=(400, 300))
env.reset(seed=0)
print(env.render().shape, env.metadata["render_fps"])
import pygame
print(pygame.display.get_init())
try:
    env = ms.parallel_env("public_goods", render_mode="human")
    env.reset(seed=0)
except RuntimeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "(300, 400, 3) 4",
        "False",
        "there is no display to open a window on (DISPLAY is not set); render_mode='rgb_array' and "
        "`marl-sim record` need none",
    ]


def test_the_picture_is_that_of_the_show():
    """An environment and a show of the same seed and actions show the same."""
    env = ms.parallel_env("direct_punishment", render_mode="rgb_array")
    show = Show(env.game)
    env.reset(seed=0)
    for _ in range(30):
        actions = show.thoughts()
        show.step(actions)
        if not env.agents:
            env.reset()
        env.step(dict(zip(env.possible_agents, actions.tolist())))
        assert (env.render() == drawn(show).array()).all()


def test_the_last_frame_of_an_episode_and_the_first_of_the_next():
    env = ms.parallel_env("prisoners_dilemma", render_mode="rgb_array", rounds=3)
    pictures = [env.render() for env in play(env, 3)]
    assert not env.agents and env._pictures.scene().over == "terminated"
    assert (pictures[2] != pictures[1]).any()
    env.reset()
    assert env._pictures.scene().over == "" and (env.render() != pictures[2]).any()
    assert env._pictures.chronicle.episodes == 1, "the society goes on"
    env.reset(seed=1)
    assert env._pictures.chronicle.steps == 0, "another one"


def test_max_cycles_cut_the_picture_too():
    env = ms.parallel_env("prisoners_dilemma", render_mode="rgb_array", max_cycles=2)
    list(play(env, 2))
    assert env._pictures.scene().over == "truncated"


def test_sizes_and_modes():
    env = ms.parallel_env("stag_hunt", render_mode="rgb_array", render_size=(512, 512))
    env.reset(seed=0)
    first = env.render()
    assert first.shape == (512, 512, 3) and first.dtype == np.uint8
    first[:] = 0
    assert env.render().any(), "an array of its own"
    assert env.metadata["render_modes"] == ["ansi", "human", "rgb_array"]
    with pytest.raises(ValueError, match=r"render_size must be \(width, height\) in pixels, at least 240 x 200"):
        ms.aec_env("stag_hunt", render_mode="rgb_array", render_size=(10, 10))
    with pytest.raises(ms.NotReset):
        ms.parallel_env("stag_hunt", render_mode="rgb_array").render()


def test_a_pickled_environment_goes_on_with_its_pictures():
    env = ms.parallel_env("direct_punishment", render_mode="rgb_array")
    list(play(env, 7))
    twin = pickle.loads(pickle.dumps(env))
    assert (twin.render() == env.render()).all()


def test_drawing_changes_nothing_of_the_game():
    plain, watched = (ms.parallel_env("society", render_mode=mode) for mode in (None, "rgb_array"))
    for one, other in zip(play(plain, 60), play(watched, 60)):
        other.render()
        assert (one.state() == other.state()).all()


def test_somebody_closes_the_window_and_the_environment_goes_on(screen):
    import pygame

    env = ms.parallel_env("prisoners_dilemma", render_mode="human")
    env.reset(seed=0)
    assert env._pictures._screen.window.get_surface().get_size() == (960, 600) and env.render() is None
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    steps = [env.steps for env in play(env, 4)]
    assert steps == [1, 2, 3, 4] and not pygame.display.get_init()
    env.close()
    env.close()


def test_a_seat_shows_what_others_do_between_its_decisions(screen):
    env = ms.SeatEnv("direct_punishment", 2, render_mode="rgb_array", render_size=(512, 512))
    with pytest.raises(ms.NotReset):
        env.render()
    env.reset(seed=3)
    picture, shown = env.render(), env._pictures.chronicle
    assert picture.shape == (512, 512, 3)
    for _ in range(12):
        before = shown.steps
        _, _, terminated, truncated, _ = env.step(int(env.action_masks().argmax()))
        assert shown.steps > before and (env.render() != picture).any()
        picture = env.render()
        if terminated or truncated:
            assert env._pictures.scene().over
            env.reset()
            shown = env._pictures.chronicle
    env.reset(seed=4)
    assert env._pictures.chronicle.steps < 60
    env.close()
    window = ms.SeatEnv("stag_hunt", 0, render_mode="human")
    window.metadata = {**window.metadata, "render_fps": 50}
    window.reset(seed=0)
    window.step(0)
    assert window.render() is None
    window.close()
    window.close()


def test_a_seat_in_many_worlds_has_a_picture_of_each():
    """And each is that of the same world alone, though some wait for others and some have ended."""
    seating = {"agent_1": "TitForTat"}
    many = ms.SeatVectorEnv("prisoners_dilemma", 0, seating, num_envs=3, render_mode="rgb_array", rounds=4)
    with pytest.raises(NotReset, match="call reset"):
        many.render()
    many.reset(seed=5)
    first = many.render()
    assert isinstance(first, tuple) and [one.shape for one in first] == [(600, 960, 3)] * 3
    rng = np.random.default_rng(0)
    for _ in range(9):
        *_, terminated, truncated, _ = many.step(rng.integers(0, 2, 3))
        pictures = many.render()
        for world, one in enumerate(many._pictures):
            assert bool(one.chronicle.over) == bool(terminated[world] or truncated[world])
            sim = many.table.simulator
            assert one.scene().obs[0].tolist() == (one._last if one.chronicle.over else sim.obs[world])[0].tolist()
    assert len({one.tobytes() for one in pictures}) == 3
    plain = ms.SeatVectorEnv("prisoners_dilemma", 0, seating, num_envs=2)
    plain.reset(seed=0)
    assert plain.render() is None
    for mode in ("human", "ansi"):
        with pytest.raises(ValueError, match="render_mode of many worlds must be None or 'rgb_array'"):
            ms.SeatVectorEnv("prisoners_dilemma", 0, render_mode=mode)


def test_a_world_among_many_looks_as_it_would_alone():
    """Each moves at its own pace, and some wait for others: a show of its actions alone gives the same picture."""
    many = ms.SeatVectorEnv("direct_punishment", 1, num_envs=4, seed=3, render_mode="rgb_array", render_size=(400, 300))
    played = [[] for _ in many._pictures]
    for one, record in zip(many._pictures, played):
        see = one.see
        one.see = lambda actions, see=see, record=record, w=one.world: (record.append(actions[w].copy()), see(actions))
    many.reset(seed=3)
    for _ in range(12):
        many.step(many.action_masks().argmax(1))
    assert len({len(record) for record in played}) > 1, "no world waited for another"
    for world, (record, picture) in enumerate(zip(played, many.render())):
        show = Show(many.game, seed=3, world=world, title=many._pictures[world].scene().title)
        for actions in record:
            show.timeline.play(actions)
        assert (drawn(show, (400, 300)).array() == picture).all()


class RecordVideo:
    """As wrappers of that name do it: a frame after the reset and after every step, at metadata["render_fps"]."""

    def __init__(self, env, path):
        assert env.render_mode == "rgb_array" and "rgb_array" in env.metadata["render_modes"]
        self.env, self.writer = env, Writer(path, env.metadata["render_fps"])

    def step(self, *arguments):
        out = self.env.step(*arguments)
        self.writer.add(self.env.render())
        return out


def test_a_wrapper_that_records_every_frame(tmp_path):
    import imageio.v2 as imageio

    wrapper = RecordVideo(
        ms.aec_env("public_goods", render_mode="rgb_array", render_size=(320, 240)), tmp_path / "x.mp4"
    )
    wrapper.env.reset(seed=0)
    for _ in range(8):
        wrapper.step(0)
    wrapper.writer.close()
    frames = imageio.mimread(tmp_path / "x.mp4")
    assert len(frames) == 8 and frames[0].shape == (240, 320, 3)
