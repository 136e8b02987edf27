"""Who is at the table: the encounters of a pairwise society, all together or one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from .fields import StateField, ints
from .part import Part
from .rng import integer, mix, shuffle
from .rules import Rule, rule

if TYPE_CHECKING:
    from .game import Game


@rule
def at_the_table(n: Any, facing: Any, acting: Any, target: Any) -> None:
    """Whoever faces somebody decides about whom it faces."""
    for i in range(n):
        acting[i] = facing[i] >= 0
        target[i] = facing[i]


@numba.njit
def pair_up(key: Any, n: Any, peers: Any, partner: Any, willing: Any, lot: Any) -> None:
    """Agents without a partner, in a random order, each host one drawn among the free that they can meet."""
    for i in range(n):
        lot[i] = i
    shuffle(key, lot)
    for k in range(n):
        i = lot[k]
        if partner[i] >= 0:
            continue
        free = 0
        for p in range(peers.shape[1]):
            if peers[i, p] >= 0 and partner[peers[i, p]] < 0:
                free += 1
        if free == 0:
            continue
        pick = integer(mix(key, i), n, free)
        for p in range(peers.shape[1]):
            j = peers[i, p]
            if j >= 0 and partner[j] < 0:
                if pick == 0:
                    partner[i] = j
                    partner[j] = i
                    willing[i] = 1
                    break
                pick -= 1


@rule
def line_up(n: Any, order: Any, shuffled: Any, key: Any) -> None:
    """Put the hosts in the order in which their encounters come."""
    for i in range(n):
        order[i] = i
    if shuffled:
        shuffle(key, order)


@rule
def seat_one_pair(n: Any, turn: Any, order: Any, partner: Any, willing: Any, hosting: Any, facing: Any) -> None:
    """One encounter at a time: the host whose turn it is, and its partner."""
    for i in range(n):
        hosting[i] = 0
        facing[i] = -1
    host = order[turn[0]]
    if willing[host] and partner[host] >= 0:
        hosting[host] = 1
        facing[host] = partner[host]
        facing[partner[host]] = host


@rule
def seat_everybody(n: Any, partner: Any, willing: Any, hosting: Any, facing: Any) -> None:
    """All encounters at once: whoever hosts faces its partner, and a guest that hosts nobody faces its host."""
    for i in range(n):
        facing[i] = -1
        hosting[i] = 1 if willing[i] and partner[i] >= 0 else 0
    for i in range(n):
        if hosting[i]:
            facing[i] = partner[i]
            if facing[partner[i]] < 0 and not hosting[partner[i]]:
                facing[partner[i]] = i


@rule
def next_round(round: Any, enough: Any, truncates: Any, rematch: Any, over: Any, clock: Any, reopen: Any) -> None:
    """All encounters at once: a round follows a round until the horizon has enough."""
    round[0] += 1
    if enough[0]:
        if truncates:
            clock[0] = 1
        else:
            over[0] = 1
    elif rematch:
        reopen[0] = 1


@rule
def next_host(
    n: Any, round: Any, turn: Any, enough: Any, truncates: Any, hosts_a_cycle: Any, over: Any, clock: Any
) -> None:
    """One at a time, matched for the episode: each host plays all its rounds before the next host's turn."""
    round[0] += 1
    if enough[0]:
        round[0] = 0
        turn[0] += 1
        if turn[0] == hosts_a_cycle:
            turn[0] = 0
            if truncates:
                clock[0] = 1
            else:
                over[0] = 1


@rule
def next_turn(
    n: Any, round: Any, turn: Any, enough: Any, truncates: Any, hosts_a_cycle: Any, over: Any, clock: Any, reopen: Any
) -> None:
    """One at a time, matched every round: each host has one turn a round, then all are matched anew."""
    turn[0] += 1
    if turn[0] == hosts_a_cycle:
        turn[0] = 0
        round[0] += 1
        if not enough[0]:
            reopen[0] = 1
        elif truncates:
            clock[0] = 1
        else:
            over[0] = 1


class Encounters(Part):
    """The table of a pairwise society.

    in_turn   one encounter at a time, else all at once
    shuffled  hosts take their turns in a new random order, else by index
    hosts     encounters a cycle when in turn (0: every agent hosts one)
    rematch   partners are drawn or chosen anew every round, else once an episode

    State: `partner` [n] whom an agent has as its own partner (-1 nobody), `willing` [n] whether it hosts that
    encounter, `hosting` [n] whether it is at the table as host (row player) now, `facing` [n] whom it faces now (-1:
    it watches), `order` and `turn` of the hosts. A guest may face several hosts at once when all play together; its
    one action then counts in every encounter.
    """

    in_turn: bool = False
    shuffled: bool = True
    hosts: int = 0
    rematch: bool = True

    def state(self, game: Game) -> dict[str, StateField]:
        n = game.n_agents
        return {
            "partner": ints(n, fill=-1),
            "willing": ints(n, fill=1),
            "hosting": ints(n),
            "facing": ints(n, fill=-1),
            "order": ints(n),
            "turn": ints(1),
        }

    def constants(self, game: Game) -> dict[str, Any]:
        return {"hosts_a_cycle": self.hosts or game.n_agents, "peers": getattr(game, "peers", None)}

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        if not self.in_turn:
            return {"deal": seat_everybody, "round": next_round}
        when = "open" if self.rematch else "start"
        return {when: line_up, "deal": seat_one_pair, "round": next_turn if self.rematch else next_host}


def neighbours(graph: Any, n: int) -> np.ndarray:
    """Whom each agent can meet: int32 [n, largest degree], padded with -1; everybody else where `graph` is None.

    `graph` is a networkx graph on nodes 0..n-1 or a square adjacency array. ValueError in one sentence otherwise.
    """
    if graph is None:
        matrix = ~np.eye(n, dtype=bool)
    elif hasattr(graph, "adjacency") and hasattr(graph, "nodes"):
        if set(graph.nodes) != set(range(n)):
            raise ValueError(f"graph must have the nodes 0 to {n - 1}, one an agent; got {sorted(graph.nodes)[:8]} ...")
        matrix = np.zeros((n, n), dtype=bool)
        for a, b in graph.edges:
            matrix[a, b] = True
            if not graph.is_directed():
                matrix[b, a] = True
    else:
        matrix = np.asarray(graph).astype(bool)
        if matrix.shape != (n, n):
            raise ValueError(f"graph must be a networkx graph or an array of shape {(n, n)}; got shape {matrix.shape}")
    np.fill_diagonal(matrix, False)
    degree = matrix.sum(axis=1)
    if not degree.all():
        raise ValueError(f"graph must give every agent a neighbour; agent {int(np.argmin(degree))} has none")
    table = np.full((n, int(degree.max())), -1, dtype=np.int32)
    for i in range(n):
        table[i, : degree[i]] = np.flatnonzero(matrix[i])
    return table
