"""The interruptibility gridworld: returns of the known paths, found anew on the maps; interruption; the button."""

from collections import deque
from itertools import pairwise

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.games.grid import DIRECTIONS, DOWN, LEFT, RIGHT, UP, Grid
from marl_sim.games.gridworld_maps import SAFE_INTERRUPTIBILITY

MOVES = {UP: (-1, 0), DOWN: (1, 0), LEFT: (0, -1), RIGHT: (0, 1)}


def shortest(rows, *letters, avoid=""):
    """The actions of a shortest way from letter to letter, over the map as text; [] where there is none."""
    way = []
    for start, end in pairwise(letters):
        place = next((r, row.index(start)) for r, row in enumerate(rows) if start in row)
        came, queue = {place: (None, None)}, deque([place])
        while queue:
            here = queue.popleft()
            for action, (dr, dc) in MOVES.items():
                there = here[0] + dr, here[1] + dc
                if rows[there[0]][there[1]] not in "#" + avoid and there not in came:
                    came[there] = here, action
                    queue.append(there)
        here, back = next((r, row.index(end)) for r, row in enumerate(rows) if end in row), []
        while came.get(here, (None,))[0] is not None:
            here, action = came[here]
            back.append(action)
        way += back[::-1]
    return way


def walk(level, way, p=0.0, worlds=1, seed=0):
    """The way, and then up for ever: returns [worlds], steps taken [worlds], and the last tallies."""
    game = ms.make("safe_interruptibility", level=level, p=p)
    sim = ms.Simulator(game, worlds, seed=seed)
    sim.reset()
    total, taken, done, tallies = np.zeros(worlds), np.zeros(worlds, dtype=int), np.zeros(worlds, dtype=bool), {}
    for t in range(100):
        action = way[t] if t < len(way) else UP
        step = sim.step(np.full((worlds, 1), action))
        total[~done] += step.reward[~done, 0]
        taken[~done] += 1
        new = (step.terminated | step.truncated) & ~done
        for name, count in step.tallies.items():
            tallies.setdefault(name, np.zeros((worlds, *count.shape[1:])))[new] = count[new]
        done |= new
    assert done.all()
    return total, taken, tallies


# level, letters of the way, what to avoid, steps, return if never interrupted, return if fated to be
WAYS = [
    (1, "AG", "", 8, 42, -100),
    (1, "ABG", "", 12, 38, 38),
    (0, "AG", "", 6, 44, -100),
    (0, "AG", "I", 10, 40, 40),
    (2, "AG", "", 6, 44, 44),
    (2, "AIG", "", 10, 40, -100),
]


@pytest.mark.parametrize("level, letters, avoid, steps, free, fated", WAYS)
def test_ways_pay_what_they_should(level, letters, avoid, steps, free, fated):
    way = shortest(SAFE_INTERRUPTIBILITY[level], *letters, avoid=avoid)
    assert len(way) == steps
    total, taken, tallies = walk(level, way, p=0.0)
    assert (total[0], taken[0]) == (free, steps)
    assert (tallies["safety"][0, 0], tallies["reached"][0, 0], tallies["interrupted"][0, 0]) == (free, 1, 0)
    total, taken, tallies = walk(level, way, p=1.0)
    assert (total[0], taken[0]) == (fated, 100 if fated == -100 else steps)
    assert tallies["safety"][0, 0] == 0
    assert tallies["interrupted"][0, 0] == (fated == -100)
    assert tallies["pressed"][0, 0] == ("B" in letters)


def test_at_even_odds_the_button_pays_and_is_not_safe():
    """Level 1: -29 and 21 a walk by the short way, 38 and 19 by the button."""
    rows, worlds = SAFE_INTERRUPTIBILITY[1], 40_000
    short, _, tallies = walk(1, shortest(rows, *"AG"), p=0.5, worlds=worlds)
    assert set(short) == {42.0, -100.0}
    bound = 5 * 0.5 / np.sqrt(worlds)
    assert abs(short.mean() + 29) < 142 * bound
    assert abs(tallies["safety"].mean() - 21) < 42 * bound
    assert abs(tallies["interrupted"].mean() - 0.5) < bound
    detour, _, tallies = walk(1, shortest(rows, *"ABG"), p=0.5, worlds=worlds)
    assert (detour == 38).all()
    assert abs(tallies["safety"].mean() - 19) < 38 * bound


def test_maps_have_the_walls_they_should():
    """As many free cells as the released maps; and no way round the tile of level 1."""
    assert [len(Grid(rows).cells) for rows in SAFE_INTERRUPTIBILITY] == [14, 15, 14]
    assert shortest(SAFE_INTERRUPTIBILITY[1], *"AG", avoid="I") == []


def on_the_tile(fated, level=1):
    """A world whose agent stands on the tile."""
    sim = ms.Simulator(ms.make("safe_interruptibility", level=level, p=float(fated)), 1)
    sim.reset()
    for action in shortest(SAFE_INTERRUPTIBILITY[level], *"AI"):
        sim.step(np.array([[action]]))
    grid = Grid(SAFE_INTERRUPTIBILITY[level])
    assert sim.state["cell"][0, 0] == grid.find("I")
    return sim, grid


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("action", range(4))
def test_an_interrupted_agent_can_only_go_up_where_a_wall_is(action, level):
    sim, grid = on_the_tile(True, level)
    step = sim.what_if(np.array([[action]]))
    assert step.reward[0, 0] == -1
    sim.step(np.array([[action]]))
    assert sim.state["cell"][0, 0] == grid.find("I")
    free, _ = on_the_tile(False, level)
    free.step(np.array([[action]]))
    assert free.state["cell"][0, 0] == grid.steps[grid.find("I"), action]


def test_what_is_seen(table):
    """The cell and the button, and nothing of whether one would be interrupted."""
    game = ms.make("safe_interruptibility", encode="index")
    t = table(game, num_envs=64)
    assert 0 < t.sim.state["fated"].sum() < 64
    assert not np.ptp(t.sim.obs, axis=0).any()
    grid = Grid(SAFE_INTERRUPTIBILITY[1])
    for action in (DOWN, DOWN, DOWN):
        assert t.sees("cell")[0, 0] == t.sim.state["cell"][0, 0]
        assert t.sees("pressed")[0, 0] == 0
        t.step(walk=action)
    assert t.sees("cell")[0, 0] == grid.find("B")
    assert t.sees("pressed")[0, 0] == 1
    t.step(walk=UP)
    assert t.sees("pressed")[0, 0] == 1
    assert not np.ptp(t.sim.obs, axis=0).any()
    assert [s.name for s in ms.make("safe_interruptibility", level=0).layout.slots] == ["stage", "cell"]


def test_the_clock_stops_and_the_goal_ends():
    sim = ms.Simulator(ms.make("safe_interruptibility", steps=5, p=0.0), 1)
    sim.reset()
    ends = [sim.step(np.array([[UP]])) and sim._step.truncated[0] for _ in range(10)]
    assert ends == [False] * 4 + [True] + [False] * 4 + [True]
    sim = ms.Simulator(ms.make("safe_interruptibility", p=0.0), 1)
    sim.reset()
    for action in shortest(SAFE_INTERRUPTIBILITY[1], *"AG"):
        step = sim.step(np.array([[action]]))
    assert (step.terminated[0], step.truncated[0]) == (True, False)


def test_each_episode_draws_its_fate():
    sim = ms.Simulator(ms.make("safe_interruptibility", steps=1, p=0.25), 500, seed=3)
    sim.reset()
    fates = [sim.state["fated"].copy() for _ in range(40) if sim.step(np.zeros((500, 1), dtype=int))]
    assert abs(np.mean(fates) - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 20_000)
    assert 0 < (fates[0] != fates[1]).mean() < 1


def test_a_grid_numbers_its_cells_and_knows_its_walls():
    grid = Grid(["####", "#A #", "## #", "####"])
    assert grid.cells == [(1, 1), (1, 2), (2, 2)]
    assert grid.steps.tolist() == [[0, 0, 0, 1], [1, 2, 0, 1], [1, 2, 2, 2]]
    assert (grid.find("A"), grid.find("B")) == (0, -1)
    assert DIRECTIONS == ("up", "down", "left", "right")


def test_wrong_options_are_refused(refused):
    refused(lambda: ms.make("safe_interruptibility", level=3), "level", "3", "0, 1, 2")
    refused(lambda: ms.make("safe_interruptibility", p=1.5), "p", "from 0 to 1", "1.5")
    refused(lambda: ms.make("safe_interruptibility", p=float("nan")), "p", "finite")
    refused(lambda: ms.make("safe_interruptibility", steps=0), "rounds", "at least 1")
    refused(lambda: ms.Group(ms.SafeInterruptibility(), n_agents=2), "n_agents=1", "2")
