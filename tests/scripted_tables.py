"""Tables at which the scripted policies are tried, and play at them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import marl_sim as ms
from marl_sim.policies import Random, Seats, scripted_policies

POLICIES = scripted_policies()
C, D = 0, 1


def homes() -> dict[str, ms.Game]:
    """Games between them with every kind of decision that a scripted policy may have to take."""
    pd, ten = ms.PrisonersDilemma(), ms.Fixed(10)
    noise = ms.Noise(execution=0.1, perception=0.1)
    both = ms.PeerPunishment(points=3), ms.PeerReward(budget=4)
    return {
        "pair": ms.Society(pd, noise, horizon=ms.Geometric(0.9)),
        "crowd": ms.Society(pd, ms.Exit(), noise, n_agents=5, horizon=ms.Fixed(6)),
        "norm": ms.Society(pd, ms.Norm("L3", error=0.1), noise, n_agents=4, horizon=ten),
        "society": ms.Society(
            pd, ms.PartnerSelection(consent=True), ms.Punishment(by="both"),
            ms.Reputation(seen_in=("select", "play", "punish")), ms.Talk(), n_agents=5, horizon=ms.Fixed(4),
        ),
        "in turn": ms.Society(
            pd, ms.PartnerSelection(history=2), ms.Punishment(antisocial=False), n_agents=4, memory=2,
            encounters="in turn", horizon=ms.Continuing(2),
        ),
        "group": ms.make("public_goods", n_agents=3, levels=5, rounds=4),
        "in order": ms.make("public_goods", n_agents=3, order="bid", rounds=3),
        "any amount": ms.make("public_goods", n_agents=3, box=True, rounds=3),
        "houses": ms.Group(
            ms.PublicGoods(levels=4), ms.Institutions(), *both, n_agents=4, horizon=ms.Continuing(3)
        ),
        "off switch": ms.make("off_switch", human="agent"),
    }  # fmt: skip


HOMES = homes()
SIMULATORS = {name: ms.Simulator(game, 1) for name, game in HOMES.items()}


def accepts(sim: ms.Simulator, policy: ms.Policy, agent: int) -> bool:
    """Whether a policy takes an agent's seat; where it does not, it must say so in one sentence."""
    try:
        Seats(sim, {agent: policy}).close()
    except ValueError as refusal:
        said = str(refusal)
        assert said.startswith(policy.name) and "\n" not in said and ". " not in said, said
        return False
    return True


@cache
def rooms(name: str) -> list[tuple[str, list[int]]]:
    """The homes in which a policy sits, each with the agents whose seat it takes."""
    found = []
    for home, sim in SIMULATORS.items():
        agents = [agent for agent in range(sim.game.n_agents) if accepts(sim, POLICIES[name](), agent)]
        if agents:
            found.append((home, agents))
    return found


class Play:
    """A policy in some seats of worlds of a home, chance in the others; `steps` gives what everybody chose and got."""

    def __init__(self, home: str, policy: ms.Policy, agents: list[int], num_envs: int = 3, seed: Any = 5):
        game = HOMES[home]
        self.sim = ms.Simulator(game, num_envs, seed=seed)
        self.sim.reset()
        others = [agent for agent in range(game.n_agents) if agent not in agents]
        self.seats = Seats(self.sim, [(policy, agents), *([(Random(), others)] if others else [])])

    def step(self) -> np.ndarray:
        """One step: the actions, reward and endings, one row a world."""
        number = np.int64 if self.sim.game.box is None else np.float64
        actions = np.zeros(self.sim.acting.shape, dtype=number)
        self.seats.choose(actions)
        step = self.sim.step(actions)
        self.seats.saw(step, actions)
        return np.column_stack((actions, step.reward, step.terminated, step.truncated))

    def steps(self, count: int) -> np.ndarray:
        """So many steps, [count, worlds, columns]."""
        return np.stack([self.step() for _ in range(count)])


PAIR = ms.Society(ms.PrisonersDilemma(), horizon=ms.Continuing(100_000))


def faced(policy: ms.Policy, own: Any, other: Any, game: ms.Game = PAIR, seed: int = 3) -> np.ndarray:
    """What a policy wants to do after each prefix of encounters that went as given, [worlds, rounds + 1].

    own [worlds, rounds]     what it is made to do, whatever it wants (as a slip of its hand); None: what it wants
    other [worlds, rounds]   what the other does
    """
    other = np.atleast_2d(other)
    worlds, rounds = other.shape
    sim = ms.Simulator(game, worlds, seed=seed)
    sim.reset()
    seats, wanted = Seats(sim, {0: policy}), []
    for t in range(rounds + 1):
        actions = np.zeros(sim.acting.shape, dtype=int)
        seats.choose(actions)
        wanted.append(actions[:, 0].copy())
        if t < rounds:
            if own is not None:
                actions[:, 0] = np.atleast_2d(own)[:, t]
            actions[:, 1] = other[:, t]
            seats.saw(sim.step(actions), actions)
    return np.stack(wanted, axis=1)


def moves(word: str) -> np.ndarray:
    """ "CCD" as numbers."""
    return np.array([("CD").index(letter) for letter in word])


def letters(row: np.ndarray) -> str:
    """Numbers as "CCD"."""
    return "".join("CD"[move] for move in row)
