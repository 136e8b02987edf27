"""Export one trained agent as programs that torch alone can run, with a page that says what goes in.

agent/agent.json     for each kind of decision: its file, which columns of the observation it sees, how many
                     actions it chooses among, how much it remembers
agent/play.pt2       torch.export.load("agent/play.pt2").module()(obs, legal, who, memory); see learners.export
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ..core.errors import unknown
from ..learners.export import PolicyModule, TableModule, ValueModule, saved
from .records import slug, write_text


def export_agent(trainer: Any, agent: int | str = 0, seed: int | None = None, folder: str | Path = "agent") -> Path:
    """Write one agent of one seed; returns the folder.

    agent: its number or name. seed: of which seed, default the first. Raises ValueError in one sentence for an agent or
    a seed that is not there, or a seat that does not learn.
    """
    worlds = trainer.worlds
    name, number, s = learned_by(trainer, agent, seed)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page: dict[str, Any] = {"game": worlds.label, "agent": name, "seed": trainer.seeds[s]}
    page |= {"observation": worlds.obs.shape[2], "decisions": {}}
    for head in trainer.heads:
        if head.learns[number]:
            module, who = head.module(s, number)
            file = f"{slug(head.name)}.pt2"
            (folder / file).write_bytes(saved(module, head.spec.obs_dim, head.spec.n_actions))
            page["decisions"][head.name] = {"file": file, **decision_of(head, module, who)}
    write_text(folder / "agent.json", json.dumps(page, indent=1) + "\n")
    return folder


def learned_by(trainer: Any, agent: int | str, seed: int | None) -> tuple[str, int, int]:
    """Name and number of an agent, and the number of a seed. ValueError in one sentence where it has not learned."""
    agents, seed = trainer.worlds.agents, trainer.seeds[0] if seed is None else seed
    name = agents[int(agent)] if str(agent).isdigit() and int(agent) < len(agents) else str(agent)
    if name not in agents:
        raise ValueError(unknown("agent", name, agents))
    if seed not in trainer.seeds:
        raise ValueError(f"the run has no seed {seed}; it has {', '.join(map(str, trainer.seeds))}")
    number = agents.index(name)
    if not any(head.learns[number] for head in trainer.heads):
        raise ValueError(f"{name} does not learn here; a policy sits in its seat")
    return name, number, trainer.seeds.index(seed)


def decision_of(head: Any, module: Any, who: int) -> dict[str, Any]:
    """What a page says of one kind of decision: what goes into its program, and what comes out."""
    spec = head.spec
    log_odds = isinstance(module, PolicyModule) and spec.box is None
    return {
        "columns": [head.columns.start, head.columns.stop], "n_actions": spec.n_actions, "who": who,
        "memory": int(module.hidden), "continuous": spec.box is not None,
        "preferences": "log odds" if log_odds else "values",
    }  # fmt: skip


def as_module(exported: Any, spec: Any) -> nn.Module:
    """What `Lanes.export` gives, as a module of the one signature."""
    if isinstance(exported, np.ndarray):
        return TableModule(exported, spec.levels)
    if isinstance(exported, PolicyModule | ValueModule):
        return exported
    return ValueModule(exported)
