"""Should an assistant answer at once, ask back, or both, and whose welfare decides it?

A user's question is clear or vague; the assistant has only an impression of which, and both are paid by a table. After
GTAlign (Zhu, Zhang, Cisneros-Velarde & You 2025), whose assistants are rewarded by the geometric mean of the user's and
their own payoff; the game around the table, and this table, are ours. Assistants here know nothing at first, try every
reply and learn with a table what it is worth; theory weighs the replies by how likely the user is vague.

    rules   the reward is mutual (the geometric mean), linear (the mean), the user's payoff alone, or the assistant's
    map     mutual welfare: what is replied to who seems vague, over how many are vague and how good impressions are

    python scenarios/assistant_game.py                       under a minute
    python scenarios/assistant_game.py --parts rules --accuracy 0.6
    python scenarios/assistant_game.py --full                20 seeds and a finer map
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import marl_sim as ms
from marl_sim.evaluation.figures import save
from marl_sim.evaluation.tables import per_seed
from marl_sim.training.greedy import Greedy
from marl_sim.training.records import write_text

RULES = ("mutual", "linear", "user", "assistant")
REPLIES = ("answer", "ask", "both")
# [clear, vague][answer, ask, both][assistant, user]: answering is easy, and of little use to who asked vaguely.
TABLE = (((4.2, 4.3), (2.0, 2.0), (3.0, 3.5)), ((3.5, 0.5), (1.5, 3.5), (2.0, 2.3)))
LEARNER = ms.TabularQ(alpha="1/n", gamma=0.0, epsilon=1.0)  # tries every reply; its values are sample means


@dataclass
class Options(ms.StudyOptions):
    full_size: ClassVar[Mapping[str, Any]] = dict(seeds=20, grid=11, episodes=1000, checkpoint_seconds=600.0)

    seeds: int = 8  # independent assistants; every interval is over these
    episodes: int = 60  # episodes each world plays
    num_envs: int = 32  # worlds an assistant learns in at once
    rounds: int = 50  # questions an episode
    parts: tuple[str, ...] = ("rules", "map")  # what to run
    vague: float = 0.5  # share of vague users, in the part rules
    accuracy: float = 0.8  # how often the impression is right, in the part rules
    grid: int = 6  # shares of vague users and accuracies of the map


def game(o: Options, **options: Any) -> ms.Group:
    """The game as an assistant with a table sees it."""
    given = dict(vague=o.vague, accuracy=o.accuracy, welfare="mutual", payoffs=TABLE) | options
    part = ms.ClarifyOrAnswer(**given)
    return ms.Group(part, n_agents=1, horizon=ms.Fixed(o.rounds), encode="index")


class Replies:
    """Probe: which reply is learned for each impression, and whether it is a best one."""

    def __init__(self, played: ms.Group):
        oracle = ms.theory.assistant_oracle(played)
        self.best = [{REPLIES.index(reply) for reply in one.best} for one in (oracle.clear, oracle.vague)]

    def __call__(self, trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
        learned = trainer.heads[0].lanes.table[s].argmax(1)  # [seems clear, seems vague]
        right = [float(reply in best) for reply, best in zip(learned, self.best, strict=True)]
        return {"seems_clear": int(learned[0]), "seems_vague": int(learned[1]), "right": float(np.mean(right))}


def declare(study: ms.Study, o: Options, name: str, **options: Any) -> dict[str, float]:
    """Declare a condition; returns what theory says an assistant brings that replies best."""
    played = game(o, **options)
    shown = ("assistant_payoff", "user_payoff", *REPLIES)
    study.train(
        name, played, LEARNER, block=max(1, o.episodes // 20), probes=(Greedy(shown, 8 * o.num_envs), Replies(played))
    )
    found = dict.fromkeys((f"greedy_{m}" for m in shown), 0.0)
    oracle = ms.theory.assistant_oracle(played)
    for one in (oracle.clear, oracle.vague):
        reply = REPLIES.index(one.best[0])
        gained = (1 - one.vague) * np.array(TABLE[0][reply]) + one.vague * np.array(TABLE[1][reply])
        found["greedy_assistant_payoff"] += one.chance * gained[0]
        found["greedy_user_payoff"] += one.chance * gained[1]
        found[f"greedy_{one.best[0]}"] += one.chance
    return {name: float(number) for name, number in found.items()} | {"right": 1.0}


def rules(study: ms.Study, o: Options) -> Any:
    """What each rule of reward brings the two."""
    known = {rule: declare(study, o, rule, welfare=rule) for rule in RULES}

    def report() -> None:
        metrics = ("greedy_assistant_payoff", "greedy_user_payoff", *(f"greedy_{reply}" for reply in REPLIES))
        theory = {m: {name: row[m] for name, row in known.items()} for m in metrics}
        study.table(*metrics, last=1, name="rules", theory=theory, conditions=RULES)
        draw_rules(study, o, known)

    return report


def cells(o: Options) -> list[tuple[float, float]]:
    """Share of vague users and accuracy of every cell of the map; the accuracy runs faster."""
    shares = (np.arange(o.grid) + 0.5) / o.grid
    accuracies = 0.5 + 0.5 * (np.arange(o.grid) + 0.5) / o.grid
    return [(float(q), float(a)) for q in shares for a in accuracies]


def map_of_replies(study: ms.Study, o: Options) -> Any:
    """What is replied to who seems vague."""
    names = {(q, a): f"vague {q:.3f}, accuracy {a:.3f}" for q, a in cells(o)}
    for (q, a), name in names.items():
        declare(study, o, name, vague=q, accuracy=a)

    def report() -> None:
        records, lines, learned, best = study.records(), [], [], []
        for (q, a), name in names.items():
            replies = per_seed(records[name], "seems_vague", 1).astype(int)
            right = per_seed(records[name], "right", 1).mean()
            most = int(np.bincount(replies, minlength=3).argmax())
            oracle = ms.theory.assistant_oracle(game(o, vague=q, accuracy=a)).vague.best[0]
            learned.append(most)
            best.append(REPLIES.index(oracle))
            lines.append(f"{q:g},{a:g},{REPLIES[most]},{oracle},{right:g}")
        write_text(study.folder.path / "map.csv", "\n".join(["vague,accuracy,learned,oracle,right", *lines, ""]))
        rights = [float(line.rpartition(",")[2]) for line in lines]
        study.console.print(
            f"Map: {100 * np.mean(rights):.1f} % of the replies learned in {len(lines)} cells by {o.seeds} assistants "
            "each, to both impressions, are best ones.",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        draw_map(study, o, np.array(learned), np.array(best))

    return report


# ---------------------------------------------------------------- figures


def canvas(width: float, height: float) -> Any:
    """An empty figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def keep(study: ms.Study, figure: Any, name: str) -> None:
    """Write a figure and say where it is."""
    path = save(figure, study.folder.figures / name)
    if not study.options.quiet:
        study.console.print(f"Figure: {path}", highlight=False, soft_wrap=True)


def draw_rules(study: ms.Study, o: Options, known: Mapping[str, Mapping[str, float]]) -> None:
    """rules.png: what user and assistant get under each rule, learned and by theory."""
    records, figure = study.records(), canvas(5.6, 4.2)
    ax = figure.subplots()
    colours = dict(zip(known, ("#0072B2", "#009E73", "#D55E00", "#CC79A7"), strict=True))
    for rule, row in known.items():
        user, own = (
            per_seed(records[rule], f"greedy_{who}", o.episodes).mean() for who in ("user_payoff", "assistant_payoff")
        )
        ax.plot([own], [user], "o", color=colours[rule], markersize=7)
        ax.plot(
            [row["greedy_assistant_payoff"]], [row["greedy_user_payoff"]], "D", color=colours[rule], markersize=12,
            fillstyle="none",
        )  # fmt: skip
    at: dict[tuple[float, float], list[str]] = {}
    for rule, row in known.items():
        place = round(row["greedy_assistant_payoff"], 6), round(row["greedy_user_payoff"], 6)
        at.setdefault(place, []).append(rule)
    for (own, user), names in at.items():
        ax.annotate(", ".join(names), (own, user), (10, 6), textcoords="offset points", fontsize=10)
    ax.set(xlabel="the assistant's payoff a question", ylabel="the user's payoff a question")
    ax.margins(0.35)
    ax.set_title(
        "Who gains when whose welfare is the reward\n(diamonds: theory, dots: learned)", fontsize=10, loc="left"
    )
    ax.spines[["top", "right"]].set_visible(False)
    keep(study, figure, "rules.png")


def draw_map(study: ms.Study, o: Options, learned: np.ndarray, best: np.ndarray) -> None:
    """map.png: the reply to who seems vague, learned beside best."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    colours = ("#0072B2", "#D55E00", "#F0E442")
    figure = canvas(7.2, 3.9)
    panels = figure.subplots(1, 2, sharey=True)
    for ax, title, replies in zip(panels, ("learned by most", "best, exactly"), (learned, best), strict=True):
        ax.imshow(
            replies.reshape(o.grid, o.grid), origin="lower", cmap=ListedColormap(colours), vmin=-0.5, vmax=2.5,
            extent=(0.5, 1, 0, 1), aspect="auto",
        )  # fmt: skip
        ax.set_title(title, fontsize=10, loc="left")
        ax.set_xlabel("how often impressions are right")
    panels[0].set_ylabel("share of vague users")
    handles = [Patch(color=colour, label=reply) for colour, reply in zip(colours, REPLIES, strict=True)]
    figure.legend(handles=handles, loc="outside upper right", ncols=3, frameon=False, title="reply to who seems vague")
    keep(study, figure, "map.png")


DECLARED = {"rules": rules, "map": map_of_replies}


def main(o: Options) -> None:
    for part in o.parts:
        if part not in DECLARED:
            raise ValueError(f"parts may list {', '.join(DECLARED)}; got {part!r}")
    for name in ("grid", "rounds"):
        if getattr(o, name) < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; got {getattr(o, name)}")
    if not o.parts:
        raise ValueError(f"parts must list at least one of {', '.join(DECLARED)}; got none")
    with ms.Study("assistant_game", o) as study:
        for report in [DECLARED[part](study, o) for part in dict.fromkeys(o.parts)]:
            report()


if __name__ == "__main__":
    ms.command(main)
