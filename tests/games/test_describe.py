"""describe says everything that the game object knows, in its docstrings' own words."""

import inspect

import pytest

import marl_sim as ms
from marl_sim.core.docstrings import Docstring
from marl_sim.core.registry import factory
from marl_sim.describe import parts, references, shown


@pytest.mark.parametrize("name", ms.registered())
def test_games_are_described_whole(name):
    game, text = ms.make(name), ms.describe(name)
    assert text.startswith(name)
    for stage in game.stages:
        assert f". {stage.name} (" in text
        assert all(word in " ".join(text.split()) for word in stage.choices)
    for slot in game.layout.slots:
        assert slot.name in text
        assert not slot.kind or slot.words, f"{slot.kind} {slot.name} says nothing"
    for component in game.components:
        assert f"\n{component} " in text
    rows = text.partition("\nOptions\n")[2].splitlines()
    for option, known in inspect.signature(factory(name)).parameters.items():
        row = next(row for row in rows if row.startswith(f"{option} "))
        assert row.removeprefix(option).strip().removeprefix(shown(known.default)).strip(), f"{option} has no meaning"
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.__name__)
def test_parts_are_described_option_by_option(part):
    text = ms.describe(part.__name__)
    assert text.startswith(f"{part.__name__}, a ")
    assert Docstring.of(part).summary.split()[0] in text


def test_payoffs_and_options_are_those_of_the_object():
    text = ms.describe(ms.Society(ms.DonationGame(benefit=7), ms.Punishment(fine=1.25), n_agents=3))
    assert "-1, 7" in text
    assert "Here fine=1.25." in text
    assert "benefit              7" in text
    assert "0 moves" in ms.describe("centipede", form="exponential", iterations=2)
    assert "the game ends after" in ms.describe(ms.Centipede())


def test_the_name_can_be_called_however_it_was_imported():
    import marl_sim.describe

    assert marl_sim.describe("stag_hunt") == marl_sim.describe.describe("stag_hunt") == ms.describe("stag_hunt")


def test_references_are_listed_once():
    text = ms.describe("direct_punishment")
    assert text.count("Dasgupta & Musolesi, ") == 1
    assert "arXiv 2301.08278" in text
    short = Docstring(
        "Known (Smith & Wesson 1990).", (), {"Source": 'Smith & Wesson, "A title" (1990); Other, "B" (2001)'}
    )
    assert references([short]) == '- Smith & Wesson, "A title" (1990)\n- Other, "B" (2001)'


def test_docstrings_are_read_as_paragraphs_and_entries():
    def one():
        """Summary that
        goes on.

        first, second   what both
                        are
        third   another

        A paragraph.
        """

    doc = Docstring.of(one)
    assert doc.summary == "Summary that goes on."
    assert doc.paragraphs == ("A paragraph.",)
    assert doc.entries == {"first": "what both are", "second": "what both are", "third": "another"}


def test_unknown_names_are_refused(refused):
    refused(lambda: ms.describe("punishmnt"), "'punishmnt'", "did you mean")
