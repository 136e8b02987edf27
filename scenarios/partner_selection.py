"""Does choosing one's partner make selfish learners cooperate?

Partner selection against random matching, after Anastassacos, Hailes & Musolesi, "Partner selection for the emergence
of cooperation in multi-agent systems using reinforcement learning" (AAAI 2020). Every agent selects a partner by what
the others did last; the selected cannot refuse; each pair then plays one prisoner's dilemma, in random order, and sees
only what the other did last. Two Q-networks an agent, one that selects and one that plays.

    python scenarios/partner_selection.py                     under three minutes, fewer agents and episodes
    python scenarios/partner_selection.py --full              30,000 episodes, 20 agents, 20 seeds
    python scenarios/partner_selection.py --play tabular --epsilon-play 0.01 --memory ring --batch 32 --train-every 4

The paper's text gives the order of play, what is seen and the exploration rates by several accounts; the network, step
size and memory are those of later code of the same group (16 agents, one selection and one encounter an episode, one
learning step from the episode's own transitions, no target network). docs/explanation/partner_selection.md says what
came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from rich.table import Table

import marl_sim as ms
from marl_sim.evaluation.figures import save

OUTCOMES = ("mutual_cooperation", "exploitation", "deception", "mutual_defection")
STRATEGIES = ("ALLC", "TFT", "reverse_TFT", "ALLD")
PHASES = ("defection", "exploitation", "retaliation", "cooperation")


@dataclass
class Options(ms.StudyOptions):
    full_size: ClassVar[Mapping[str, Any]] = dict(
        seeds=20, episodes=30000, n_agents=20, record_every=100, checkpoint_seconds=600.0
    )

    seeds: int = 4  # independent societies; every interval is over these
    episodes: int = 5000  # an episode is `rounds` rounds; the learners forget its transitions when it ends
    n_agents: int = 10  # players; 20 by memory of the paper, 16 in the later code
    rounds: int = 1  # selections, and encounters that each agent hosts, in an episode
    matching: tuple[str, ...] = ("selection", "random")  # conditions: who decides on partners
    hidden: int = 256  # width of the networks' hidden layer
    gamma: float = 0.99  # discount
    lr: float = 0.001  # step size of the networks
    epsilon_select: float = 0.1  # share of random selections
    epsilon_play: float = 0.05  # share of random plays
    batch: int = 1  # transitions a learning step
    train_every: int = 1  # transitions stored per learning step
    memory: Literal["episode", "ring"] = (
        "episode"  # learn from the episode alone, or from the last `buffer` transitions
    )
    buffer: int = 256  # transitions remembered at most
    target_every: int = 1  # learning steps between copies into the target network; 1: as good as none
    play: Literal["dqn", "tabular"] = "dqn"  # who learns to play: a network or a table
    alpha: float = 0.05  # step size of the table
    credit: Literal["settled", "next"] = (
        "settled"  # what comes after a play: the same opponent's new last action, or the next encounter
    )
    horizon: Literal["continuing", "fixed"] = "continuing"  # learners look beyond the end of an episode, or do not
    sees_own: bool = False  # players also see their own last action (not so in the paper)
    record_every: int = 20  # episodes a row of the records averages over


def society(matching: str, o: Options) -> ms.Society:
    """The paper's society, with partners selected or drawn at random."""
    return ms.Society(
        ms.PrisonersDilemma(sees=("target", "own") if o.sees_own else ("target",)),
        ms.PartnerSelection() if matching == "selection" else ms.RandomMatching(how="hosts"),
        n_agents=o.n_agents,
        horizon=ms.Continuing(o.rounds) if o.horizon == "continuing" else ms.Fixed(o.rounds),
        encounters="in turn",
        encode="index" if o.play == "tabular" else "one_hot",
    )


def learner(o: Options) -> dict[str, ms.Learner]:
    """One learner for each kind of decision."""
    network = dict(
        gamma=o.gamma, hidden=(o.hidden,), lr=o.lr, batch=o.batch, train_every=o.train_every,
        memory=o.memory, buffer=o.buffer, target_every=o.target_every,
    )  # fmt: skip
    table = ms.TabularQ(alpha=o.alpha, gamma=o.gamma, epsilon=o.epsilon_play)
    return {
        "select": ms.DQN(**network, epsilon=o.epsilon_select),
        "play": table if o.play == "tabular" else ms.DQN(**network, epsilon=o.epsilon_play),
    }


# ---------------------------------------------------------------- what is recorded


def outcomes(trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
    """The paper's names of what a host gets: it exploits a cooperator, or is deceived by a defector."""
    return {"exploitation": row["temptation"], "deception": row["sucker"]}


def census(trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
    """Shares of strategies among a seed's agents, by their greedy replies to an opponent's last C and last D."""
    head = next(head for head in trainer.heads if head.name == "play")
    replies = greedy_replies(head.lanes, trainer.game.layout, head.columns)
    n = trainer.game.n_agents
    mine = replies[s * n : (s + 1) * n]
    shares = np.bincount(2 * mine[:, 0] + mine[:, 1], minlength=4) / n
    return dict(zip(STRATEGIES, shares.tolist(), strict=True))


def greedy_replies(lanes: Any, layout: Any, columns: slice) -> np.ndarray:
    """Best action of each lane after the opponent's last C and after its last D, int [L, 2]; own last action, where
    seen, is C. Ties go to cooperation."""
    obs = np.zeros((lanes.n_lanes, 2, columns.stop - columns.start), dtype=np.float32)
    for slot in layout.slots:
        if slot.kind != "play":
            continue
        start = slot.start - columns.start
        for last in (0, 1):
            seen = last if slot.name == "target_actions" else 0
            if slot.levels is None:
                obs[:, last, start + seen] = 1.0
            else:
                obs[:, last, start] = seen
    return lanes.values(obs).argmax(-1)


# ---------------------------------------------------------------- what is reported


def phases(columns: Mapping[str, np.ndarray], window: int = 15) -> dict[str, float]:
    """The first episode of each of the paper's phases in a seed's curves, NaN where it never comes.

    Smoothed over `window` rows; each is looked for from where the one before it was found:

    defection     more than half of the encounters are mutual defection
    exploitation  hosts exploit their partners in more than 5 % of encounters, and half as often again as they are
                  deceived (chance makes the two equal, so they have found cooperators)
    retaliation   TFT has at least 30 % of the agents, and no fewer than ALLC and reverse TFT
    cooperation   more than half of the encounters are mutual cooperation
    """

    def smooth(name: str) -> np.ndarray:
        x = np.asarray(columns[name], float)
        near = np.ones(min(window, x.size))
        return np.convolve(x, near, mode="same") / np.convolve(np.ones(x.size), near, mode="same")

    exploited = smooth("exploitation")
    strategies = np.stack([smooth(name) for name in STRATEGIES])
    signs = {
        "defection": smooth("mutual_defection") > 0.5,
        "exploitation": (exploited > 1.5 * smooth("deception")) & (exploited > 0.05),
        "retaliation": (strategies[1] >= np.maximum(strategies[0], strategies[2])) & (strategies[1] >= 0.3),
        "cooperation": smooth("mutual_cooperation") > 0.5,
    }
    found, earliest = {}, 0
    for name in PHASES:
        later = np.flatnonzero(signs[name][earliest:])
        found[name] = float(columns["episode"][earliest + later[0]]) if later.size else np.nan
        if later.size:
            earliest += int(later[0])
    return found


def print_phases(study: ms.Study) -> None:
    """When each phase begins: the median over the seeds that have it, and how many have it."""
    table = Table(title="phases: first episode (median over the seeds that reach it)", title_justify="left")
    table.add_column("condition")
    for name in PHASES:
        table.add_column(name, justify="right")
    for condition, columns in study.records().items():
        seeds = np.unique(columns["seed"])
        each = [phases({k: v[columns["seed"] == s] for k, v in columns.items()}) for s in seeds]
        cells = []
        for name in PHASES:
            begins = np.array([one[name] for one in each])
            reached = begins[~np.isnan(begins)]
            cells.append(f"{np.median(reached):,.0f} ({reached.size} of {len(seeds)})" if reached.size else "never")
        table.add_row(condition, *cells)
    study.console.print(table)


def stacked(study: ms.Study, names: tuple[str, ...], title: str, file: str) -> None:
    """Shares that add up to one, over episodes, a panel for each condition; means over seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    records = study.records()
    figure = Figure(figsize=(4.6 * len(records) + 1.4, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(records), sharey=True, squeeze=False)[0]
    colours = ("#0072B2", "#56B4E9", "#E69F00", "#D55E00")
    for ax, (condition, columns) in zip(panels, records.items(), strict=True):
        episodes = np.unique(columns["episode"])
        shares = np.array([[columns[n][columns["episode"] == e].mean() for e in episodes] for n in names])
        areas = ax.stackplot(episodes, shares, colors=colours, linewidth=0)
        ax.set(title=condition, xlabel="episode", ylim=(0, 1), xlim=(episodes[0], max(episodes[-1], episodes[0] + 1)))
        ax.title.set(fontsize=10, ha="left", position=(0, 1))
        ax.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("share")
    labels = [name.replace("_", " ") for name in names]
    panels[-1].legend(
        areas[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=9
    )
    count = np.unique(next(iter(records.values()))["seed"]).size
    figure.suptitle(f"{title} (mean over {count} seeds)", x=0.01, ha="left", fontsize=12, fontweight="bold")
    print_path = save(figure, study.folder.figures / file)
    if not study.options.quiet:
        study.console.print(f"Figure: {print_path}", highlight=False, soft_wrap=True)


def main(o: Options) -> None:
    for matching in o.matching:
        if matching not in ("selection", "random"):
            raise ValueError(f"matching may list 'selection' and 'random'; got {matching!r}")
    with ms.Study("partner_selection", o) as study:
        for matching in o.matching:
            study.train(
                matching, society(matching, o), learner(o), credit=o.credit, probes=(outcomes, census),
                block=min(o.record_every, o.episodes),
            )  # fmt: skip
        study.table("cooperation", *OUTCOMES)
        study.table(*STRATEGIES, "cooperator_selection", "most_selected")
        print_phases(study)
        study.curves("cooperation", "cooperator_selection")
        stacked(study, OUTCOMES, "Outcomes of encounters", "outcomes.png")
        stacked(study, STRATEGIES, "Strategies, by greedy replies to C and D", "strategies.png")


if __name__ == "__main__":
    ms.command(main)
