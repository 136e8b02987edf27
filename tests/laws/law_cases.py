"""What the laws are tried on: every registered game and some compositions; and how games are played in them.

Run as a program it prints a fingerprint of each game's play, so that processes can be compared.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

import marl_sim as ms
from marl_sim.core.registry import factory


# ---------------------------------------------------------------- a mechanism written in a test
@ms.rule
def levy(n: Any, payoff: Any, share: Any, tithe: Any, pot: Any, collected: Any) -> None:
    """Everybody pays a share of what it won; the pot is handed back in equal parts."""
    pot[0] = 0.0
    for i in range(n):
        if payoff[i] > 0:
            tithe[i] -= share * payoff[i]
            pot[0] += share * payoff[i]
    for i in range(n):
        tithe[i] += pot[0] / n
    collected[0] += pot[0]


class Tithe(ms.Mechanism):
    """A share of every gain goes to all alike."""

    share: float = 0.1
    rewards: ClassVar[tuple[str, ...]] = ("tithe",)

    def state(self, game: ms.Game) -> dict[str, Any]:
        return {"pot": ms.floats(1)}

    def tallies(self, game: ms.Game) -> dict[str, Any]:
        return {"collected": (1,)}

    def reactions(self, game: ms.Game) -> dict[str, Any]:
        return {"after:play": levy}


@ms.register("tithe_in_a_test")
def tithe(n_agents: int = 4, share: float = 0.1) -> ms.Society:
    """A prisoner's dilemma whose winners pay."""
    return ms.Society(ms.PrisonersDilemma(), Tithe(share=share), n_agents=n_agents, horizon=ms.Fixed(5))


# ---------------------------------------------------------------- the cases
RING = np.roll(np.eye(6, dtype=int), 1, axis=1) + np.roll(np.eye(6, dtype=int), -1, axis=1)
LOPSIDED = ms.MatrixGame(payoffs=[[(1, 2), (3, 4), (5, 6)], [(7, 8), (9, 10), (11, 12)]])


def everything(**given: Any) -> ms.Society:
    parts = ms.PartnerSelection(), ms.Punishment(by="both"), ms.Reputation()
    return ms.Society(ms.PrisonersDilemma(), *parts, **({"n_agents": 6, "horizon": ms.Fixed(3)} | given))


COMPOSED: dict[str, Callable[[], ms.Game]] = {
    "all together": everything,
    "all in turn, geometric": lambda: everything(encounters="in turn", n_agents=5, horizon=ms.Geometric(0.7)),
    "all on a ring": lambda: everything(graph=RING, horizon=ms.Continuing(3), encode="index"),
    "odd number, chance": lambda: ms.Society(ms.StagHunt(), n_agents=5, horizon=ms.Fixed(2)),
    "consent, private, memory": lambda: ms.Society(
        ms.Chicken(), ms.PartnerSelection(every="episode", consent=True, history=2), ms.Reputation(private=True),
        ms.Punishment(by="witness", antisocial=False, witnesses=2), n_agents=7, memory=2, horizon=ms.Continuing(2),
    ),
    "lopsided in turn": lambda: ms.Society(LOPSIDED, n_agents=4, encounters="in turn", horizon=ms.Fixed(2)),
    "one pair": lambda: ms.Society(
        ms.DonationGame(), ms.RandomMatching(how="one pair"), ms.Norm(), n_agents=5, encounters="in turn",
        horizon=ms.Continuing(4),
    ),
    "noise, gift, talk": lambda: ms.Society(
        ms.PrisonersDilemma(), ms.Noise(execution=0.2, perception=0.1), ms.Gift(), ms.Talk(), n_agents=4,
        horizon=ms.Geometric(0.5),
    ),
    "exit": lambda: ms.Society(ms.PrisonersDilemma(), ms.Exit(), n_agents=5, horizon=ms.Geometric(0.8)),
    "public_goods, bids": lambda: ms.make("public_goods", order="bid", bid_price=0.5, levels=5, encode="index"),
    "mac_spgg, random turns": lambda: ms.make("mac_spgg", order="random", sees="last", rounds=3),
    "institutions, sanctions, reputation": lambda: ms.Group(
        ms.PublicGoods(levels=5), ms.PeerReward(points=2, budget=3.0), ms.Institutions(), ms.PeerPunishment(points=2),
        ms.Reputation(private=True), n_agents=5, horizon=ms.Continuing(3),
    ),
    "common_pool by majority": lambda: ms.Group(
        ms.CommonPool(levels=4, bins=5), ms.Institutions(by="majority"), ms.PeerPunishment(points=1), n_agents=4,
        horizon=ms.Geometric(0.8), encode="index",
    ),
    "common_pool, any amount": lambda: ms.make("common_pool", box=True, n_agents=3, rounds=4),
    "public_goods, any amount": lambda: ms.Group(
        ms.PublicGoods(box=True, order="random", sees="total"), n_agents=3, horizon=ms.Continuing(2)
    ),
}  # fmt: skip
TWO_PLAYERS = {"chicken", "donation", "harmony", "prisoners_dilemma", "pure_coordination", "stag_hunt"}
GIVING = {"public_goods", "sequential_public_goods", "threshold_public_goods", "mac_spgg"}
MANY = {"n_player_prisoners_dilemma", "n_player_stag_hunt", "volunteers_dilemma"}
POOLS = {"common_pool", "common_pool, any amount"}
ROOMS = {"escape_room"}
HARDLY = {"all on a ring"}  # on a ring a witness has one player to watch
WITHOUT_CHANCE = TWO_PLAYERS | GIVING | MANY | POOLS | ROOMS | HARDLY
BY_PLACE = {"all on a ring"}  # a graph says who can meet whom
ROLES: dict[str, str] = {  # games whose agents are not interchangeable, and why
    "assistant": "there is one",
    "off_switch": "a robot and a human",
    "po_osg": "a robot and a human",
    "safe_interruptibility": "there is one",
    "mac_spgg": "turns go by index, and later ones earn more",
}
NAMES = [*ms.registered(), *COMPOSED]
GUESTS = {name for name in ms.registered() if not factory(name).__module__.startswith("marl_sim.")}  # not the package's


def make(name: str) -> ms.Game:
    return COMPOSED[name]() if name in COMPOSED else ms.make(name)


# ---------------------------------------------------------------- playing
def choose(sim: ms.Simulator, t: int, salt: int = 0) -> np.ndarray:
    """Random legal actions that depend on a world's own seed, its number and t alone; [W, n]."""
    n, count = sim.legal.shape[1:]
    box = sim.game.box
    seeds = np.repeat(np.array(sim.seeds, dtype=np.uint64), sim.num_envs)[:, None, None]
    numbers = np.tile(np.arange(sim.num_envs, dtype=np.uint64), len(sim.seeds))[:, None, None]
    with np.errstate(over="ignore"):
        z = seeds * np.uint64(1000003) + numbers * np.uint64(8191) + np.uint64(t * 131071 + salt * 524287)
        z = z + np.arange(n * count, dtype=np.uint64).reshape(n, count) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    drawn = (z >> np.uint64(11)).astype(np.float64)
    if box is not None:
        return np.where(sim.acting, box[0] + (box[1] - box[0]) * drawn[:, :, 0] / 2**53, 0.0)
    return np.where(sim.legal, drawn + 1.0, 0.0).argmax(2)


def possible(sim: ms.Simulator, actions: np.ndarray) -> bool:
    """Whether these actions are open to everybody in every world."""
    if sim.game.box is not None:
        return bool(((actions != 0) <= sim.acting).all())
    return bool(np.take_along_axis(sim.legal, actions[:, :, None], 2).all())


def pieces(step: ms.Step) -> Iterator[tuple[str, np.ndarray]]:
    """Every array of a step, by name."""
    for name, value in vars(step).items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", array) for key, array in value.items())
        else:
            yield name, value


def play(sim: ms.Simulator, steps: int, salt: int = 0, start: int = 0) -> list[dict[str, np.ndarray]]:
    """`steps` steps of random play: copies of all arrays."""
    return [
        {name: array.copy() for name, array in pieces(sim.step(choose(sim, t, salt)))}
        for t in range(start, start + steps)
    ]


def fingerprint(name: str, steps: int, num_envs: int = 2) -> str:
    """A hash of all that happens in `steps` steps."""
    sim = ms.Simulator(make(name), num_envs, seed=11, settled=True)
    digest = hashlib.blake2b(sim.reset().tobytes())
    for t in range(steps):
        for _, array in pieces(sim.step(choose(sim, t))):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def main() -> None:
    steps = int(sys.argv[1])
    for name in NAMES:
        print(f"{name}\t{fingerprint(name, steps)}", flush=True)


if __name__ == "__main__":
    main()
