"""What an agent sees is told in the same words to whoever looks at it, sits in its seat, or is a language model."""

import numpy as np
import pytest
from drawn_moments import moment

import marl_sim as ms
from marl_sim.core.fields import Field
from marl_sim.policies import Seats
from marl_sim.viewer.canvas import Canvas
from marl_sim.viewer.inspector import inspector
from marl_sim.viewer.seat import from_inside


class Listener(ms.Policy):
    """Keeps what it is told, and takes the first action that is open to it."""

    def act(self, view):
        self.heard = view.text()
        return np.zeros(view.n) if view.box else view.legal.argmax(1)


def words_of(draw, show, *more):
    """All words of a page, one after another."""
    canvas = Canvas((1400, 1600), audit=True)
    draw(canvas, canvas.rect, show.scene(), 0, *more)
    return [one.name for one in canvas.drawn if one.kind == "text"]


def heard_at(simulator):
    """What a language model in the first seat would be told now."""
    listener = Listener()
    seats = Seats(simulator, {0: listener})
    seats.choose(np.zeros(simulator.acting.shape, int if simulator.game.box is None else float))
    return listener.heard[0]


@pytest.mark.parametrize("name", ["direct_punishment", "society", "battle_of_the_sexes", "trust", "public_goods"])
def test_inspector_seat_and_language_model_are_told_the_same(name):
    compared = 0
    for steps in (0, 1, 2, 3, 5, 8):
        show = moment(name, steps, seed=3)
        scene = show.scene()
        if not scene.acting.any() or not scene.acting[0]:
            continue
        sight = heard_at(show.timeline.simulator)
        inspected, inside = words_of(inspector, show, None), words_of(from_inside, show)
        for slot, value in scene.sees(0):
            told = slot.told(value)
            assert f"- {slot.words or slot.name}: {told}" in sight.split("\n")
            for page in (inspected, inside):
                assert any(word == told or (word.endswith("…") and told.startswith(word[:-1])) for word in page), told
            compared += 1
    assert compared >= 2


def test_codes_are_told_as_words():
    show = moment("prisoners_dilemma", 0)
    assert words_of(from_inside, show).count("nothing yet") == 2
    show.timeline.play(np.array([0, 1]))
    assert {"defect", "cooperate"} <= set(words_of(from_inside, show))
    told = {slot.name: slot.told(value) for slot, value in show.scene().sees(0)}
    assert told == {"target_actions": "defect", "own_actions": "cooperate"}
    room = moment(ms.make("escape_room", n_agents=3), 0).scene()
    assert {slot.name: slot.told(value) for slot, value in room.sees(1)}["others"] == "start, start"


def test_words_never_change_the_numbers():
    """A field's words are as many as its levels; the flat layout is that of levels alone."""
    for name in ms.registered():
        game = ms.make(name)
        for kind, fields in game.fields.items():
            for _, field in fields:
                if field.values:
                    assert len(field.values) == field.levels == game.field_levels[f"{kind}:{field.name}"]
    reader = ms.PrisonersDilemma().fields(ms.make("prisoners_dilemma"))["play"][0].rule
    bare, named = Field("seen", 2, reader, 3), Field("seen", 2, reader, values=("a", "b", "c"))
    assert named.levels == 3
    for encode in ("one_hot", "index"):
        assert (bare.width(encode), bare.range(encode)) == (named.width(encode), named.range(encode))
    with pytest.raises(ValueError, match="field 'seen' has 4 levels and words for 3"):
        Field("seen", 2, reader, 4, values=("a", "b", "c"))
