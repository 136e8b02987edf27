"""What players who pay each other give and get, as columns of the records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Incentives:
    """Probe of a Trainer with LIO: columns given_i and received_i, mean incentives a step in the last batch.

    Incentives are no payoffs: they are what learners add to them, in what they learn from.
    """

    def __call__(self, trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
        found: dict[str, float] = {}
        for head in trainer.heads:
            if hasattr(head.lanes, "given"):
                for place, agent in enumerate(head.group.agents):
                    found[f"given_{agent}"] = float(head.lanes.given[s, place])
                    found[f"received_{agent}"] = float(head.lanes.received[s, place])
        return found
