"""A stage: some agents decide at once; who, among what, seeing what, and what then happens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from .rules import Rule


@dataclass(frozen=True)
class Stage:
    """One decision point of a round.

    name      unique in a game ("punish host"); `kind` groups stages that are one and the same decision ("punish"):
              a learner has one head a kind, an observation one block a kind
    choices   words for the actions 0, 1, ...; agents that do not decide pass with 0
    acting    rule that sets acting[i] = 1 (and target[i], whom i's decision concerns) from the state alone, without
              drawing or changing anything else; None: everybody acts, about nobody
    begin     rule run once before the stage opens (draws, new assignments)
    then      rules run after everybody has chosen; `action` holds the choices
    legal     rule (i, ..., out) that sets out[a] = 0 for choices closed to agent i; None: all choices are open
    settles   like `acting`, for the end of a round: whose standing decision of this stage that round has settled;
              None: those of `acting`
    opening   the stage runs when an episode opens (or when a rule sets reopen[0] = 1), not every round
    phase     order inside a round: stages are sorted by it (before play < 50 = play < after play), then as composed
    box       (low, high): a continuous decision. Agents choose a number of that range, which the rules find in
              `amount`; `choices` then holds one word, and `action` is 0
    constants whole numbers that this stage's rules may name (which pass this is)
    """

    name: str
    choices: tuple[str, ...]
    acting: Rule | None = None
    begin: Rule | None = None
    then: tuple[Rule, ...] = ()
    legal: Rule | None = None
    settles: Rule | None = None
    kind: str = ""
    opening: bool = False
    phase: int = 50
    box: tuple[float, float] | None = None
    constants: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.name)
        if self.box is not None:
            low, high = self.box
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(f"stage {self.name!r}: box must be two finite numbers, low < high; got {self.box!r}")
            if len(self.choices) != 1:
                raise ValueError(f"stage {self.name!r}: a continuous decision has one word; got {self.choices!r}")
