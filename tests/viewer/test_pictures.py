"""Every game is drawn without a display: everybody, on nobody, in words that can be read, to its last frame."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from drawn_moments import check, drawn, last_of_episode, moment

import marl_sim as ms
from marl_sim.viewer.palette import DARK, LIGHT
from marl_sim.viewer.show import Show
from marl_sim.viewer.views import GameView, _views, shows, view_of
from marl_sim.viewer.views.off_switch import OffSwitchView
from marl_sim.viewer.views.public_goods import PublicGoodsView
from marl_sim.viewer.views.society import SocietyView

SIZES = [(960, 600), (512, 512)]


@pytest.mark.parametrize("name", ms.registered())
def test_every_registered_game_in_the_middle_and_at_the_end_of_an_episode(name):
    show = moment(name, 0)
    names = show.scene().names
    check(drawn(show), names)
    show = moment(name, 7)
    for size in SIZES:
        check(drawn(show, size), names)
    check(drawn(show, (640, 400), DARK, progress=0.4), names)
    show = last_of_episode(name)
    scene = show.scene()
    assert scene.over and scene.stage is None and not scene.acting.any()
    canvas = drawn(show)
    check(canvas, names)
    assert any(one.kind == "stage" and one.name == scene.over for one in canvas.drawn)
    assert scene.chronicle.deeds, "the last deeds of the episode are shown"


@pytest.mark.parametrize("n", [2, 3, 9, 24, 60])
def test_societies_of_two_to_sixty(n):
    show = moment(ms.make("direct_punishment", n_agents=max(n, 3)), 40)
    for size in [*SIZES, (1600, 1000)]:
        check(drawn(show, size), show.game.agents)
    assert isinstance(view_of(show.game), SocietyView)


def test_twice_the_density_is_the_same_picture_twice_as_large():
    show = moment("direct_punishment", 11)
    small, large = drawn(show, (800, 500)), drawn(show, (1600, 1000), zoom=2.0)
    check(large, show.game.agents)
    at = {one.name: one.rect for one in small.drawn if one.kind == "agent"}
    for one in large.drawn:
        if one.kind == "agent":
            assert np.abs(np.array(one.rect.center) / 2 - at[one.name].center).max() <= 3


def test_the_same_moment_is_the_same_picture_and_another_is_not():
    one, same, later = (drawn(moment("society", k)).array() for k in (12, 12, 13))
    assert (one == same).all()
    assert (one != later).any()
    assert one.shape == (600, 960, 3) and one.dtype == np.uint8
    assert (drawn(moment("society", 12), theme=DARK).array() != one).any()


def test_a_kept_panel_is_what_a_fresh_one_would_be():
    """Parts that have not changed are copied: the copy must never outlive what it shows."""
    from marl_sim.viewer.canvas import Canvas
    from marl_sim.viewer.frame import Painter

    show = moment("society", 0)
    kept, painter = Canvas((960, 600)), Painter(show.game)
    for k in range(30):
        show.step() if k % 7 else show.seek(show.timeline.at // 2)
        fresh = Canvas((960, 600))
        painter.paint(kept, show.scene())
        painter.paint(fresh, show.scene())
        assert (kept.array() == fresh.array()).all()


def test_deeds_move_and_arrive():
    show = moment("direct_punishment", 2)
    frames = [drawn(show, progress=p).array() for p in (0.0, 0.5, 1.0)]
    assert (frames[0] != frames[1]).any() and (frames[1] != frames[2]).any()


def test_games_of_their_own_picture_and_views_of_ones_own():
    assert isinstance(view_of(ms.make("mac_spgg")), PublicGoodsView)  # derived from what the view is registered for
    assert type(view_of(ms.make("prisoners_dilemma"))) is SocietyView
    assert isinstance(view_of(ms.make("off_switch")), OffSwitchView)

    shipped = type(view_of(ms.make("escape_room")))

    @shows(ms.EscapeRoom)
    class Room(GameView):
        """One word."""

    try:
        assert isinstance(view_of(ms.make("escape_room")), Room)
        with pytest.raises(NotImplementedError, match="Room must define draw"):
            drawn(moment("escape_room", 1))
    finally:
        _views[ms.EscapeRoom] = shipped


def test_a_view_of_ones_own_prevails_though_it_came_before_the_viewers():
    program = """
        import marl_sim as ms
        from marl_sim.viewer.views import GameView, shows, view_of

        class Room(GameView): pass

        shows(ms.EscapeRoom)(Room)
        print(type(view_of(ms.make("escape_room"))).__name__, type(view_of(ms.make("off_switch"))).__name__)
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert ran.stdout.split()[-2:] == ["Room", "OffSwitchView"]


@pytest.mark.parametrize("size", [(960, 600), (480, 320)])
@pytest.mark.parametrize(("n", "levers"), [(2, 1), (5, 2), (40, 13)])
def test_everybody_in_the_escape_room_stands_where_it_went_and_who_got_out_is_out(n, levers, size):
    """Four places from left to right, of one width."""
    found = set()
    for seed in range(6):
        game = ms.make("escape_room", n_agents=n, levers=levers)
        show = Show(game, seed=seed)
        for _ in range(3):
            show.step()
            canvas, deeds = drawn(show, size), show.timeline.chronicle.deeds
            check(canvas, game.agents)
            at = {one.name: one for one in canvas.drawn if one.kind == "agent"}
            gate = next(one.rect for one in canvas.drawn if one.kind == "gate")
            opened = sum(deed.word == "lever" for deed in deeds) >= levers
            out = opened and any(deed.word == "door" for deed in deeds)
            for deed in deeds:
                place = ["start", "lever", "door"].index(deed.word)
                if opened and place == 2:
                    place = 3
                one = at[game.agents[deed.agent]]
                assert 4 * (one.rect.centerx - one.box.x) // one.box.w == place
                assert (one.rect.centerx > gate.right) == (place == 3)
            assert (gate.h < one.box.h / 2) == opened
            assert bool(show.timeline.chronicle.over == "terminated") == out
            found |= {"out"} if out else {"open"} if opened else {"shut"}
    assert {"out", "shut"} <= found


def test_who_is_out_stays_out_while_those_who_pulled_are_rewarded():
    """And those who had been out before are not taken for walking out again."""
    game = ms.Group(ms.EscapeRoom(), ms.PeerReward(points=4), n_agents=3, horizon=ms.Fixed(5))
    for seed in range(40):
        show = moment(game, 1, seed)
        words = {deed.word for deed in show.timeline.chronicle.deeds}
        if {"lever", "door"} <= words:
            break
    first = drawn(show)
    assert not show.timeline.chronicle.over
    show.step()
    for progress in (0.0, 1.0):
        later = drawn(show, progress=progress)
        where = [{one.name: one.rect for one in canvas.drawn if one.kind == "agent"} for canvas in (first, later)]
        assert where[0] == where[1]


@pytest.mark.parametrize(
    ("name", "told"),
    [("escape_room", {"start", "lever", "door"}), ("stag_hunt", {"stag", "hare"}),
     ("off_switch", {"wait", "act", "off"}), ("prisoners_dilemma", {"cooperates", "defects"})],
)  # fmt: skip
def test_deeds_are_summed_up_in_the_games_own_words(name, told):
    """In the line below, beside the marks: who walks to a door has not "defected"."""
    found = set()
    for seed in range(6):
        show = moment(name, 1, seed)
        words = {one.name.split(" ×")[0] for one in drawn(show).drawn if one.kind == "text"}
        found |= words & (told | {"cooperates", "defects", "decides"})
    assert found == told


def test_the_pot_holds_what_was_given_and_shares_come_back():
    show = moment("public_goods", 1)
    given = [deed.amount for deed in show.timeline.chronicle.deeds]
    texts = [one.name for one in drawn(show).drawn if one.kind == "text"]
    assert f"{sum(given):.3g}" in texts
    for paid in show.timeline.last.reward[0]:
        assert f"{paid:+.3g}" in texts


def test_the_walker_is_drawn_where_it_ended_not_where_the_next_one_begins():
    from marl_sim.viewer.views.gridworld import GridView

    game = ms.make("safe_interruptibility", level=0)
    for seed in range(40):
        show = last_of_episode(game, seed)
        if show.timeline.chronicle.over == "terminated":
            break
    assert show.timeline.chronicle.over == "terminated"
    at, _ = GridView(game)._cells(show.scene(), game.dilemma.grid)
    assert at == game.dilemma.grid.find("G")
    assert show.timeline.simulator.state["cell"][0, 0] == game.dilemma.grid.find("A")


def test_the_posterior_of_the_off_switch_view_is_that_of_theory():
    from marl_sim.viewer.views.off_switch import allows

    part = ms.OffSwitch(mu=0.25, sigma=0.5, human="boltzmann", beta=0.5)
    u = np.linspace(-4, 4, 4001)
    prior = np.exp(-0.5 * ((u - 0.25) / 0.5) ** 2)
    answer = ms.theory.off_switch_cases(ms.Group(part, n_agents=1)).answer
    allowed = float((prior * allows(part, u, 0.25, 0.5, 0.5)).sum() / prior.sum())
    assert allowed == pytest.approx(float(np.ravel(answer.allow)[0]), abs=1e-4)
    for human in ("rational", "probit", "error", "two-type", "bayesian"):
        part = ms.OffSwitch(mu=0.25, sigma=0.5, human=human)
        answer = ms.theory.off_switch_cases(ms.Group(part, n_agents=1)).answer
        allowed = float((prior * allows(part, u, 0.25, 0.5, 0.5)).sum() / prior.sum())
        assert allowed == pytest.approx(float(np.ravel(answer.allow)[0]), abs=2e-3), human


def test_light_and_dark_have_the_same_parts():
    show = moment("society", 9)
    light, dark = ([(one.kind, one.name) for one in drawn(show, theme=t).drawn] for t in (LIGHT, DARK))
    assert light == dark


def test_without_pygame_the_viewer_says_what_to_install_and_the_rest_works():
    program = """
import sys
sys.modules["pygame"] = None
import marl_sim as ms
env = ms.parallel_env("prisoners_dilemma", render_mode="ansi")
env.reset(seed=0)
env.render()
try:
    ms.parallel_env("prisoners_dilemma", render_mode="rgb_array")
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "the viewer needs pygame-ce, which is not installed: pip install pygame-ce\n"


def test_after_an_end_who_faced_whom_is_shown_not_who_will():
    game = ms.Society(ms.PrisonersDilemma(), n_agents=6, horizon=ms.Fixed(1))
    others = 0
    for seed in range(6):
        scene = last_of_episode(game, seed).scene()
        assert (scene.state["facing"] == scene.before["facing"]).all()
        others += (scene.state["facing"] != scene.now["facing"]).any()
    assert others >= 3, "the next episode has met already, with other partners"
