"""The conformance kit: a sound environment passes, each defect is found by the law that it breaks."""

from functools import partial

import defective
import pytest
from defective import DEFECTS, FailsAtStepFour, Sound
from pettingzoo.test import parallel_seed_test
from tiny_pettingzoo import Turns

import marl_sim as ms
from marl_sim.testing import NotFit, check
from marl_sim.testing.laws import LAWS

ELSEWHERE = "the same seed is the same game in another process"


def test_a_sound_environment_keeps_every_law():
    report = check(Sound)
    assert report.fit
    assert [finding.law for finding in report.findings] == list(LAWS)
    assert {finding.verdict for finding in report.findings} == {"kept"}


def test_an_environment_in_turns_keeps_every_law_that_concerns_it():
    report = check(Turns, steps=60)
    assert {f.law for f in report.findings if f.verdict == "no case"} == {"masks are honest"}


@pytest.mark.parametrize("face", [ms.parallel_env, ms.aec_env])
@pytest.mark.parametrize("game", ["prisoners_dilemma", "direct_punishment", "mac_spgg"])
def test_our_own_environments_keep_every_law(game, face):
    report = check(partial(face, game), steps=40, seeds=(0,), laws=[law for law in LAWS if law != ELSEWHERE])
    assert report.fit


def test_an_environment_that_is_made_is_copied():
    assert check(Sound(), steps=30).fit


@pytest.mark.parametrize("cls", DEFECTS, ids=lambda cls: cls.__name__)
def test_each_defect_is_found_by_its_law(cls):
    law = DEFECTS[cls]
    report = check(cls, steps=40, raises=False, laws=[one for one in LAWS if one == law or one != ELSEWHERE])
    assert law in {finding.law for finding in report.broken}, str(report)


def test_pettingzoos_own_seed_test_does_not_see_what_turns_random_at_the_second_step():
    parallel_seed_test(defective.RandomAtStepTwo)
    with pytest.raises(NotFit, match=r"step 2 .* the observation of anna differs"):
        check(defective.RandomAtStepTwo, steps=20)


def test_what_cannot_be_played_is_said_once():
    report = check(FailsAtStepFour, steps=20, raises=False)
    assert {f.law for f in report.broken} <= {"it can be played", "pettingzoo accepts it", "masks are honest"}
    assert "KeyError" in report.broken[0].said


def test_the_command(cli_or_main, capsys):
    assert cli_or_main(["check", "prisoners_dilemma", "--steps", "20", "--seeds", "1"]) == 0
    assert "0 broken" in capsys.readouterr().out
    assert cli_or_main(["check", "defective:RandomAtStepTwo", "--steps", "20", "--law", "a reset forgets"]) == 1
    assert "broken   a reset forgets" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "defective:Sund"], "did you mean 'Sound'"),
        (["check", "no_such_module:X"], "no module no_such_module is installed"),
        (["check", "prisoners_dilemma", "--law", "a reset forget"], "did you mean 'a reset forgets'"),
        (["check", "prisoners_dilemma", "--steps", "0"], "steps must be a whole number of at least 1"),
        (["check", "prisoners_dilemma", "--set", "n_agentz=3"], "did you mean 'n_agents'"),
    ],
)
def test_wrong_words_are_answered_in_one_sentence(cli_or_main, capsys, words, said):
    assert cli_or_main(words) == 2
    answer = capsys.readouterr().err
    assert said in answer
    assert answer.count("\n") == 1


@pytest.fixture
def cli_or_main():
    """The command line, in this process."""
    from marl_sim.cli import main

    return main
