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
    worlds, seed = trainer.worlds, trainer.seeds[0] if seed is None else seed
    name = worlds.agents[int(agent)] if str(agent).isdigit() and int(agent) < worlds.n_agents else str(agent)
    if name not in worlds.agents:
        raise ValueError(unknown("agent", name, worlds.agents))
    if seed not in trainer.seeds:
        raise ValueError(f"the run has no seed {seed}; it has {', '.join(map(str, trainer.seeds))}")
    number = worlds.agents.index(name)
    mine = [head for head in trainer.heads if head.learns[number]]
    if not mine:
        raise ValueError(f"{name} does not learn here; a policy sits in its seat")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page: dict[str, Any] = {"game": worlds.label, "agent": name, "seed": seed, "observation": worlds.obs.shape[2]}
    page["decisions"] = {}
    for head in mine:
        module, who = head.module(trainer.seeds.index(seed), number)
        file = f"{slug(head.name)}.pt2"
        spec = head.spec
        (folder / file).write_bytes(saved(module, spec.obs_dim, spec.n_actions))
        page["decisions"][head.name] = {
            "file": file, "columns": [head.columns.start, head.columns.stop], "n_actions": spec.n_actions,
            "who": who, "memory": int(module.hidden), "continuous": spec.box is not None,
            "preferences": "log odds" if isinstance(module, PolicyModule) and spec.box is None else "values",
        }  # fmt: skip
    write_text(folder / "agent.json", json.dumps(page, indent=1) + "\n")
    return folder


def as_module(exported: Any, spec: Any) -> nn.Module:
    """What `Lanes.export` gives, as a module of the one signature."""
    if isinstance(exported, np.ndarray):
        return TableModule(exported, spec.levels)
    if isinstance(exported, PolicyModule | ValueModule):
        return exported
    return ValueModule(exported)
