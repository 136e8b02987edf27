"""What makes agents give when they move one after the other, and which part of the reward does it?

A sequential public good in the style of MAC-SPGG (Liang, Qu, Yang, Lin & Shen 2025): giving costs, earns a bonus by
what was given before, everybody shares the multiplied total, and all pay a penalty where it misses a threshold. The
game is a RECONSTRUCTION: the paper's own formula could not be read, see docs/explanation/mac_spgg.md. Learners with a
table know nothing at first; what each gives in the end, turn by turn, stands beside the subgame-perfect equilibrium
(SPNE), found exactly by backward induction.

    rewards   all four parts; thresholds below everything; each part left out; the bonus in other forms; none (the
              classical game, where theory expects nothing)
    sights    what a later mover sees: everything, the total, the last one, nothing
    turns     whose turn it is: fixed, random, by bidding, or all at once

    python scenarios/mac_spgg.py                                    about two minutes
    python scenarios/mac_spgg.py --parts rewards --seeds 8 --episodes 4000
    python scenarios/mac_spgg.py --only "everything" "no penalty"
    python scenarios/mac_spgg.py --full                             20 seeds, four times as long

at_spne is the share of seats that, exploring no more, give what the SPNE says, to the step of the grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import marl_sim as ms
from marl_sim.evaluation.figures import save
from marl_sim.evaluation.tables import per_seed
from marl_sim.learners import Linear
from marl_sim.training.greedy import Greedy

# Thresholds are shares of what all can give together; everything else are options of mac_spgg.
PARTS: dict[str, dict[str, dict[str, Any]]] = {
    "rewards": {
        "classical": dict(gamma=0.0, penalty=0.0),
        "everything": {},
        "threshold 85 %": dict(B=0.85),
        "threshold 28 %": dict(B=0.85 / 3),
        "no bonus": dict(gamma=0.0),
        "no penalty": dict(penalty=0.0),
        "no share": dict(rho=0.0),
        "bonus by the mean": dict(bonus="mean"),
        "bonus not by one's own, 28 %": dict(bonus="const", B=0.85 / 3),
    },
    "sights": {
        "sees the total": dict(sees="total"),
        "sees the last": dict(sees="last"),
        "sees nothing": dict(sees="none"),
    },
    "turns": {
        "random turns": dict(order="random"),
        "bids for turns": dict(order="bid"),
        "all at once": dict(order="together"),
    },
}
CONDITIONS = {name: options for part in PARTS.values() for name, options in part.items()}


@dataclass
class Options(ms.StudyOptions):
    full_size: ClassVar[Mapping[str, Any]] = dict(seeds=20, episodes=8000, checkpoint_seconds=600.0)

    seeds: int = 4  # independent groups; every interval is over these
    episodes: int = 2000  # games each world plays
    num_envs: int = 256  # worlds each group lives in at the same time
    parts: tuple[str, ...] = ("rewards", "sights", "turns")  # what to run
    only: tuple[str, ...] = ()  # these conditions alone
    n_agents: int = 3  # players
    levels: int = 21  # contributions to choose from
    rho: float = 1.8  # multiplier of the total that all share
    gamma: float = 1.5  # of the bonus
    penalty: float = 1.5  # paid by everybody where the threshold is missed
    alpha: float = 0.1  # step size of the tables


def game(o: Options, **changes: Any) -> ms.Group:
    """The game with some of its options changed; B is a share of what all can give."""
    options = dict(rho=o.rho, gamma=o.gamma, penalty=o.penalty, B=1.0) | changes
    options["B"] *= o.n_agents
    return ms.make("mac_spgg", n_agents=o.n_agents, levels=o.levels, encode="index", **options)


def learner(o: Options) -> ms.TabularQ:
    """Tables that try everything at first and ever less, until with a tenth of the games left they explore no more.

    Later movers must have learned what they do before it pays to lead them, so exploring ends late; and where the
    threshold is everything, whoever explores makes giving worthless for the others, so it ends altogether.
    """
    return ms.TabularQ(alpha=o.alpha, gamma=1.0, epsilon=Linear(1.0, 0.0, max(1, round(0.9 * o.episodes * o.num_envs))))


def equilibrium(played: ms.Group) -> Any:
    """The SPNE, or None where the game is none that backward induction solves."""
    try:
        return ms.theory.spne(played)
    except ValueError:
        return None


class AtEquilibrium:
    """Probe, after Greedy: the share of seats whose contribution is that of the path, to half a step of the grid."""

    def __init__(self, path: tuple[Any, ...] | None, levels: int):
        self.path, self.within = path, 0.5 / (levels - 1)

    def __call__(self, trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
        if self.path is None or np.isnan(row["greedy_contribution"]):
            return {"at_spne": float("nan")}
        given = [row[f"greedy_position_{p + 1}"] for p in range(len(self.path))]
        return {"at_spne": float(np.mean([abs(a - float(b)) < self.within for a, b in zip(given, self.path)]))}


def declare(study: ms.Study, o: Options, name: str) -> dict[str, float]:
    """Declare a condition; returns what theory says of it."""
    played = game(o, **CONDITIONS[name])
    known = equilibrium(played)
    seats = [f"position_{p + 1}" for p in range(o.n_agents)] if played.dilemma.in_order else []
    probes = (
        Greedy(("contribution", "full", "reward", *seats), o.num_envs),
        AtEquilibrium(known and known.path, o.levels),
    )
    study.train(name, played, learner(o), block=max(1, o.episodes // 50), probes=probes)
    if known is None:
        return {}
    found = {f"greedy_{seat}": float(share) for seat, share in zip(seats, known.path, strict=True)}
    return found | dict(
        greedy_contribution=float(np.mean([float(x) for x in known.path])),
        greedy_reward=float(sum(known.payoffs)),
    )


def draw(study: ms.Study, o: Options, known: Mapping[str, Mapping[str, float]]) -> None:
    """paths.png: what each seat gives, every seed a line, and the SPNE."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    records = study.records()
    shown = [name for name in known if f"greedy_position_{o.n_agents}" in records[name]]
    if not shown:
        return
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(2.4 * columns + 0.6, 2.0 * rows + 0.9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    seats = np.arange(1, o.n_agents + 1)
    for ax in axes[len(shown) :]:
        ax.set_visible(False)
    for ax, name in zip(axes, shown):
        given = np.array([per_seed(records[name], f"greedy_position_{p}", o.episodes) for p in seats])  # [seats, seeds]
        for s, one in enumerate(given.T):
            label = "learned, a seed" if s == 0 else None
            ax.plot(seats, one, "-o", color="#56B4E9", markersize=3.5, linewidth=1, alpha=0.8, label=label)
        if known[name]:
            path = [known[name][f"greedy_position_{p}"] for p in seats]
            ax.plot(seats, path, "D", color="#D55E00", markersize=7, fillstyle="none", label="SPNE, exact")
        ax.set_title(name, fontsize=9, loc="left")
        ax.set(ylim=(-0.07, 1.07), xticks=seats, yticks=(0, 0.5, 1))
        ax.grid(axis="y", color="#e8e8e8", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("turn", fontsize=10)
    figure.supylabel("share of the endowment that is given", fontsize=10)
    handles = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    path = save(figure, study.folder.figures / "paths.png")
    if not o.quiet:
        study.console.print(f"Figure: {path}", highlight=False, soft_wrap=True)


def wanted(o: Options) -> dict[str, list[str]]:
    """The conditions to run, by part. ValueError in one sentence for a wrong name."""
    for part in o.parts:
        if part not in PARTS:
            raise ValueError(f"parts may list {', '.join(PARTS)}; got {part!r}")
    for name in o.only:
        if name not in CONDITIONS:
            raise ValueError(f"only may list {', '.join(map(repr, CONDITIONS))}; got {name!r}")
    found = {part: [name for name in PARTS[part] if not o.only or name in o.only] for part in dict.fromkeys(o.parts)}
    found = {part: names for part, names in found.items() if names}
    if not found:
        raise ValueError(f"no condition of the parts {', '.join(o.parts) or 'none'} is among those of only")
    return found


def main(o: Options) -> None:
    chosen = wanted(o)
    with ms.Study("mac_spgg", o) as study:
        known = {name: declare(study, o, name) for names in chosen.values() for name in names}
        seats = [f"greedy_position_{p + 1}" for p in range(o.n_agents)]
        for part, names in chosen.items():
            recorded = [set(study.records()[name]) for name in names]
            some_have_no_turns = not all(seats[0] in columns for columns in recorded)
            metrics = (*seats, "at_spne", "greedy_reward")
            metrics = (("greedy_contribution",) if some_have_no_turns else ()) + metrics
            metrics = tuple(m for m in metrics if any(m in columns for columns in recorded))
            theory = {m: {name: known[name][m] for name in names if m in known[name]} for m in metrics}
            theory = {m: row for m, row in theory.items() if row}
            study.table(*metrics, last=1, name=part, theory=theory, conditions=tuple(names))
        study.curves("contribution", "full")
        draw(study, o, known)


if __name__ == "__main__":
    ms.command(main)
