"""A language model in a seat: it reads the game's rules and what it sees, and answers in words."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import transcript
from .answers import read_answer
from .background import think_at_once
from .base import Policy
from .chat import Budget, Chat, NoReply
from .http_line import HttpLine
from .remote import NoAnswer, check_options
from .rest import Rest
from .words import options, recount

if TYPE_CHECKING:
    from ..core.game import Game
    from .player import Player
    from .view import View

RULES = """\
You are one of the agents of a game. These are its rules:

{rules}

"""
TASK = """\
You are told what you see and what you may choose. Choose so that you are paid as much as possible over the whole game.
Answer with one JSON object and nothing else: {"action": NUMBER}"""
AGAIN = 'That cannot be played, because {problem}. You may choose {options}. Answer with {{"action": NUMBER}} alone.'
NOT_TOLD = ("What an agent sees",)  # sections of the rules that the text of a decision makes needless


class LanguageModel(Policy):
    """A model behind an OpenAI-compatible chat endpoint: the name is "llm:MODEL@URL", such as llm:qwen@http://host/v1.

    agent         MODEL@URL; the URL is that of the API, to which /chat/completions is added
    key           name of the environment variable that holds the key, if the endpoint wants one; the key is written
                  into no file and no message
    temperature   of its draws; seed: sent with each request; max_tokens: sent if given
    stream        whether to ask for a stream of words rather than a whole answer
    memory        how many of its own past decisions it is told of
    instructions  what it is told besides the rules
    timeout       seconds for an answer; retries: how often it is asked again where there is none, or none to be played
    at_once       requests under way at the same time, so that a step takes as long as the slowest of them
    calls         requests in a run, resumed ones included; after them `illegal` is played. None: no limit
    cache         folder of answers; the same request is then asked once. Where temperature is above 0, requests of
                  other worlds, agents and moments are others, so that answers stay independent draws
    transcript    file to which every question and answer is added, a line of JSON each
    illegal       what is played where there is no answer: "raise", "pass", "repeat" or "random"
    worlds        it sits in the first so many worlds only; None: in all

    ValueError in one sentence for wrong options; NoAnswer where it does not answer and illegal is "raise".
    """

    slow = True
    agent: str = ""
    key: str = "OPENAI_API_KEY"
    temperature: float = 0.0
    seed: int | None = None
    max_tokens: int | None = None
    stream: bool = False
    memory: int = 20
    instructions: str = ""
    timeout: float = 60.0
    retries: int = 3
    at_once: int = 8
    calls: int | None = None
    cache: str = ""
    transcript: str = ""
    illegal: str = "raise"  # type: ignore[misc]
    worlds: int | None = None  # type: ignore[misc]
    tags: ClassVar[dict[str, Any]] = {}

    def __post_init__(self) -> None:
        check_options(self)
        self._model, at, self._url = re.sub("@(?=https?://)", "\n", self.agent, count=1).partition("\n")
        if not self._model or not at:
            raise ValueError(f"a model and a URL were expected, as in llm:MODEL@http://host/v1; got {self.agent!r}")
        HttpLine(self._url)
        for name, least in (("memory", 0), ("at_once", 1), ("calls", 0), ("max_tokens", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is None and name in ("calls", "max_tokens", "seed"):
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"LanguageModel: {name} must be a whole number of at least {least}; got {value!r}")
        if not isinstance(self.temperature, int | float) or not 0 <= self.temperature < math.inf:
            raise ValueError(f"LanguageModel: temperature must be a number of at least 0; got {self.temperature!r}")

    @property
    def name(self) -> str:
        """Model and URL."""
        return f"llm:{self.agent}"

    def reset(self, player: Player) -> None:
        chat = Chat(self._url, self.key, self.timeout, self.retries, self.cache)
        player.store["talk"] = _Talk(chat, self._system(player.table.game), Rest())

    def act(self, view: View) -> np.ndarray:
        talk = view.store.get("talk")
        if talk is None:
            raise NoAnswer(f"{self.name} is asked after the run was closed")
        asked, began = self._questions(view), time.monotonic()
        if talk.rest:
            view.count("skipped", view.n)
        else:
            self._ask(asked, talk, view)
            if all(one.unanswered for one in asked):
                talk.rest.begin(time.monotonic() - began)
            else:
                talk.rest.end()
        lost = next((one for one in asked if one.action is None), None)
        if lost is not None and self.illegal == "raise":
            raise NoAnswer(f"{self.name} gave no action for {lost.who}: {lost.problem}")
        none, kind = (-1, np.int64) if view.box is None else (math.nan, np.float64)
        return np.array([none if one.action is None else one.action for one in asked], kind)

    def _ask(self, asked: list[_Question], talk: _Talk, view: View) -> None:
        """Ask about all rows, several at a time, and count what happened."""
        left = None if self.calls is None else max(self.calls - view.player.counts["calls"], 0)
        for k, one in enumerate(asked):  # a budget goes by the order of rows, not of threads
            one.own = Budget(None if left is None else int(k < left))
        shared = Budget(None if left is None else max(left - len(asked), 0))
        think_at_once(lambda one: self._settle(one, talk, shared), asked, self.at_once)
        for one in asked:
            for what, times in one.counts.items():
                view.count(what, times)

    def close(self, player: Player) -> None:
        talk = player.store.pop("talk", None)
        if talk is not None:
            talk.chat.close()

    def _system(self, game: Game | None) -> str:
        rules = "" if game is None else RULES.format(rules=_rules(game))
        return rules + TASK + (f"\n\n{self.instructions}" if self.instructions else "")

    def _questions(self, view: View) -> list[_Question]:
        table = view._table
        texts, past = view.text(), recount(view, self.memory)
        words = dict(enumerate(view.choices)) if view.box is None else {}
        found = []
        for k in range(view.n):
            world, agent = int(view.worlds[k]), int(view.agent[k])
            stage = table.stage_names[int(table.stage[world])]
            who = f"{table.agents[agent]} in world {world}, stage {stage!r}"
            at = {"world": world, "agent": table.agents[agent], "step": table.clock, "stage": stage}
            draw = [int(table.seed_of[world]), int(table.number_of[world]), agent, table.clock]
            user = f"{past[k]}\n\n{texts[k]}".strip()
            legal = np.flatnonzero(view.legal[k]).tolist()
            found.append(_Question(user, who, at, draw, words, legal, view.box, options(view, k)))
        return found

    def _settle(self, one: _Question, talk: _Talk, shared: Budget) -> None:
        """Ask until there is an action that can be played, or no retry is left."""
        messages = [{"role": "system", "content": talk.system}, {"role": "user", "content": one.user}]
        for attempt in range(self.retries + 1):
            began, text = time.monotonic(), None
            try:
                text = talk.chat.reply(self._body(messages), self._drawn(one), _Both(one.own, shared), one.counts)
                one.action, one.problem = read_answer(text, one.words, one.legal, one.box)
                one.unanswered = False
            except NoReply as wrong:
                one.problem = str(wrong)
                one.unanswered = wrong.what != "out_of_budget"
                one.counts["out_of_budget"] += not one.unanswered
            if self.transcript:
                said = {"answer": text, "action": one.action, "problem": one.problem or None}
                took = {"seconds": round(time.monotonic() - began, 3), "attempt": attempt}
                transcript.append(
                    self.transcript, {"model": self._model} | one.at | {"messages": messages} | said | took
                )
            if one.action is not None or text is None:
                return
            one.counts["rambled"] += 1
            again = AGAIN.format(problem=one.problem, options=one.options)
            messages = [*messages[:2], {"role": "assistant", "content": text}, {"role": "user", "content": again}]

    def _body(self, messages: list[dict[str, str]]) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self._model, "messages": messages, "temperature": self.temperature}
        body |= {name: value for name in ("seed", "max_tokens") if (value := getattr(self, name)) is not None}
        return body | ({"stream": True} if self.stream else {})

    def _drawn(self, one: _Question) -> Any:
        return one.draw if self.temperature > 0 else None


@dataclass
class _Talk:
    """A run's conversation: the endpoint, what the model is told first, and whether it is left alone."""

    chat: Chat
    system: str
    rest: Rest


class _Question:
    """One row's decision, and what came of asking."""

    def __init__(
        self,
        user: str,
        who: str,
        at: Mapping[str, Any],
        draw: list[int],
        words: Mapping[int, str],
        legal: list[int],
        box: tuple[float, float] | None,
        options: str,
    ):
        self.user, self.who, self.at, self.draw = user, who, dict(at), draw
        self.words, self.legal, self.box, self.options = words, legal, box, options
        self.action: float | None = None
        self.problem = "it is left alone for a while, since it did not answer"
        self.unanswered = False  # whether nobody was there
        self.own = Budget(None)
        self.counts: Counter[str] = Counter()


class _Both(Budget):
    """A call of one's own, then those that are left for all."""

    def __init__(self, own: Budget, shared: Budget):
        super().__init__(None)
        self._parts = own, shared

    def take(self) -> bool:
        return any(part.take() for part in self._parts)


def _rules(game: Game) -> str:
    """The game's description, without what the text of a decision tells anyway."""
    from ..describe import describe

    parts = re.split(r"\n(?=[^\n]+\n-{3,}\n)", describe(game))
    return "\n".join(part for part in parts if not part.startswith(NOT_TOLD)).strip()
