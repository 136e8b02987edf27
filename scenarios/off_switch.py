"""When does a robot let itself be switched off, and what does it cost to misjudge the human?

The off-switch game of Hadfield-Menell, Dragan, Abbeel & Russell, "The Off-Switch Game" (IJCAI 2017): a robot does not
know what its action is worth, U ~ N(mu, sigma^2) to both. It acts, switches itself off, or waits for a human who does
know. Robots here know nothing at first; they try every move and learn with a table what each brings on average. Theory
knows what waiting is worth, and that with a Boltzmann human it pays exactly if sigma^2 > 2 beta |mu|.

    boundary     all sigma and beta of a grid: the learned wait rate as a heat map, with the exact curve
    humans       rational, Boltzmann, probit, Bayesian and erring humans
    wrong beta   robots trained with humans of one beta, tried among humans of another, and what that loses
    asking       a cost of asking: from which sigma on it pays
    together     the human is a learner too, and while it explores it errs

    python scenarios/off_switch.py                               one to two minutes
    python scenarios/off_switch.py --parts boundary --grid 10 --seeds 4
    python scenarios/off_switch.py --parts humans --mu -0.75 --sigma 1
    python scenarios/off_switch.py --full                        a finer grid and 20 seeds

Printed is what greedy robots do, beside what theory says. `value` is measured in play, what a decision gains; `delta`
is how much better waiting looked than the better of acting and switching off; `regret` is what the learned decisions
lose in expectation, exactly, against the best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import marl_sim as ms
from marl_sim.evaluation.figures import save
from marl_sim.evaluation.heatmap import Line, Map, heatmap_figure
from marl_sim.evaluation.tables import per_seed
from marl_sim.training.greedy import Greedy
from marl_sim.training.records import write_text

PARTS = ("boundary", "humans", "wrong beta", "asking", "together")
ACT, WAIT, OFF = range(3)
BAND = 0.05  # cells whose sigma is this close to the boundary, relative to it, are left out of `agreement`

HUMANS: dict[str, dict[str, Any]] = {
    "rational": dict(human="rational"),
    "Boltzmann 0.25": dict(human="boltzmann", beta=0.25),
    "Boltzmann 1": dict(human="boltzmann", beta=1.0),
    "probit 0.25": dict(human="probit", scale=0.25),
    "probit 1": dict(human="probit", scale=1.0),
    "noisy, Bayesian 0.5": dict(human="bayesian", scale=0.5),
    "errs 10 %": dict(human="error", epsilon=0.1),
    "errs 30 %": dict(human="error", epsilon=0.3),
    "stops 30 % of the good": dict(human="two-type", p_plus=0.7, p_minus=0.95),
    "allows 30 % of the bad": dict(human="two-type", p_plus=0.95, p_minus=0.7),
}
# mu, sigma, the beta of the humans it is trained with, and of those it then meets
WRONG = ((0.25, 0.6, 1.0, 0.1), (0.25, 0.6, 0.5, 1.0), (0.75, 1.0, 0.1, 1.0))


@dataclass
class Options(ms.StudyOptions):
    full_size: ClassVar[Mapping[str, Any]] = dict(seeds=20, grid=20, episodes=3000, checkpoint_seconds=600.0)

    seeds: int = 8  # independent robots; every interval is over these
    episodes: int = 300  # episodes of the boundary; the other parts take a share of them
    num_envs: int = 256  # worlds a robot learns in at once
    rounds: int = 100  # decisions an episode, each drawn anew
    parts: tuple[str, ...] = PARTS  # what to run
    mu: float = 0.25  # mean of what the action is worth
    sigma: float = 0.5  # standard deviation of it, in the parts humans and together
    grid: int = 12  # sigmas and betas of the boundary, and sigmas of the asking
    largest_sigma: float = 0.75  # the grid's end; the default is that of the paper's figure 3
    largest_beta: float = 1.0  # likewise
    asking: tuple[float, ...] = (0.05, 0.1)  # costs of asking
    explore: tuple[float, ...] = (0.1, 0.3, 0.6)  # how often a learning human answers at random


# ---------------------------------------------------------------- games


def middles(largest: float, count: int) -> np.ndarray:
    """The middles of `count` cells from 0 to the largest."""
    return (np.arange(count) + 0.5) * largest / count


def plane(o: Options) -> tuple[np.ndarray, np.ndarray]:
    """sigma and beta of every cell of the grid, float64 [grid * grid] each; sigma runs faster."""
    sigma, beta = np.meshgrid(middles(o.largest_sigma, o.grid), middles(o.largest_beta, o.grid))
    return sigma.ravel(), beta.ravel()


def game(o: Options, **options: Any) -> ms.Group:
    """The off-switch game as a robot with a table sees it: which case it is, and no more."""
    return ms.make("off_switch", **(dict(mu=o.mu, sigma=o.sigma, sees="levels", rounds=o.rounds) | options))


# ---------------------------------------------------------------- what is measured


class Decisions:
    """Probe: what the robot has learned of each case, judged by theory.

    agreement   share of the cases whose learned move is a best one, those close to the boundary left out
    regret      the best value less that of the learned move, mean over cases
    delta       the learned value of waiting less the better of the others, mean over cases
    threshold   the sigma from which on it waits, where cases are sigmas `spacing` apart
    """

    def __init__(self, judged: ms.Group, close: Any = False, spacing: float = 0.0):
        self.known, self.close, self.spacing = ms.theory.off_switch_cases(judged).answer, close, spacing

    def __call__(self, trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
        learned = trainer.heads[0].lanes.table[s * trainer.game.n_agents]  # [cases, moves]
        move, known = learned.argmax(1), self.known
        lost = known.value - np.choose(move, [known.act, known.wait, np.zeros(move.size)])
        counts = np.broadcast_to(~np.asarray(self.close), move.shape)
        found = {
            "agreement": float((lost <= 1e-12)[counts].mean()) if counts.any() else float("nan"),
            "regret": float(lost.mean()),
            "delta": float((learned[:, WAIT] - np.maximum(learned[:, ACT], learned[:, OFF])).mean()),
        }
        return found | ({"threshold": float((move != WAIT).sum() * self.spacing)} if self.spacing else {})


class HumanIsRight:
    """Probe: the share of the bins of U in which a learning human allows what is worth 0 or more, and nothing else."""

    def __call__(self, trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
        learned = trainer.heads[1].lanes.table[s * trainer.game.n_agents + 1]  # [bins, allow or off]
        good = np.arange(len(learned)) >= len(learned) // 2
        return {"human_right": float(((learned[:, 0] > learned[:, 1]) == good).mean())}


# ---------------------------------------------------------------- parts

ROBOT = ms.TabularQ(alpha="1/n", gamma=0.0, epsilon=1.0)  # tries every move; its values are sample means


def train(
    study: ms.Study, o: Options, name: str, taught: ms.Group, share: float, judged: ms.Group | None = None,
    learner: Any = ROBOT, metrics: Sequence[str] = (), more: Sequence[Any] = (), **how: Any,
) -> dict[str, float]:  # fmt: skip
    """Declare a condition of a share of the episodes; returns what theory says of a robot that decides right."""
    judged = taught if judged is None else judged
    episodes = max(1, round(share * o.episodes))
    greedy = Greedy(("wait", "value", *metrics), 8 * o.num_envs, game=judged)
    study.train(
        name, taught, learner, episodes=episodes, block=max(1, episodes // 20),
        probes=(greedy, Decisions(judged, **how), *more),
    )  # fmt: skip
    known = ms.theory.off_switch_cases(judged).answer
    waits = [("wait" in best) + 0.0 for best in known.best]
    return dict(greedy_wait=np.mean(waits), greedy_value=np.mean(known.value), delta=np.mean(known.delta))


def table(study: ms.Study, name: str, known: Mapping[str, Mapping[str, float]], *metrics: str) -> None:
    """Print a part, theory beside it wherever theory has a number."""
    theory = {m: {c: float(row[m]) for c, row in known.items() if m in row} for m in metrics}
    theory = {m: row for m, row in theory.items() if row}
    study.table(*metrics, last=1, name=name.replace(" ", "_"), theory=theory, conditions=tuple(known))


def boundary(study: ms.Study, o: Options) -> Any:
    """Where robots learn to wait for a Boltzmann human."""
    sigma, beta = plane(o)
    taught = game(o, sigma=tuple(sigma), beta=tuple(beta), human="boltzmann")
    edge = ms.theory.off_switch_boundary(o.mu, beta)
    cells = [f"wait_case_{c}" for c in range(sigma.size)] if sigma.size > 1 else ["wait"]
    known = train(study, o, "Boltzmann, grid", taught, 1.0, metrics=cells, close=np.abs(sigma - edge) <= BAND * edge)

    def report() -> None:
        table(study, "boundary", {"Boltzmann, grid": known}, "agreement", "greedy_wait", "greedy_value", "regret")
        columns = study.records()["Boltzmann, grid"]
        waits = np.array([per_seed(columns, f"greedy_{cell}", o.episodes) for cell in cells])  # [cells, seeds]
        write_boundary(study, o, waits)
        draw_boundary(study, o, waits)

    return report


def humans(study: ms.Study, o: Options) -> Any:
    """What waiting is worth before each kind of human."""
    known = {name: train(study, o, name, game(o, **options), 0.03) for name, options in HUMANS.items()}
    return lambda: table(study, "humans", known, "greedy_wait", "delta", "greedy_value")


def wrong_beta(study: ms.Study, o: Options) -> Any:
    """What robots lose among humans of another beta than those they have learned from."""
    known = {}
    for mu, sigma, believed, true in WRONG:
        taught, judged = (game(o, mu=mu, sigma=sigma, human="boltzmann", beta=b) for b in (believed, true))
        name = f"mu {mu:g}, sigma {sigma:g}: beta {true:g}, learned at {believed:g}"
        row = train(study, o, name, taught, 0.03, judged=judged)
        lost = ms.theory.off_switch_regret(mu, sigma, believed=dict(beta=believed), beta=true)
        waits = ms.theory.off_switch_delta(mu, sigma, "boltzmann", beta=believed) >= 0
        known[name] = dict(greedy_wait=waits, greedy_value=row["greedy_value"] - lost, regret=lost)
    return lambda: table(study, "wrong beta", known, "greedy_wait", "greedy_value", "regret")


def asking(study: ms.Study, o: Options) -> Any:
    """How unsure a robot must be for a question that costs something, to a rational human."""
    sigma, known = middles(o.largest_sigma, 2 * o.grid), {}
    for cost in o.asking:
        taught = game(o, sigma=tuple(sigma), human="rational", ask=cost)
        row = train(study, o, f"asking costs {cost:g}", taught, 0.25, spacing=float(sigma[0] * 2))
        limit = min(ms.theory.off_switch_sigma(o.mu, cost), o.largest_sigma)
        known[f"asking costs {cost:g}"] = row | {"threshold": limit}
    return lambda: table(study, "asking", known, "threshold", "greedy_wait", "regret")


def together(study: ms.Study, o: Options) -> Any:
    """A robot and a human who learn from one another: an exploring human is an erring one, to the robot."""
    known = {}
    for share in o.explore:
        learner = {"move": ROBOT, "answer": ms.TabularQ(alpha="1/n", gamma=0.0, epsilon=share)}
        name, taught = f"human explores {share:g}", game(o, human="agent")
        row = train(study, o, name, taught, 0.05, learner=learner, more=(HumanIsRight(),))
        delta = ms.theory.off_switch_delta(o.mu, o.sigma, "error", epsilon=share / 2)
        lost = row["delta"] if delta < 0 else 0.0  # greedy, the human no longer errs, and waiting would have paid
        value = row["greedy_value"] - lost
        known[name] = dict(greedy_wait=delta >= 0, delta=delta, greedy_value=value)
    return lambda: table(study, "together", known, "greedy_wait", "delta", "greedy_value", "human_right")


# ---------------------------------------------------------------- the heat map


def write_boundary(study: ms.Study, o: Options, waits: np.ndarray) -> None:
    """grid.csv: every cell, the share of robots that wait there, and what theory says of waiting."""
    sigma, beta = plane(o)
    delta = np.broadcast_to(ms.theory.off_switch_delta(o.mu, sigma, "boltzmann", beta=beta), sigma.shape)
    lines = [f"{s:g},{b:g},{w:g},{d:.8g},{int(d >= 0)}" for s, b, w, d in zip(sigma, beta, waits.mean(1), delta)]
    write_text(study.folder.path / "grid.csv", "\n".join(["sigma,beta,wait,delta,wait_theory", *lines, ""]))


def draw_boundary(study: ms.Study, o: Options, waits: np.ndarray) -> None:
    """The learned wait rate over sigma and beta, and the curve."""
    sigma = np.linspace(0, o.largest_sigma, 200)
    curve = Line("exact boundary, sigma\u00b2 = 2 beta |mu|", sigma, sigma**2 / (2 * max(abs(o.mu), 1e-12)))
    learned = Map(
        waits.mean(1).reshape(o.grid, o.grid), middles(o.largest_sigma, o.grid), middles(o.largest_beta, o.grid),
        lines=[curve],
    )  # fmt: skip
    figure = heatmap_figure(
        [learned], "sigma: how unsure the robot is", "beta: how irrational the human is",
        "share of robots that wait", f"Where robots learn to wait (mu = {o.mu:g})",
        f"greedy play of {waits.shape[1]} robot{'s' * (waits.shape[1] > 1)}",
    )  # fmt: skip
    path = save(figure, study.folder.figures / "boundary.png")
    if not o.quiet:
        study.console.print(f"Figure: {path}", highlight=False, soft_wrap=True)


DECLARED = {"boundary": boundary, "humans": humans, "wrong beta": wrong_beta, "asking": asking, "together": together}


def check(o: Options) -> None:
    """Refuse what no run could mean."""
    for part in o.parts:
        if part not in DECLARED:
            raise ValueError(f"parts may list {', '.join(DECLARED)}; got {part!r}")
    if not o.parts:
        raise ValueError(f"parts must list at least one of {', '.join(DECLARED)}; got none")
    for name in ("grid", "rounds"):
        if getattr(o, name) < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; got {getattr(o, name)}")
    for name in ("largest_sigma", "largest_beta"):
        if not 0 < getattr(o, name) < float("inf"):
            raise ValueError(f"{name} must be a finite number above 0; got {getattr(o, name)}")
    for share in o.explore:
        if not 0 <= share <= 1:
            raise ValueError(f"explore may list numbers from 0 to 1; got {share}")


def main(o: Options) -> None:
    check(o)
    with ms.Study("off_switch", o) as study:
        reports = [DECLARED[part](study, o) for part in dict.fromkeys(o.parts)]
        for report in reports:
            report()


if __name__ == "__main__":
    ms.command(main)
