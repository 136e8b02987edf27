"""Joint-action learners in lanes: values of joint actions, and a model of the others to weigh them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .schedules import Schedule
from .watching import Watcher, WatchingLanes


@dataclass(frozen=True, kw_only=True)
class JointActionLearner(Watcher):
    """Q-learning over joint actions with a model of the others (Claus & Boutilier 1998).

        Q(s, a, o) <- Q(s, a, o) + alpha * (r + gamma * max_a' EV(s', a') - Q(s, a, o))     over legal a'
        f(o | s)    = how often the others chose the joint action o in s, as a share
        EV(s, a)    = sum_o f(o | s) * Q(s, a, o)

    without bootstrap where the game terminated. The paper's games have one state and no discount (gamma = 0); there Q
    converges to the payoffs themselves, whatever the others do, where an independent learner's values move with them.
    The choice is the best EV, which is fictitious play's, with a share epsilon of random actions in place of the
    paper's Boltzmann exploration. It need not find the best equilibrium: it finds the one its model leads to.

    `values` are EV, `init` in states never met. Tables: Q [L, S, A, O], counts [L, S, O] with O = A ** others.
    """

    alpha: float | Literal["1/n"] = 0.1  # step size, above 0 to 1; "1/n": one over how often the joint action was met
    gamma: float = 0.99  # discount, 0 to 1
    epsilon: float | Schedule = 0.1  # share of random actions


class JointActionLanes(WatchingLanes):
    """L joint-action learners. `joint` is Q."""

    options: JointActionLearner


JointActionLearner.lanes = JointActionLanes
