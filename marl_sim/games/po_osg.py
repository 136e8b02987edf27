"""The partially observable off-switch game: neither the robot nor the human sees all of the state."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from ..core.errors import unknown
from ..core.fields import Field, StateField, ints
from ..core.game import Game
from ..core.group import Group, GroupDilemma
from ..core.horizon import Fixed
from ..core.part import Episode, at_least
from ..core.registry import register
from ..core.rng import uniform
from ..core.rules import rule
from ..core.stage import Stage
from .off_switch_rules import ACT, ALLOW, ANSWERS, HUMAN, MOVES, ROBOT, WAIT, human_is_asked, robot_moves
from .po_osg_examples import EXAMPLES
from .tables import as_levels, as_numbers, left_out, shown


@rule
def draw_nature(key: Any, upto: Any, nature: Any, message: Any, waiting: Any) -> None:
    """Nature draws the state."""
    lot, s = uniform(key, 0), 0
    while s < upto.size - 1 and lot >= upto[s]:
        s += 1
    nature[0] = s
    waiting[0] = 0
    message[ROBOT] = 0
    message[HUMAN] = 0


@rule
def whoever_has_messages(messages: Any, acting: Any) -> None:
    """Both at once, as far as they have more than one message."""
    for i in range(messages.size):
        acting[i] = messages[i] > 1


@rule
def own_messages(i: Any, messages: Any, out: Any) -> None:
    """The messages of one's own."""
    for a in range(messages[i], out.size):
        out[a] = 0


@rule
def exchange(action: Any, message: Any) -> None:
    """Each hears the other's message. It costs nothing."""
    message[ROBOT] = action[ROBOT]
    message[HUMAN] = action[HUMAN]


@rule
def take_the_move(
    n: Any, action: Any, nature: Any, worth: Any, waiting: Any, utility: Any, seen: Any, waited: Any, earned: Any
) -> None:
    """Acting and switching off pay both at once what they are worth; waiting leaves it to the human."""
    s = nature[0]
    seen[s] += 1
    waiting[0] = action[ROBOT] == WAIT
    waited[s] += waiting[0]
    if not waiting[0]:
        paid = worth[0, s] if action[ROBOT] == ACT else worth[1, s]
        earned[s] += paid
        for i in range(n):
            utility[i] += paid


@rule
def human_decides(n: Any, action: Any, nature: Any, worth: Any, utility: Any, earned: Any, let_run: Any) -> None:
    """Allowed, the action pays both what it is worth; off, what being switched off is worth."""
    s = nature[0]
    allowed = action[HUMAN] == ALLOW
    let_run[0] += allowed
    paid = worth[0, s] if allowed else worth[1, s]
    earned[s] += paid
    for i in range(n):
        utility[i] += paid


@rule
def see_own(i: Any, nature: Any, shows: Any, out: Any) -> None:
    """What one observes of the state."""
    out[0] = shows[i, nature[0]]


@rule
def see_said(i: Any, message: Any, out: Any) -> None:
    """What one has said oneself."""
    out[0] = message[i]


@rule
def see_heard(i: Any, message: Any, out: Any) -> None:
    """What the other has said."""
    out[0] = message[1 - i]


class PartialOffSwitch(GroupDilemma):
    """A robot acts, switches itself off, or waits for a human; each of them sees a part of the state, and may tell.

    prior            probabilities of the states [states], adding up to 1
    u_act, u_off     what both get in each state if the action runs, and if it does not [states]; () is 0 for all
    obs_human, obs_robot            what each observes of each state, whole numbers from 0 [states]
    messages_human, messages_robot   how many messages each has, 1: it cannot speak

    A round: nature draws the state; whoever has messages says one, both at once; the robot, agent_0, moves; if it
    waits, the human, agent_1, answers. Waiting is always best if the human knows all that the robot knows, but more
    information for the human, or more messages of the robot's, can make it rarer. Defaults: the file deletion game.

    Observation   "observed"; after messages "said" (one's own) and "heard" (the other's), where there are any
    Action        "talk": one of one's messages; "move": act, wait, switch off; "answer": allow, off
    Reward        `utility`, to both
    Ending        after the horizon's rounds, one round being one state drawn
    State         nature [1] the state, message [2], waiting [1]; tallies seen, waited, earned [states] (rounds in each
                  state, waits in it, and utility in it) and let_run [1]
    Measures      wait, act, switch_off: shares of the robot's moves; allowed: share of the waits; value: utility a
                  round
    Errors        tables of unequal length, a prior that is not one, observations that are not whole numbers from 0,
                  fewer than 1 message, another number of agents than 2
    Source        Garber, Subramani, Luu, Bedaywi, Russell & Emmons, "The partially observable off-switch game" (AAAI
                  2025; arXiv 2411.17749)
    """

    prior: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25)
    u_act: tuple[float, ...] = (3.0, -5.0, -1.0, 5.0)
    u_off: tuple[float, ...] = ()
    obs_human: tuple[int, ...] = (0, 0, 1, 1)
    obs_robot: tuple[int, ...] = (0, 1, 0, 1)
    messages_human: int = 1
    messages_robot: int = 1
    rewards: ClassVar[tuple[str, ...]] = ("utility",)

    def check(self) -> None:
        name = type(self).__name__
        prior = as_numbers(name, "prior", self.prior)
        if min(prior) < 0 or abs(sum(prior) - 1) > 1e-9:
            raise ValueError(f"{name}: prior must be probabilities that add up to 1; got {shown(self.prior)}")
        count = len(prior)
        taken: dict[str, Any] = {"prior": prior, "u_act": as_numbers(name, "u_act", self.u_act, count)}
        taken["u_off"] = (0.0,) * count if left_out(self.u_off) else as_numbers(name, "u_off", self.u_off, count)
        for option in ("obs_human", "obs_robot"):
            taken[option] = as_levels(name, option, getattr(self, option), count)
        for option, value in taken.items():
            object.__setattr__(self, option, value)
        at_least(name, "messages_human", self.messages_human, 1)
        at_least(name, "messages_robot", self.messages_robot, 1)

    @property
    def messages(self) -> tuple[int, int]:
        """How many messages the robot and the human have."""
        return self.messages_robot, self.messages_human

    def payoff_rows(self) -> list[list[str]]:
        """States, what is seen of them and what they are worth, as a table of words, a header first."""
        columns = zip(self.prior, self.obs_robot, self.obs_human, self.u_act, self.u_off)
        rows = [[f"{s}", f"{p:.4g}", f"{a}", f"{h}", f"{x:g}", f"{y:g}"] for s, (p, a, h, x, y) in enumerate(columns)]
        return [["state", "probability", "robot sees", "human sees", "action runs", "off"], *rows]

    def fits(self, game: Game) -> None:
        if game.n_agents != 2:
            raise ValueError(f"PartialOffSwitch has n_agents=2, a robot and a human; got {game.n_agents}")

    def state(self, game: Game) -> dict[str, StateField]:
        return {"nature": ints(1), "message": ints(2), "waiting": ints(1)}

    def constants(self, game: Game) -> dict[str, Any]:
        return {
            "upto": np.cumsum(self.prior),
            "worth": np.array([self.u_act, self.u_off]),
            "shows": np.array([self.obs_robot, self.obs_human], dtype=np.int32),
            "messages": np.array(self.messages, dtype=np.int32),
        }

    def words(self) -> tuple[str, ...]:
        """One word a message, of whoever has the most."""
        return tuple(f"message {m}" for m in range(max(self.messages)))

    def stages(self, game: Game) -> list[Stage]:
        words = self.words()
        legal = own_messages if min(self.messages) < max(self.messages) else None
        talk = Stage("talk", words, acting=whoever_has_messages, then=(exchange,), legal=legal, phase=40)
        return [
            *([talk] if len(words) > 1 else []),
            Stage("move", MOVES, acting=robot_moves, then=(take_the_move,)),
            Stage("answer", ANSWERS, acting=human_is_asked, then=(human_decides,), phase=51),
        ]

    def reactions(self, game: Game) -> dict[str, Any]:
        return {"deal": draw_nature}

    def fields(self, game: Game) -> dict[str, list[Field]]:
        levels = max(self.obs_robot) + 1, max(self.obs_human) + 1

        def seen(who: int) -> list[Field]:
            found = [Field("observed", 1, see_own, levels[who], words="what one observes of the state")]
            for name, see, count, words in (
                ("said", see_said, self.messages[who], "one's own message"),
                ("heard", see_heard, self.messages[1 - who], "the other's message"),
            ):
                if count > 1:
                    found.append(Field(name, 1, see, values=self.words()[:count], words=words))
            return found

        talk = Field("observed", 1, see_own, max(levels), words="what one observes of the state")
        return {"talk": [talk], "move": seen(ROBOT), "answer": seen(HUMAN)}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        count = (len(self.prior),)
        return {"seen": count, "waited": count, "earned": count, "let_run": (1,)}

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        waits, seen = float(episode.mean("waited").sum()), float(episode.mean("seen").sum())
        return {word.replace(" ", "_"): episode.share(f"move:{word}") for word in MOVES} | {
            "allowed": float(episode.mean("let_run")[0]) / waits if waits else 0.0,
            "value": float(episode.mean("earned").sum()) / seen,
        }


@register("po_osg")
def po_osg(example: str = "file_deletion", rounds: int = 1, encode: Literal["one_hot", "index"] = "one_hot") -> Group:
    """The partially observable off-switch game, by the examples of its paper.

    example   file_deletion, coarse_human, fine_human, coarse_robot, fine_robot, one_coordinate_each,
              human_sees_difference, unaware_full, unaware_coarse, human_says_nothing, human_says_a_bit,
              robot_says_nothing, robot_says_a_bit or robot_says_all (see games.po_osg_examples)
    rounds    states drawn an episode
    encode    "one_hot" for networks, "index" for tables

    Source    Garber, Subramani, Luu, Bedaywi, Russell & Emmons, "The partially observable off-switch game" (AAAI 2025;
              arXiv 2411.17749)
    """
    if example not in EXAMPLES:
        raise ValueError("po_osg: " + unknown("example", example, EXAMPLES))
    return Group(PartialOffSwitch(**EXAMPLES[example]), n_agents=2, horizon=Fixed(rounds), encode=encode)
