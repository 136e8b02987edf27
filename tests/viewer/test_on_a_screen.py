"""A real window under Xvfb, with real keys and clicks: step, look closely, take over, act, film, branch, close."""

import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time

import pygame
import pytest
from drawn_moments import moment

from marl_sim.viewer.replays import Replay, first_difference
from marl_sim.viewer.show import Show
from marl_sim.viewer.window import Window

MISSING = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
on_a_screen = pytest.mark.skipif(
    bool(MISSING), reason=f"{' and '.join(MISSING)} not installed (apt install xvfb xdotool)"
)


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """The number of a screen of its own, as DISPLAY names it."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as told:
        number = told.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(timeout=10)


class Person:
    """Somebody at a window of the command's: presses keys, clicks, and reads what the window says of itself."""

    def __init__(self, screen, folder, program):
        self.screen = {**os.environ, "DISPLAY": screen}
        self.screen.pop("SDL_VIDEODRIVER", None)
        told = """
            import sys, threading, time
            import marl_sim as ms
            from pathlib import Path
            from marl_sim.viewer.show import Show
            from marl_sim.viewer.window import Window
            import pygame

            def follow(window):
                # what the window holds, on a line whenever it changes
                said = None
                while True:
                    time.sleep(0.02)
                    if not window._looked:  # nothing has been drawn yet
                        continue
                    line = window.show.timeline
                    now = [window.screen.window.handle, line.at, len(line), int(window.playing),
                           window.selected, len(window.show.guests), len(window.show.waiting_for), int(window.helping),
                           window.power, int(window.film is not None), line.seed, line.world,
                           int(window.beside is not None), line.number, int(window.everything), window.theme.name,
                           len(window.choices.rects)]
                    if now != said:
                        print("HOLDS", *now, flush=True)
                        said = now

            def watch(window):
                threading.Thread(target=follow, args=(window,), daemon=True).start()
                window.run()
                print("CLOSED", flush=True)
        """
        code = textwrap.dedent(told) + textwrap.dedent(program)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], env=self.screen, cwd=folder, stdout=subprocess.PIPE, text=True
        )
        self.heard, self.held = [], []
        self._ear = threading.Thread(target=self._listen, daemon=True)
        self._ear.start()
        self.id = self.see(bool)[0]
        self.do("windowfocus", "--sync", self.id)

    def _listen(self):
        for line in self.process.stdout:
            self.heard.append(line.strip())
            if line.startswith("HOLDS"):
                self.held = line.split()[1:]

    def do(self, *words):
        subprocess.run(["xdotool", *words], env=self.screen, check=True, timeout=20)

    def key(self, *names):
        for name in names:
            self.do("key", name)

    def click(self, spot):
        self.do("mousemove", "--window", self.id, str(spot[0]), str(spot[1]), "click", "1")

    def see(self, wanted, within=40.0):
        """What the window holds, once it is as wanted."""
        until = time.monotonic() + within
        while time.monotonic() < until and self.process.poll() is None:
            held = self.held
            if held and wanted(held):
                return held
            time.sleep(0.01)
        raise AssertionError(f"the window never got there; it said {self.heard[-5:]}")

    def leave(self):
        """Wait for the end; everything that was said since."""
        self.process.wait(timeout=40)
        self._ear.join(timeout=10)
        assert self.process.returncode == 0
        return "\n".join(self.heard)


AT, LENGTH, PLAYING, SELECTED, GUESTS, WAITING, HELPING, POWER, FILM, SEED, WORLD, BESIDE = range(1, 13)
THEME, CHOICES = 15, 16


@on_a_screen
def test_a_person_watches_steps_looks_takes_over_and_closes(screen, tmp_path):
    program = 'watch(Window(Show(ms.make("direct_punishment"), seed=3), size=(1000, 700)))'
    person = Person(screen, tmp_path, program)
    person.see(lambda held: int(held[AT]) >= 2)  # it plays by itself
    person.key("space")
    held = person.see(lambda held: held[PLAYING] == "0")
    at = int(held[AT])
    person.key("Right", "Right")
    person.see(lambda held: int(held[AT]) == at + 2)
    person.key("Left", "Left", "Left")
    person.see(lambda held: int(held[AT]) == at - 1 and int(held[LENGTH]) == at + 2)
    person.key("Down")  # a round is two stages: on to its end
    person.see(lambda held: at - 1 < int(held[AT]) <= at + 1)
    person.key("question")
    person.see(lambda held: held[HELPING] == "1")
    person.key("question")
    person.see(lambda held: held[HELPING] == "0")
    person.key("Tab", "Tab")
    person.see(lambda held: held[SELECTED] == "1")
    person.key("plus", "plus", "minus")
    person.see(lambda held: held[POWER] == "1")
    person.key("d")
    person.see(lambda held: held[THEME] == "dark")
    person.key("p", "l")
    person.key("s")
    person.see(lambda held: held[SEED] == "4" and held[AT] == "0")
    person.key("w")
    person.see(lambda held: held[WORLD] == "1")
    person.key("Right", "Right", "r")
    person.see(lambda held: held[AT] == "0" and held[LENGTH] == "0")
    person.key("q")
    assert "CLOSED" in person.leave()
    pictures = list(tmp_path.glob("*.png"))
    assert len(pictures) == 1 and pygame.image.load(pictures[0]).get_size() == (1000, 700)
    replay = Replay.load(next(tmp_path.glob("*.replay")))
    assert replay.seed == 3 and len(replay.actions) == at + 2


@on_a_screen
def test_a_person_plays_films_and_what_was_played_is_kept(screen, tmp_path):
    """Both seats of a dilemma: one by key, one by click on the button of the other choice."""
    person = Person(
        screen, tmp_path, """
        show = Show(ms.make("prisoners_dilemma", rounds=3))
        show.sit("agent_1")
        window = Window(show, size=(1000, 700))
        watch(window)
        """
    )  # fmt: skip
    person.see(lambda held: held[WAITING] == "1")
    person.key("v")
    person.see(lambda held: held[FILM] == "1")
    person.key("2")  # defect
    person.see(lambda held: held[AT] == "1" and held[WAITING] == "1")
    person.key("5", "1")  # there is no fifth choice; cooperate
    person.see(lambda held: held[AT] == "2" and held[WAITING] == "1")
    person.key("v")
    person.see(lambda held: held[FILM] == "0")
    # where the buttons lie is known from the same drawing without a screen
    show = moment("prisoners_dilemma", 0)
    show.sit("agent_1")
    window = Window(show, size=(1000, 700))
    window.advance(time.monotonic())
    window.draw((1000, 700), time.monotonic())
    rect = next(rect for action, rect in window.choices.rects if action == 1)
    person.click(rect.center)
    person.see(lambda held: held[AT] == "3")
    person.click(window.bar.buttons["seat"].center)  # give back
    person.see(lambda held: held[GUESTS] == "0")
    person.see(lambda held: int(held[AT]) >= 5)  # and it goes on
    person.key("q")
    assert "what was played is kept in" in person.leave()
    replay = Replay.load(next(tmp_path.glob("*.replay")))
    assert replay.actions[:3, 1].tolist() == [1, 0, 1]
    told = replay.notes["transcript"]
    assert [(one["agent"], one["word"], one["late"]) for one in told] == [
        (1, "defect", False),
        (1, "cooperate", False),
        (1, "defect", False),
    ]
    assert told[1]["seen"]["own_actions"] == 1
    assert next(tmp_path.glob("*.mp4")).stat().st_size > 1000


@on_a_screen
def test_a_window_closed_in_the_middle_of_a_turn_loses_nothing(screen, tmp_path):
    person = Person(
        screen, tmp_path, """
        show = Show(ms.make("prisoners_dilemma"))
        show.sit(0)
        window = Window(show, size=(800, 600))

        def close():
            while not (show.timeline.at == 1 and show.waiting_for):
                time.sleep(0.05)
            pygame.event.post(pygame.event.Event(pygame.QUIT))  # what a window manager's cross sends

        threading.Thread(target=close, daemon=True).start()
        watch(window)
        """
    )  # fmt: skip
    person.see(lambda held: held[WAITING] == "1")
    person.key("1")
    assert "what was played is kept in" in person.leave()
    assert len(Replay.load(next(tmp_path.glob("*.replay"))).actions) == 1


@on_a_screen
def test_the_window_answers_while_a_mind_thinks(screen, tmp_path):
    person = Person(
        screen, tmp_path, """
        def slow(seen, legal):
            time.sleep(30)
            return 0

        from marl_sim.viewer.minds import Table
        game = ms.make("stag_hunt")
        watch(Window(Show(game, Table(game, {0: slow})), size=(800, 600)))
        """
    )  # fmt: skip
    time.sleep(0.5)
    started = time.monotonic()
    person.key("question")
    person.see(lambda held: held[HELPING] == "1", within=8)
    person.key("q")
    assert "CLOSED" in person.leave()
    assert time.monotonic() - started < 25


@on_a_screen
def test_a_replay_is_scrubbed_and_branched_beside_what_was(screen, tmp_path):
    moment("prisoners_dilemma", 40).replay().save(tmp_path / "x.replay")
    person = Person(
        screen, tmp_path, """
        from marl_sim.viewer.replays import Replay
        watch(Window(Show.of(Replay.load("x.replay")), size=(1000, 700)))
        """
    )  # fmt: skip
    person.key("space")
    person.see(lambda held: held[PLAYING] == "0")
    window = Window(Show.of(Replay.load(tmp_path / "x.replay")), size=(1000, 700))
    window.draw((1000, 700), time.monotonic())
    slider = window.bar.slider
    person.click((slider.x + slider.w // 2, slider.centery))
    person.see(lambda held: held[AT] == "20" and held[LENGTH] == "40")
    person.key("b", "Tab", "t")
    person.see(lambda held: held[BESIDE] == "1" and held[WAITING] == "1" and held[LENGTH] == "20")
    did = int(Replay.load(tmp_path / "x.replay").actions[20, 0])
    person.see(lambda held: held[CHOICES] == "2")  # an episode has ended here, and the next one opens
    person.key("Right", str(2 - did))  # the other choice
    person.see(lambda held: held[AT] == "21")
    person.key("l", "q")
    person.leave()
    other = Replay.load(next(path for path in tmp_path.glob("*.replay") if path.name != "x.replay"))
    found = first_difference(Replay.load(tmp_path / "x.replay"), other)
    assert (found.step, found.agent) == (20, 0)
    assert (other.actions[20, 1] == Replay.load(tmp_path / "x.replay").actions[20, 1]).all()
