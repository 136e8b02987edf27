"""What somebody means who answers in words: the action, or what is wrong with the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

KEYS = ("action", "answer", "choice", "decision", "move")
MOST_OBJECTS = 50  # braces that are looked at, from the end
LONGEST = 20_000  # characters that are looked at, from the end

NUMBER = r"-?\d+(?:\.\d+)?"
END = r"(?!\w|[.,]\d)"  # not in the middle of a word or a number
MARKED = re.compile(
    r"\b(?:answer|action|choice|choose|decision|decide|option|pick|select|number|play|move)\b"
    rf"\W{{0,4}}(?:(?:is|be|on|for|number|action|option)\b\W{{0,4}}){{0,3}}({NUMBER}){END}"
    r"(?!\s*(?:,|/|-|or\b|and\b|to\b)\s*\d)",  # not the first of several
    re.IGNORECASE,
)
AGAINST = re.compile(  # what stands before something that is not meant
    r"(?:\bnot|n't|\bnever|\bneither|\bnor|\binstead of|\brather than|\bthan|\bover|\bavoid(?:ing)?|\bwithout|\bno)\s+"
    r"(?:(?:to|going|choose|choosing|play|playing|pick|picking|option|action|be|want)\s+)*$",
    re.IGNORECASE,
)
SENTENCES = re.compile(r"(?<=[.!?;])\s+|\n+")


def read_answer(
    text: str, words: Mapping[int, str], legal: Collection[int], box: tuple[float, float] | None = None
) -> tuple[float | None, str]:
    """The action that a text names, or None and what is wrong, as it goes on after "because".

    words   the actions by number; legal: those that are open now
    box     the range of the decision, where it is a number

    What counts, in this order: the whole text, where it is nothing but a number or a word; the last JSON object with an
    action in it; the last sentence that names one action and no other ("not X", "rather than X" name none).
    """
    text = re.sub(r"<think>.*?(?:</think>|$)", " ", text[-LONGEST:], flags=re.DOTALL)
    text = re.sub(r"[*`\"“”]", "", text) if "{" not in text else text
    read = _Reader(words, box)
    found = read.alone(text)
    if found is None:
        found = read.objects(text)
    if found is None:
        found = read.sentences(text)
    if found is None:
        return None, "it names no action, or several"
    if box is not None:
        low, high = box
        return (found, "") if low <= found <= high else (None, f"{found:g} is not from {low:g} to {high:g}")
    if found not in legal:
        return None, f"{found:g} is not open now"
    return int(found), ""


class _Reader:
    def __init__(self, words: Mapping[int, str], box: tuple[float, float] | None):
        self.box = box
        self.words = {} if box is not None else {a: word.lower() for a, word in words.items() if word}
        longest_first = sorted(self.words.values(), key=len, reverse=True)
        named = "|".join(re.escape(word) for word in longest_first)
        self._named = re.compile(rf"(?<!\w)(?:{named}){END}", re.IGNORECASE) if named else None

    def alone(self, text: str) -> float | None:
        """Nothing but a number or a word."""
        bare = text.strip().strip(".!,;:()[]'").strip()
        if re.fullmatch(NUMBER, bare):
            return self._number(bare)
        return self._word(bare)

    def objects(self, text: str) -> float | None:
        """The last JSON object in which an action stands."""
        starts = [brace.start() for brace in re.finditer(r"\{", text)][-MOST_OBJECTS:]
        for start in reversed(starts):
            try:
                made, _ = json.JSONDecoder().raw_decode(text, start)
            except (ValueError, RecursionError):
                continue
            plain = {str(key).lower(): value for key, value in made.items()}
            found = next((self._value(plain[key]) for key in KEYS if key in plain), None)
            if found is not None:
                return found
        return None

    def _value(self, value: Any) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        return self.alone(value) if isinstance(value, str) else self._number(str(value))

    def sentences(self, text: str) -> float | None:
        """From the last sentence back, the first that names one action."""
        for sentence in reversed(SENTENCES.split(text)):
            named = self._mentions(re.sub(r"[*`\"“”]", "", sentence))
            if len(named) == 1:
                return named.pop()
        return None

    def _mentions(self, sentence: str) -> set[float]:
        bare = self.alone(sentence)
        if bare is not None:
            return {bare}
        found = {self._number(match[1]) for match in MARKED.finditer(sentence) if self._meant(sentence, match.start())}
        if self.box is not None and not found:
            found = {self._number(match[0]) for match in re.finditer(rf"(?<![\w.]){NUMBER}{END}", sentence)}
        for match in self._named.finditer(sentence) if self._named else ():
            if self._meant(sentence, match.start()):
                found.add(self._word(match[0]))
        return {one for one in found if one is not None}

    @staticmethod
    def _meant(sentence: str, start: int) -> bool:
        return not AGAINST.search(sentence[:start])

    def _word(self, word: str) -> float | None:
        """The action of a word, where it is that of one action only."""
        found = [action for action, known in self.words.items() if known == word.lower()]
        return found[0] if len(found) == 1 else None

    def _number(self, number: str) -> float | None:
        try:
            value = float(number)
        except (ValueError, OverflowError):
            return None
        if abs(value) > 1e15:
            return None
        return value if self.box is not None or value == int(value) else None
