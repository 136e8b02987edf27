"""The laws that an environment of anybody must keep: each a function that yields a sentence for what it finds wrong.

A law is called with the case: how the environment is made, with which seeds, for how many steps it is played.
"""

from __future__ import annotations

import copy
import io
import pickle
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv
from pettingzoo.test import api_test, parallel_api_test

from .elsewhere import CannotTravel, summary_elsewhere
from .play import Chooser, Environment, Moment, difference, digest, mask_of, play, play_on, summary

LAWS: dict[str, Callable[[Case], Iterator[str]]] = {}
PROBED = 12  # moments at which every legal action is tried
MID = 3  # steps after which an episode counts as under way


class NotApplicable(Exception):
    """The law has nothing to say of this environment, for this reason."""


@dataclass(frozen=True)
class Case:
    """make: a new environment; seeds and steps: how long it is played."""

    make: Callable[[], Environment]
    seeds: tuple[int, ...]
    steps: int


def law(check: Callable[[Case], Iterator[str]]) -> Callable[[Case], Iterator[str]]:
    """Register a law under its function's name."""
    LAWS[check.__name__.replace("_", " ")] = check
    return check


def _moments(case: Case) -> Iterator[Moment]:
    for seed in case.seeds:
        env = case.make()
        yield from play(env, seed, case.steps)
        env.close()


# ---------------------------------------------------------------- what is said


@law
def it_can_be_played(case: Case) -> Iterator[str]:
    """Random legal play raises nothing. Where it does, the other laws that play have no case."""
    for _ in _moments(case):
        pass
    return
    yield


@law
def spaces_stay_the_same(case: Case) -> Iterator[str]:
    """Every agent has an observation and an action space, and every call returns the same object."""
    env = case.make()
    for agent in env.possible_agents:
        for kind in ("observation_space", "action_space"):
            first, second = (getattr(env, kind)(agent) for _ in range(2))
            if not isinstance(first, spaces.Space):
                yield f"{kind}({agent!r}) is no space: {first!r}"
            elif first is not second:
                yield f"{kind}({agent!r}) is another object at every call, so that seeding it does nothing"


@law
def observations_are_in_their_space(case: Case) -> Iterator[str]:
    """At every step, the first and the last of an episode included."""
    env = case.make()
    for moment in _moments(case):
        for (what, agent), seen in moment.said.items():
            if what == "observation" and not env.observation_space(agent).contains(seen):
                yield f"{moment.where}: the observation of {agent} is outside its space: {_short(seen)}"
                return


@law
def masks_are_honest(case: Case) -> Iterator[str]:
    """A mask is int8, says 0 or 1 of every action, leaves one open, and what it leaves open can be played."""
    yield from _try_open_actions(case)
    for moment in _with_masks(case):
        for agent, mask in _masks(moment):
            array = np.asarray(mask)
            if array.dtype != np.int8:
                yield f"{moment.where}: the mask of {agent} is {array.dtype}; Gymnasium's spaces sample with int8 alone"
                return
            if not np.isin(array, (0, 1)).all() or not array.any():
                yield f"{moment.where}: the mask of {agent} must be 0s and 1s, one at least 1; it is {_short(mask)}"
                return


def _with_masks(case: Case) -> Iterator[Moment]:
    found = False
    for moment in _moments(case):
        found = found or any(True for _ in _masks(moment))
        yield moment
    if not found:
        raise NotApplicable("it has no action masks")


def _masks(moment: Moment) -> Iterator[tuple[str, Any]]:
    for agent, action in moment.actions.items():
        mask = mask_of(moment.said.get(("observation", agent)), moment.said.get(("info", agent)))
        if mask is not None and action is not None:
            yield agent, mask


def _try_open_actions(case: Case) -> Iterator[str]:
    """Replay to each of the first moments, and there play every action that a mask leaves open."""
    path: list[dict[str, Any]] = []
    for moment in play_on(env := case.make(), Chooser(env, case.seeds[0]), case.seeds[0], PROBED):
        for agent, mask in _masks(moment):
            for action in np.flatnonzero(mask) + getattr(env.action_space(agent), "start", 0):
                twin = _replayed(case, path)
                try:
                    _step(twin, moment.actions | {agent: action})
                except Exception as refusal:  # any: it was said to be open
                    yield f"{moment.where}: action {action} of {agent} is open by its mask, but is refused: {refusal}"
                    return
        path.append(moment.actions)


def _replayed(case: Case, path: list[dict[str, Any]]) -> Environment:
    env = case.make()
    env.reset(seed=case.seeds[0])
    for actions in path:
        _step(env, actions)
    return env


def _step(env: Environment, actions: dict[str, Any]) -> None:
    if isinstance(env, ParallelEnv):
        env.step(dict(actions))
    else:
        env.step(next(iter(actions.values())))


@law
def infos_keep_their_keys(case: Case) -> Iterator[str]:
    """An agent's info has the same keys at every step of every episode, so that steps can be stacked."""
    keys: dict[str, set[str]] = {}
    for moment in _moments(case):
        for (what, agent), info in moment.said.items():
            if what != "info":
                continue
            if not isinstance(info, dict):
                yield f"{moment.where}: the info of {agent} must be a dictionary; it is {_short(info)}"
                return
            known = keys.setdefault(agent, set(info))
            if known != set(info):
                yield f"{moment.where}: the info of {agent} has the keys {sorted(info)}, before it had {sorted(known)}"
                return


@law
def rewards_are_numbers(case: Case) -> Iterator[str]:
    """A reward is one finite number, an ending one truth value."""
    for moment in _moments(case):
        for (what, agent), thing in moment.said.items():
            if what == "reward" and not (np.ndim(thing) == 0 and np.isfinite(thing)):
                yield f"{moment.where}: the reward of {agent} must be one finite number; it is {_short(thing)}"
                return
            if what in ("termination", "truncation") and not isinstance(thing, bool | np.bool_):
                yield f"{moment.where}: the {what} of {agent} must be True or False; it is {_short(thing)}"
                return


# ---------------------------------------------------------------- who lives


@law
def nobody_is_revived(case: Case) -> Iterator[str]:
    """Who was terminated or truncated leaves the agents, and comes back with a reset only."""
    for seed in case.seeds:
        env = case.make()
        gone: dict[str, str] = {}
        episode = 0
        for moment in play(env, seed, case.steps):
            gone, episode = (gone if moment.episode == episode else {}), moment.episode
            ended = [a for (what, a), over in moment.said.items() if what in ("termination", "truncation") and over]
            if isinstance(env, ParallelEnv):  # in turn, an agent learns of its end when it is its turn again
                gone |= dict.fromkeys(ended, moment.where)
            for agent in moment.agents:
                if agent in gone:
                    yield f"{moment.where}: {agent} is among the agents, though it ended at {gone[agent]}"
                    return
            gone |= dict.fromkeys(ended, moment.where)


@law
def the_last_reward_arrives(case: Case) -> Iterator[str]:
    """Everybody who acted is told its reward and its ending, also with the step that ends it."""
    env = case.make()
    check = _parallel_rewards if isinstance(env, ParallelEnv) else _rewards_in_turn
    for seed in case.seeds:
        yield from check(case, seed)


def _parallel_rewards(case: Case, seed: int) -> Iterator[str]:
    acted: dict[str, Any] = {}
    for moment in play(case.make(), seed, case.steps):
        for agent in acted:
            for what in ("observation", "reward", "termination", "truncation", "info"):
                if (what, agent) not in moment.said:
                    yield f"{moment.where}: {agent} acted and is told no {what}"
                    return
        acted = moment.actions


def _rewards_in_turn(case: Case, seed: int) -> Iterator[str]:
    """What `last` tells each agent adds up to what was paid, the last step's rewards included."""
    env = case.make()
    paid: dict[str, float] = {}
    told: dict[str, float] = {}
    over = False
    for moment in play_on(env, Chooser(env, seed), seed, case.steps):
        over = not moment.agents
        if over:
            break
        if moment.step:
            for agent, reward in env.rewards.items():
                paid[agent] = paid.get(agent, 0.0) + reward
        agent = env.agent_selection
        told[agent] = told.get(agent, 0.0) + moment.said["reward", agent]
    if not over:
        return
    for agent in told:
        if not np.isclose(paid.get(agent, 0.0), told[agent]):
            yield f"{agent} was paid {paid.get(agent, 0.0):g} in an episode, but `last` told it of {told[agent]:g}"
            return


# ---------------------------------------------------------------- the same again


@law
def the_same_seed_is_the_same_game(case: Case) -> Iterator[str]:
    """The same seed and actions give the same of everything at every step, whatever random numbers others draw."""
    for seed in case.seeds:
        runs = []
        for noise in (1, 2):
            random.seed(noise)
            np.random.seed(noise)  # noqa: NPY002 - the very stream that it must not draw from
            runs.append(summary(play(case.make(), seed, case.steps)))
        if found := difference(*runs):
            yield f"with the same seed, {found}"
            return


@law
def the_same_seed_is_the_same_game_in_another_process(case: Case) -> Iterator[str]:
    """As above, with another hash seed, in another process."""
    here = summary(play(case.make(), case.seeds[0], case.steps))
    try:
        there = summary_elsewhere(case.make, case.seeds[0], case.steps)
    except CannotTravel as reason:
        raise NotApplicable(f"what makes it cannot be sent to another process: {reason}") from None
    if found := difference(here, there):
        yield f"in another process, {found}"


@law
def a_reset_forgets(case: Case) -> Iterator[str]:
    """After a reset with a seed an environment that has played is as a new one."""
    used = case.make()
    for _ in play(used, case.seeds[-1] + 77, min(case.steps, 25)):
        pass
    fresh = summary(play(case.make(), case.seeds[0], case.steps))
    if found := difference(fresh, summary(play(used, case.seeds[0], case.steps))):
        yield f"after a reset in the middle of an episode, {found}"


@law
def what_is_handed_out_stays(case: Case) -> Iterator[str]:
    """Observations are the caller's: later steps do not change them."""
    kept: list[tuple[str, str, Any, str]] = []
    for moment in play(case.make(), case.seeds[0], min(case.steps, 50), episodes=2):
        for where, agent, seen, before in kept:
            if digest(seen) != before:
                yield f"the observation of {agent} of {where} has changed by {moment.where}: it was not given away"
                return
        kept += [(moment.where, a, x, digest(x)) for (what, a), x in moment.said.items() if what == "observation"]


@law
def a_pickled_copy_goes_on_alike(case: Case) -> Iterator[str]:
    """Pickled (and deep-copied) in mid-episode, it goes on as the original does."""
    for how, twin_of in (("pickled", lambda env: pickle.loads(pickle.dumps(env))), ("deep", copy.deepcopy)):
        env = case.make()
        path = [m.actions for m in play_on(env, Chooser(env, case.seeds[0]), case.seeds[0], case.steps) if m.actions]
        original = _replayed(case, path[:MID])
        try:
            twin = twin_of(original)
        except Exception as error:  # whatever the environment holds decides what is raised
            yield f"it cannot be {'pickled' if how == 'pickled' else 'copied'}: {error}"
            return
        for step, actions in enumerate(path[MID:], MID):
            try:
                found = _differ(original, twin, actions)
            except Exception as error:  # of the copy: the original has been played before
                yield f"a {how} copy of step {MID} cannot go on: {type(error).__name__}: {error}"
                return
            if found:
                yield f"a {how} copy of step {MID} goes on otherwise: at step {step + 1} the {found} differs"
                return


def _differ(one: Environment, other: Environment, actions: dict[str, Any]) -> str:
    """What two environments say differently after the same step."""
    said = []
    for env in (one, other):
        if isinstance(env, ParallelEnv):
            parts = env.step(dict(actions))
            said.append(
                {f"{what} of {a}": digest(x) for what, p in zip(_NAMES, parts, strict=True) for a, x in p.items()}
            )
        else:
            _step(env, actions)
            last = env.last() if env.agents else ()
            said.append({what: digest(x) for what, x in zip(_NAMES, last)})
    names = dict.fromkeys((*said[0], *said[1]))
    return next((name for name in names if said[0].get(name) != said[1].get(name)), "")


_NAMES = ("observation", "reward", "termination", "truncation", "info")


@law
def pettingzoo_accepts_it(case: Case) -> Iterator[str]:
    """PettingZoo's own test of the interface."""
    env = case.make()
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            if isinstance(env, ParallelEnv):
                parallel_api_test(env, num_cycles=min(case.steps, 200))
            else:
                api_test(env, num_cycles=min(case.steps, 200))
        except Exception as refusal:  # assertions, and whatever the environment raises
            yield f"its test of the interface fails: {type(refusal).__name__} {refusal}".strip()


def _short(thing: Any) -> str:
    text = " ".join(repr(thing).split())
    return text if len(text) <= 80 else text[:77] + "..."
