"""The exact value of an iterated matrix game between players who remember one round."""

from __future__ import annotations

import math

import numpy as np
import torch


def odds(theta: torch.Tensor, counts: tuple[int, ...]) -> torch.Tensor:
    """Probabilities [L, N, S, A] of memory-one policies theta [L, N, S, A - 1], log odds against the last action.

    counts: how many actions each player has; the others of the A are never chosen.
    """
    logits = torch.nn.functional.pad(theta, (0, 1))
    actions = torch.arange(logits.shape[-1])
    closed = actions >= torch.tensor(counts)[:, None]  # [N, A]
    return torch.softmax(logits.masked_fill(closed[:, None], -math.inf), -1)


def outcomes(probability: torch.Tensor, counts: tuple[int, ...]) -> torch.Tensor:
    """Probabilities [L, S, J] of what all players do together, J = prod(counts), the last player's action fastest."""
    lanes, players, states = probability.shape[:3]
    joint = probability.new_ones(1)
    for i in range(players):
        own = probability[:, i, :, : counts[i]].reshape(lanes, states, *(1,) * i, counts[i], *(1,) * (players - i - 1))
        joint = joint * own
    return joint.reshape(lanes, states, -1)


def solve(matrix: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """x with matrix x = right, [L, S, S] and [L, S, N] -> [L, S, N], by elimination without pivoting.

    For matrices with a dominant diagonal, such as 1 - gamma P, which need no pivots. Written in single exactly rounded
    operations, so that a lane's numbers are the same in any company.
    """
    states = matrix.shape[1]
    system = torch.cat([matrix, right], 2)
    for k in range(states):
        row = system[:, k : k + 1] / system[:, k : k + 1, k : k + 1]
        here = (torch.arange(states) == k)[:, None]
        system = torch.where(here, row, system - system[:, :, k : k + 1] * row)
    return system[:, :, states:]


def iterated_values(theta: torch.Tensor, payoffs: torch.Tensor, gamma: float) -> torch.Tensor:
    """Expected discounted payoffs of the infinitely iterated game, [L, N], differentiable.

        V = p(. | start) (1 - gamma P)^-1 r

    theta [L, N, S, A - 1]: log odds of each action against the last one, in each of S = 1 + J states: 0 the start, 1 +
    what all did in the round before, the last player's action fastest. payoffs [A_1, ..., A_N, N]; gamma below 1. An
    average payoff a round is (1 - gamma) V.
    """
    counts = tuple(payoffs.shape[:-1])
    joint = outcomes(odds(theta, counts), counts)
    start, moves = joint[:, 0], joint[:, 1:]
    reward = payoffs.reshape(-1, payoffs.shape[-1]).to(theta).expand(len(theta), -1, -1)
    worth = solve(torch.eye(moves.shape[1]).to(theta) - gamma * moves, reward)
    return sum((start[:, s, None] * worth[:, s] for s in range(moves.shape[1])), theta.new_zeros(()))


def state_of(last: np.ndarray, counts: tuple[int, ...]) -> np.ndarray:
    """Numbers int64 [...] of the states: last int [..., N], what each did in the round before, -1 for nothing yet."""
    joint = np.ravel_multi_index(tuple(np.moveaxis(np.maximum(last, 0), -1, 0)), counts)
    return np.where((last < 0).any(-1), 0, 1 + joint).astype(np.int64)
