"""register_part: options, defaults and words come from the part and its table, and reach them."""

import dataclasses
import inspect
from typing import ClassVar

import pytest

import marl_sim as ms
from marl_sim.core import registry

NAME = "a_part_of_this_test"


class Bell(ms.GroupDilemma):
    """Whoever rings pays.

    loud    how loud it is
    price   what ringing costs

    Source  Quasimodo, "Bells" (1482)
    """

    loud: int = 2
    price: float = 1.0
    unlisted: ClassVar[tuple[str, ...]] = ("loud",)

    def stages(self, game):
        return [ms.Stage("ring", ("no", "yes"), then=())]


class Gong(Bell):
    """A bell of another kind.

    metal   what it is made of
    marks   what is written on it
    """

    metal: str = "bronze"
    marks: tuple[str, ...] = dataclasses.field(default_factory=tuple)
    price: float = 3.0


def in_a_tower(game, n_agents: int = 3, steps: int = 5):
    """High above.

    n_agents   ringers
    """
    return ms.Group(game, n_agents=n_agents, horizon=ms.Continuing(steps))


@pytest.fixture
def register():
    """register_part under a name that is free again afterwards."""
    yield lambda *given, **defaults: ms.register_part(NAME, *given, **defaults)
    registry._factories.pop(NAME, None)


def offered(build):
    return {one.name: one.default for one in inspect.signature(build).parameters.values()}


def test_options_are_the_parts_own_then_its_bases_then_the_tables(register):
    expected = {"metal": "bronze", "marks": (), "price": 3.0, "n_agents": 4, "rounds": 10, "encode": "one_hot"}
    assert list(offered(register(Gong)).items()) == list(expected.items())
    assert offered(register(Gong, "", in_a_tower)) == {
        "metal": "bronze",
        "marks": (),
        "price": 3.0,
        "n_agents": 3,
        "steps": 5,
    }
    assert list(offered(register(ms.StagHunt)))[-3:] == ["n_agents", "rounds", "encounters"]


def test_options_reach_the_part_and_the_table(register):
    register(Gong, "", in_a_tower, metal="brass", steps=7)
    assert ms.make(NAME) == ms.Group(Gong(metal="brass"), n_agents=3, horizon=ms.Continuing(7))
    made = ms.make(NAME, metal="tin", price=9, n_agents=2, steps=8)
    assert made == ms.Group(Gong(metal="tin", price=9), n_agents=2, horizon=ms.Continuing(8))


def test_an_unlisted_option_is_listed_where_it_has_a_default(register):
    register(Gong, loud=5)
    assert ms.make(NAME).dilemma == Gong(loud=5)
    assert ms.make(NAME, loud=6).dilemma == Gong(loud=6)


def test_the_description_has_the_words_of_the_part_its_base_and_its_table(register):
    register(Gong)
    assert inspect.getdoc(registry.factory(NAME)).startswith("A bell of another kind.\n\nmetal")
    register(Gong, "A gong is hit.\n\n    Not by all.\n    ", in_a_tower)
    said = " ".join(ms.describe(NAME).split())
    for words in ("A gong is hit. Not by all.", "metal 'bronze' what it is made of", "price 3 what ringing costs"):
        assert words in said
    assert "n_agents 3 ringers" in said
    register(Bell)
    assert "Quasimodo" in inspect.getdoc(registry.factory(NAME))


def test_wrong_defaults_and_clashes_are_refused(register, refused):
    refused(lambda: register(Gong, mettal="tin"), NAME, "'mettal'", "did you mean 'metal'")
    refused(lambda: register(Gong, "", lambda game, price=1: None), "Gong and its table", "'price'")
    refused(lambda: ms.register_part("stag_hunt", ms.StagHunt), "stag_hunt", "taken by marl_sim.games")
    register(Gong)
    refused(lambda: ms.make(NAME, prise=3), NAME, "'prise'", "did you mean 'price'")
    refused(lambda: ms.make(NAME, loud=3), NAME, "'loud'")
