"""Acting and remembering in one compiled call, straight from the arrays of the worlds.

The definition is what `StreamLanes.act` and `decided` do one after the other, of arrays that were arranged by lanes
before; in small trainings the calls around that work took longer than the work.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from ..core.kernels import kernel
from .distributions import NOTHING_TO_CHOOSE, draw_choices
from .fused_inputs import Seen
from .fused_policy import FusedPolicy, say
from .streams import Streams, append


class Order(NamedTuple):
    """Which agent of which world each stream of each lane is, int64 [L, R] each."""

    world: np.ndarray
    agent: np.ndarray


class Now(NamedTuple):
    """What lanes see and do in a step, as `StreamLanes.act` has it: room that is filled anew every time."""

    obs: np.ndarray  # float32 [L, R, D]
    legal: np.ndarray  # bool [L, R, A]
    deciding: np.ndarray  # bool [L, R]
    many: np.ndarray  # the same as numbers, int64
    said: np.ndarray  # float32 [L, R, A]
    chosen: np.ndarray  # int64 [L, R]
    action: np.ndarray  # the same as it is kept, float32 [L, R, 1]
    logp: np.ndarray  # float32 [L, R]
    own: np.ndarray  # that what each sees is its own, int64 [L, 0]
    nothing: np.ndarray  # that nothing is kept besides, float32 [L, R, 0]


def room(lead: tuple[int, int], inputs: int, actions: int) -> Now:
    """Room for so many lanes and streams."""
    return Now(
        np.zeros((*lead, inputs), np.float32), np.zeros((*lead, actions), bool), np.zeros(lead, bool),
        np.zeros(lead, np.int64), np.zeros((*lead, actions), np.float32), np.zeros(lead, np.int64),
        np.zeros((*lead, 1), np.float32), np.zeros(lead, np.float32), np.zeros((lead[0], 0), np.int64),
        np.zeros((*lead, 0), np.float32),
    )  # fmt: skip


@kernel
def _arrange(obs, legal, turn, first, order, now):
    """Fill in what is seen where somebody decides."""
    for lane in range(now.deciding.shape[0]):
        for r in range(now.deciding.shape[1]):
            w, i = order.world[lane, r], order.agent[lane, r]
            decides = turn[w, i]
            now.deciding[lane, r], now.many[lane, r] = decides, decides
            if decides:
                for d in range(now.obs.shape[2]):
                    now.obs[lane, r, d] = obs[w, i, first + d]
                for a in range(now.legal.shape[2]):
                    now.legal[lane, r, a] = legal[w, i, a]


@kernel
def play(
    obs, legal, turn, first, actions, order, now, net, given, relu, team, params, keys, clock, entries, count, fresh
):
    """Draw actions where it is somebody's turn, write them into `actions`, and keep the decisions in streams; returns a
    lane that has no choice, of which nothing is kept then, or -1.

    obs float32 [W, n, D'], of which columns from `first` on are seen; legal bool [W, n, A']; turn bool, actions int64
    [W, n]; entries, count, fresh: see `Streams`, with room for one more each.
    """
    _arrange(obs, legal, turn, first, order, now)
    seen = Seen(now.obs, now.own, 1)
    say(np.arange(len(params)), seen, now.many, net, given, relu, team, params, now.said)
    stuck = draw_choices(now.said, now.legal, now.deciding, keys, clock, False, now.chosen, now.logp)
    if stuck != NOTHING_TO_CHOOSE:
        return stuck
    for lane in range(now.chosen.shape[0]):
        for r in range(now.chosen.shape[1]):
            now.action[lane, r, 0] = now.chosen[lane, r]
            if now.deciding[lane, r]:
                actions[order.world[lane, r], order.agent[lane, r]] = now.chosen[lane, r]
    given_now = now.obs, now.legal, now.action, now.logp, now.nothing, now.nothing
    append(entries, count, fresh, now.deciding, given_now, 0)
    return NOTHING_TO_CHOOSE


class Player:
    """Plays lanes in the worlds of their training, and keeps their decisions in streams."""

    def __init__(self, fused: FusedPolicy, streams: Streams) -> None:
        self._fused, self._streams = fused, streams
        self._now = room(streams.lead, streams.obs.shape[3], streams.legal.shape[3])
        self._given: tuple[Any, Any] = None, None  # parameters, and the same as an array

    @property
    def decided(self) -> np.ndarray:
        """Who decided in the last step, bool [L, R]."""
        return self._now.deciding

    def play(
        self, obs: np.ndarray, legal: np.ndarray, turn: np.ndarray, first: int, actions: np.ndarray, order: Order,
        params: torch.Tensor, keys: np.ndarray, clock: np.ndarray,
    ) -> int:  # fmt: skip
        """See `play`."""
        f, s = self._fused, self._streams
        s.one_more()
        if self._given[0] is not params:
            self._given = params, params.numpy()
        net, given = f.acting.nets[0], f.acting.given[0]
        return play(
            obs, legal, turn, first, actions, order, self._now, net, given, f.relu, f.team, self._given[1], keys, clock,
            s.entries, s.count, s.fresh,
        )  # fmt: skip
