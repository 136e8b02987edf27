"""What a window does with its show, its minds and its guests: its own loop, without a screen."""

import time

import numpy as np
import pygame
from drawn_moments import moment

import marl_sim as ms
from marl_sim.viewer.canvas import Canvas
from marl_sim.viewer.controls import speed_words
from marl_sim.viewer.minds import Table
from marl_sim.viewer.screen import Screen
from marl_sim.viewer.seat import from_inside
from marl_sim.viewer.show import Show
from marl_sim.viewer.window import Window


def run_for(window, seconds=3.0, until=lambda: False):
    """The window's own loop without a screen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        window.advance(time.monotonic())
        window.draw((900, 600), time.monotonic())
        time.sleep(0.001)


def test_speeds():
    assert [speed_words(power) for power in (-3, 0, 6)] == ["1/8x", "1x", "64x"]
    window = Window(moment("direct_punishment", 0), size=(900, 600))
    for _ in range(20):
        window.do("faster")
    assert window.power == 6
    run_for(window, 2.0)
    assert window.show.timeline.at > 60  # 91 stages a second are due
    for _ in range(20):
        window.do("slower")
    assert window.power == -3
    before = window.show.timeline.at
    run_for(window, 0.5)
    assert window.show.timeline.at <= before + 1


def test_a_mind_that_fails_stops_the_clock_and_says_so():
    def broken(seen, legal):
        raise RuntimeError("no idea")

    game = ms.make("stag_hunt")
    window = Window(Show(game, Table(game, {1: broken})))
    run_for(window, 3.0, lambda: not window.playing)
    assert not window.playing and window.message == "A mind failed: no idea" and window.show.timeline.at == 0


def test_only_what_an_agent_may_see_is_shown_until_one_asks_for_everything():
    """Two worlds that look the same to a seat look the same on the screen, whatever the others got."""
    show = moment("direct_punishment", 0)
    show.sit(0)
    window = Window(show, size=(900, 600))
    canvas = Canvas((900, 500), audit=True)
    from_inside(canvas, canvas.rect, show.scene(), 0)
    assert [one.name for one in canvas.drawn if one.kind == "agent"] == ["agent_0"]
    words = " ".join(one.name for one in canvas.drawn if one.kind == "text")
    assert "agent_1" not in words
    assert window.inside() == 0
    window.do("everything")
    assert window.inside() is None
    show.leave(0)
    window.do("everything")
    assert window.inside() is None

    game = ms.make("prisoners_dilemma")
    pictures = []
    for theirs in (0, 1):
        one = Show(game)
        one.sit(0)
        one.timeline.play(np.array([0, theirs]))
        scene = one.scene()
        scene.obs[0] = 0  # what differs in what it sees and is paid is its own business
        scene.chronicle.last = {"payoff": np.zeros(2)}
        scene.chronicle.totals = np.array([0.0, 5.0 * theirs])
        canvas = Canvas((600, 400))
        from_inside(canvas, canvas.rect, scene, 0)
        pictures.append(canvas.array())
    assert (pictures[0] == pictures[1]).all()


def test_an_episode_ends_before_ones_eyes_and_the_next_one_opens():
    show = moment("prisoners_dilemma", 10)
    assert show.timeline.chronicle.over
    show.sit(0)
    window = Window(show, size=(900, 600))
    window.draw((900, 600), time.monotonic())
    assert window.choices.rects == [], "the last frame comes first"
    run_for(window, 5.0, lambda: window.choices.rects)
    assert [action for action, _ in window.choices.rects] == [0, 1]
    window.handle(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_2, mod=0, unicode="2"))
    run_for(window, 5.0, lambda: show.timeline.at == 11)
    assert show.timeline.actions[10][0] == 1


def test_time_is_up_and_chance_chooses():
    show = moment("prisoners_dilemma", 0)
    show.sit(0)
    window = Window(show, limit=0.2)
    run_for(window, 5.0, lambda: show.timeline.at >= 1)
    assert show.timeline.at == 1 and show.transcript[0]["late"]
    assert window.message == "Time is up: chance has chosen."


def test_numbers_are_chosen_on_a_slider():
    show = Show(ms.make("common_pool", box=True))
    show.sit(2)
    window = Window(show)
    run_for(window, 3.0, lambda: window.choices.slider is not None)
    left = window.choices.slider.left, window.choices.slider.centery
    assert window.choices.click(left) is None and window.choices.amount == show.game.box[0]
    window.handle(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_RETURN, mod=0, unicode="\r"))
    run_for(window, 3.0, lambda: show.timeline.at >= 1)
    assert show.timeline.actions[0][2] == show.game.box[0]


class Dense:
    """A window of 500 x 350 on a screen of twice the usual density, as pygame.Window has them with allow_high_dpi."""

    size = (500, 350)

    def __init__(self):
        self.surface = pygame.Surface((1000, 700), 0, 32)
        self.flips = 0

    def get_surface(self):
        return self.surface

    def flip(self):
        self.flips += 1


def test_a_dense_screen_is_drawn_on_pixel_by_pixel_and_clicks_hit_what_they_are_on():
    screen = Screen.__new__(Screen)
    screen.window = Dense()
    window = Window(moment("direct_punishment", 3), size=(500, 350))
    window.screen = screen
    assert screen.size == (1000, 700)
    canvas = window.draw(screen.size, window.stepped_at)
    screen.show(canvas.surface)
    assert (pygame.surfarray.array3d(screen.window.surface) == pygame.surfarray.array3d(canvas.surface)).all()
    for agent in (2, 4):
        x, y = window.pane.painter.view.place_of(agent).center
        window.handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=(x // 2, y // 2)))
        assert window.selected == agent
    screen.show(pygame.Surface((500, 350), 0, 32))  # a picture of a fixed size fills it as well
    assert screen.window.surface.get_at((999, 699))[:3] == (0, 0, 0) and screen.window.flips == 2
