"""Which social norms, habits and reflections make learners cooperate on reputation alone?

After Anastassacos, Garcia, Hailes & Musolesi, "Cooperation and reputation dynamics with reinforcement learning" (AAMAS
2021). Random pairs play the donation game and see nothing but the other's binary reputation, which a norm assigns;
each agent learns with a table. Three parts: norms against benefits; seeding, where some agents follow the fixed rule
"cooperate with the good"; and introspection, where agents are also rewarded for what they would get from themselves.

    python scenarios/reputation_norms.py                              under three minutes
    python scenarios/reputation_norms.py --parts seeding --seeds 20   one part
    python scenarios/reputation_norms.py --full                       10,000 episodes (seeding 50,000), one pair a round

Reported is the learners' mean reward an encounter as a share of b - c, what everybody gets where everybody cooperates,
beside the figures read off the paper and what arithmetic gives where all learners defect or all follow rule 5. The
learning results depend on details that the paper does not give; see docs/explanation/reputation_norms.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from rich.table import Table

import marl_sim as ms
from marl_sim.evaluation.figures import save
from marl_sim.evaluation.statistics import bootstrap_interval
from marl_sim.evaluation.tables import per_seed
from marl_sim.policies.action_rule import ActionRule
from marl_sim.training.introspection import Introspection
from marl_sim.training.records import write_text

RULE_5 = 5  # cooperate with the good

# Read off the paper's figures (+-0.3), 10 agents, per cent; figure 1 divides by b, figures 2 and 4 by b - c.
FIGURE_1 = {(9, 2): 2.8, (9, 5): 4.2, (9, 10): 39.6, (0, 2): 2.8, (0, 5): 4.2, (0, 10): 4.8}
FIGURE_2 = {9: (5.0, 10.9, 91.3, 92.0, 92.5, 92.9), 0: (5.1, 4.4, 3.8, 3.1, 2.4, 1.7)}  # 0 to 5 seeds of 10, b = 5
FIGURE_4 = {  # alpha 0, 0.1, ..., 1, b = 5
    9: (5.0, 5.0, 5.0, 5.0, 29.1, 46.4, 64.5, 66.1, 69.6, 60.0, 49.6),
    0: (5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.2, 60.5),
}


@dataclass
class Options(ms.StudyOptions):
    full_size: ClassVar[Mapping[str, Any]] = dict(
        seeds=20, episodes=10000, num_envs=1, encounters="one pair", rounds=200, seeded=(1, 2, 3, 4, 5), long=5,
        record_every=50,
        alphas=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), checkpoint_seconds=600.0,
    )  # fmt: skip

    seeds: int = 6  # independent societies; every interval is over these
    episodes: int = 300  # the second half is reported
    num_envs: int = 16  # worlds each society lives in at once: 300 episodes in 16 are the experience of 4,800 in one
    parts: tuple[str, ...] = ("norms", "seeding", "introspection")  # what to run
    n_agents: int = 10  # players
    norms: tuple[int, ...] = (9, 0)  # 9 stern judging, 0 everybody is bad, 3 image score, 11 simple standing, ...
    benefits: tuple[float, ...] = (2.0, 5.0, 10.0)  # b of the part "norms"; cost is 1
    benefit: float = 5.0  # b of the other parts
    seeded: tuple[int, ...] = (1, 2, 5)  # how many agents follow the fixed rule
    alphas: tuple[float, ...] = (0.4, 0.8, 1.0)  # weights of introspection
    simulated: Literal["taken", "drawn"] = "taken"  # how the encounter with oneself is played: see Introspection
    encounters: Literal["pairs", "one pair"] = "pairs"  # a round is a random matching of all, or one random pair
    rounds: int = 40  # rounds an episode; 40 of five pairs are as many encounters as the paper's 200 of one
    long: int = 1  # the part "seeding" gets so many times the episodes
    beta: float = 0.01  # step size of the table
    gamma: float = 0.99  # discount
    epsilon: float = 0.1  # share of random actions
    error: float = 0.001  # probability of assigning the wrong reputation
    refresh: bool = False  # all are good again when an episode begins
    horizon: Literal["continuing", "fixed"] = "continuing"  # learners look beyond the end of an episode, or do not
    own: bool = False  # players see their own reputation too
    replay: int = 0  # transitions of the episode replayed a step; 0: each is learned once, as it comes
    record_every: int = 10  # episodes a row of the records averages over


# ---------------------------------------------------------------- arithmetic


def expected_efficiency(
    rules: Sequence[int],
    epsilons: Sequence[float],
    learners: Sequence[int],
    norm: int,
    b: float,
    c: float,
    error: float,
) -> float:
    """What the agents `learners` get an encounter, as a share of b - c, when agent i follows rules[i] for ever.

    rules     0, 5, 10 or 15: rules that look at the other's reputation only
    epsilons  share of random actions of each agent

    Exact for random pairs: an agent meets every other equally often, its action depends on the other's reputation
    alone and its new reputation on action and other's reputation, so all expectations are linear in the probabilities g
    of being good. With x_i(r) the probability that i cooperates with reputation r, v(a, r) the norm's verdict and
    q_i = mean of g over the others,

        g_i = error + (1 - 2 error) * sum_r P_i(r) [x_i(r) v(C, r) + (1 - x_i(r)) v(D, r)],   P_i(1) = q_i = 1 - P_i(0)
        reward_i = b * mean_j [g_i x_j(1) + (1 - g_i) x_j(0)] - c * [q_i x_i(1) + (1 - q_i) x_i(0)]
    """
    n = len(rules)
    for rule in rules:
        if rule not in (0, 5, 10, 15):
            raise ValueError(f"rules must be 0, 5, 10 or 15, which do not look at themselves; got {rule!r}")
    e = np.asarray(epsilons, float)[:, None]
    x = (1 - e) * np.array([[rule >> 1 & 1, rule & 1] for rule in rules]) + e / 2  # [n, other's reputation]
    good = np.array(
        [[norm >> (3 - 2 * action - other) & 1 for other in (0, 1)] for action in (0, 1)]
    )  # [D or C, other's]
    after = error + (1 - 2 * error) * (x * good[1] + (1 - x) * good[0])  # good after meeting reputation r
    meets = (np.ones((n, n)) - np.eye(n)) / (n - 1)
    slope = (after[:, 1] - after[:, 0])[:, None] * meets
    g = np.linalg.lstsq(np.eye(n) - slope, after[:, 0], rcond=None)[0]
    q, others = meets @ g, meets @ x
    reward = b * (g * others[:, 1] + (1 - g) * others[:, 0]) - c * (q * x[:, 1] + (1 - q) * x[:, 0])
    return float(reward[list(learners)].mean() / (b - c))


def if_all(rule: int, k: int, norm: int, b: float, o: Options) -> float:
    """Expected efficiency, in per cent, where all learners have learned `rule` and k agents follow rule 5."""
    learners = range(k, o.n_agents)
    rules = [RULE_5] * k + [rule] * (o.n_agents - k)
    epsilons = [0.0] * k + [o.epsilon] * (o.n_agents - k)
    return 100 * expected_efficiency(rules, epsilons, learners, norm, b, 1.0, o.error)


# ---------------------------------------------------------------- conditions


@dataclass(frozen=True)
class Condition:
    """One population: norm, benefit, how many seeds, how much introspection, and what the paper has for it."""

    part: str
    norm: int
    b: float
    seeds: int = 0
    alpha: float = 0.0
    paper: float | None = None  # read off a figure, per cent
    over: str = "b - c"  # what the paper's figure divides by

    @property
    def name(self) -> str:
        """How it is called in tables."""
        more = {"seeding": f", {self.seeds} seeded", "introspection": f", alpha {self.alpha:g}"}
        return f"norm {self.norm}, b {self.b:g}{more.get(self.part, '')}"


def conditions(o: Options) -> list[Condition]:
    """Everything the options ask for."""
    known = o.n_agents == 10 and o.benefit == 5
    found = []
    for norm in o.norms:
        if "norms" in o.parts:
            found += [
                Condition("norms", norm, b, paper=FIGURE_1.get((norm, b)) if o.n_agents == 10 else None, over="b")
                for b in o.benefits
            ]
        if "seeding" in o.parts:
            read = FIGURE_2.get(norm, ()) if known else ()
            found += [
                Condition("seeding", norm, o.benefit, seeds=k, paper=read[k] if k < len(read) else None)
                for k in o.seeded
            ]
        if "introspection" in o.parts:
            read = FIGURE_4.get(norm, ()) if known else ()
            for alpha in o.alphas:
                tenth = round(10 * alpha)
                paper = read[tenth] if read and abs(tenth - 10 * alpha) < 1e-9 else None
                found.append(Condition("introspection", norm, o.benefit, alpha=alpha, paper=paper))
    return found


def society(c: Condition, o: Options) -> ms.Society:
    """Random pairs in the donation game under a norm."""
    together = o.encounters == "pairs"
    return ms.Society(
        ms.DonationGame(benefit=c.b, cost=1.0, sees=()),
        ms.RandomMatching(how="pairs" if together else "one pair"),
        ms.Norm(norm=c.norm, error=o.error, seen_in=("play",), own=o.own, lasting=not o.refresh),
        n_agents=o.n_agents,
        horizon=ms.Continuing(o.rounds) if o.horizon == "continuing" else ms.Fixed(o.rounds),
        encounters="together" if together else "in turn",
        encode="index",
    )


class Efficiency:
    """Probe: the learners' mean reward an encounter over b - c, and the shares of rules they have learned."""

    def __init__(self, c: Condition, o: Options):
        self.c, self.own = c, o.own
        pairs = o.n_agents // 2 if o.encounters == "pairs" else 1
        self.meetings = 2 * pairs * o.rounds / o.n_agents  # of one agent in an episode, on average

    def __call__(self, trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
        learners = np.flatnonzero(trainer.learns)
        paid = np.mean([row[f"reward_{i}"] for i in learners]) / self.meetings
        columns = {"efficiency": paid / (self.c.b - 1.0), "efficiency_over_b": paid / self.c.b}
        rules = learned_rules(trainer.heads[0].lanes, self.own)[s * trainer.game.n_agents + learners]
        shares = np.bincount(rules, minlength=16) / learners.size
        shown = range(16) if self.own else (0, 5, 10, 15)
        return columns | {f"rule_{r}": float(shares[r]) for r in shown}


def learned_rules(lanes: Any, own: bool) -> np.ndarray:
    """The action rule, 0 to 15, that is greedy in each lane's table; ties count as cooperation. Int [L]."""
    best = lanes.table.argmax(-1)  # [L, states]; columns of a state: the other's reputation, then one's own
    cooperates = best == 0
    rules = np.zeros(len(best), dtype=np.int64)
    for mine in (0, 1):
        for other in (0, 1):
            state = 2 * other + mine if own else other
            rules |= cooperates[:, state].astype(np.int64) << (3 - 2 * mine - other)
    return rules


# ---------------------------------------------------------------- report


def beside_the_paper(study: ms.Study, listed: Sequence[Condition], o: Options) -> None:
    """Print, and write as beside.csv, what came out beside what the paper's figures and arithmetic say (per cent)."""
    records, lines = study.records(), []
    table = Table(title="learners' reward an encounter / (b - c), per cent", title_justify="left")
    for head in ("condition", "here", "paper", "all defect", "all rule 5"):
        table.add_column(head, justify="left" if head == "condition" else "right", no_wrap=True)
    for c in listed:
        columns = records[c.name]
        cell = bootstrap_interval(100 * per_seed(columns, "efficiency", int(columns["episode"].max()) // 2))
        paper = None if c.paper is None else c.paper * (c.b / (c.b - 1) if c.over == "b" else 1)
        arithmetic = [if_all(rule, c.seeds, c.norm, c.b, o) for rule in (0, RULE_5)]
        between = "" if np.isnan(cell.low) else f"\n[dim]{cell.low:.1f} to {cell.high:.1f}[/dim]"
        read = "" if paper is None else f"{paper:.1f}" + (f"\n[dim]{c.paper:.1f} of b[/dim]" if c.over == "b" else "")
        table.add_row(c.name, f"{cell.point:.1f}{between}", read, *(f"{x:.1f}" for x in arithmetic))
        lines.append((c.name, cell.point, cell.low, cell.high, "" if paper is None else paper, *arithmetic))
    study.console.print(table)
    study.console.print(
        "Mean and 95 % bootstrap interval over seeds, last half. Paper: read off figures 1, 2 and 4 (+-0.3); figure 1 "
        "is scaled by b and converted. All defect, all rule 5: what arithmetic says if every learner did so.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    heads = "condition,here,low,high,paper,all_defect,all_rule_5"
    text = "\n".join([heads, *(f'"{name}",' + ",".join(map(str, rest)) for name, *rest in lines)])
    write_text(study.folder.path / "beside.csv", text + "\n")


def dots(study: ms.Study, listed: Sequence[Condition]) -> None:
    """Each condition's seeds, their mean, and the paper's figure, on one scale; one panel for each part."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    records = study.records()
    parts = list(dict.fromkeys(c.part for c in listed))
    sizes = [sum(c.part == part for c in listed) for part in parts]
    figure = Figure(figsize=(7.5, 0.32 * sum(sizes) + 0.7 * len(parts) + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(parts), 1, sharex=True, squeeze=False, gridspec_kw=dict(height_ratios=sizes))[:, 0]
    for ax, part in zip(panels, parts, strict=True):
        mine = [c for c in listed if c.part == part]
        for y, c in enumerate(mine):
            columns = records[c.name]
            each = 100 * per_seed(columns, "efficiency", int(columns["episode"].max()) // 2)
            ax.plot(each, np.full(each.size, y), "o", color="#56B4E9", markersize=4, alpha=0.7, label="a seed")
            ax.plot([each.mean()], [y], "|", color="#0072B2", markersize=14, markeredgewidth=2.5, label="mean")
            if c.paper is not None:
                read = c.paper * (c.b / (c.b - 1) if c.over == "b" else 1)
                ax.plot([read], [y], "D", color="#D55E00", markersize=5, fillstyle="none", label="paper, read off")
        ax.set_yticks(range(len(mine)), [c.name for c in mine], fontsize=9)
        ax.set(ylim=(len(mine) - 0.4, -0.6), xlim=(-4, 104))
        ax.set_title(part, fontsize=10, loc="left")
        ax.grid(axis="x", color="#e8e8e8", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("efficiency: reward of learners an encounter / (b - c), per cent")
    handles = {label: handle for ax in panels for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper right", ncols=3, frameon=False, fontsize=9)
    path = save(figure, study.folder.figures / "beside.png")
    if not study.options.quiet:
        study.console.print(f"Figure: {path}", highlight=False, soft_wrap=True)


def check(o: Options) -> None:
    """Refuse what no run could mean."""
    for part in o.parts:
        if part not in ("norms", "seeding", "introspection"):
            raise ValueError(f"parts may list norms, seeding and introspection; got {part!r}")
    for k in o.seeded:
        if not 0 <= k < o.n_agents:
            raise ValueError(f"seeded may list 0 to {o.n_agents - 1} of {o.n_agents} agents; got {k}")
    if not o.parts:
        raise ValueError("parts must list at least one of norms, seeding and introspection; got none")


def main(o: Options) -> None:
    check(o)
    listed = conditions(o)
    learner = ms.TabularQ(alpha=o.beta, gamma=o.gamma, epsilon=o.epsilon, replay=o.replay or None)
    with ms.Study("reputation_norms", o) as study:
        for c in listed:
            episodes = o.episodes * (o.long if c.part == "seeding" else 1)
            study.train(
                c.name, society(c, o), learner, episodes=episodes, block=min(o.record_every, episodes),
                policies={i: ActionRule(RULE_5) for i in range(c.seeds)}, probes=(Efficiency(c, o),),
                layers=(Introspection(c.alpha, o.epsilon, o.simulated),) if c.alpha else (),
            )  # fmt: skip
        rules = [f"rule_{r}" for r in ((0, 1, 4, 5, 8, 10, 15) if o.own else (0, 5, 10, 15))]
        study.table("efficiency", *rules, last=max(1, o.episodes // 2))
        beside_the_paper(study, listed, o)
        dots(study, listed)
        study.curves("efficiency")


if __name__ == "__main__":
    ms.command(main)
