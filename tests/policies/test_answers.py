"""What answers in words mean."""

import pytest

from marl_sim.policies.answers import read_answer

PD = {0: "cooperate", 1: "defect"}
PUNISH = {0: "let be", 1: "punish", 2: "do not punish"}
TRUST = {k: f"send {k}" for k in range(11)}


@pytest.mark.parametrize(
    "text, words, action",
    [
        ("1", PD, 1),
        (" 0.\n", PD, 0),
        ("Defect!", PD, 1),
        ('"cooperate"', PD, 0),
        ("**defect**", PD, 1),
        ('{"action": 1}', PD, 1),
        ('{"action": "1"}', PD, 1),
        ('{"Action": "Cooperate"}', PD, 0),
        ('```json\n{"action": 1}\n```', PD, 1),
        ('{"reasoning": "{tricky} cooperate", "answer": 1}', PD, 1),
        ('If I say {"action": 0} I lose, so {"action": 1}', PD, 1),
        ('{"plan": {"action": 1}}', PD, 1),
        ('{"action": [1]}', PD, 1),
        ("<think>I should defect: 1</think>0", PD, 0),
        ("Let me think. Cooperation is nice. The other defected twice and paid me 4.\nSo I choose 1.", PD, 1),
        ("I could cooperate or defect. I will defect.", PD, 1),
        ("I will defect. To cooperate or to defect was the question.", PD, 1),
        ("I will not cooperate.\nTherefore: defect", PD, 1),
        ("I cooperate rather than defect", PD, 0),
        ("My answer is 0, although defect pays 4 today.", {0: "cooperate", 1: "stay"}, 0),
        ("In round 1 the other did 0. I cooperate", PD, 0),
        ("Action: 0 (cooperate)", PD, 0),
        ("Final answer: action 1", PD, 1),
        ("I do not punish", PUNISH, 2),
        ("punish", PUNISH, 1),
        ("I send 10 of 10", TRUST, 10),
        ("I send 1 of 10", TRUST, 1),
        ("I'd send 3. Not send 4.", TRUST, 3),
        # not an answer
        ("", PD, None),
        ("   ", PD, None),
        ("Hm.", PD, None),
        ("cooperate or defect?", PD, None),
        ("0 or 1", PD, None),
        ("action 1 (cooperate)", PD, None),
        ("I will not defect.", PD, None),
        ("The other defects, which pays 1.", PD, None),
        ("cooperative", PD, None),
        ("0.5", PD, None),
        ('{"action": true}', PD, None),
        ('{"action": null}', PD, None),
        ('{"action": [0, 1]}', PD, None),
        ('{"action": ' * 3000, PD, None),
        ("9" * 5000, PD, None),
        ("same", {0: "same", 1: "same"}, None),
        ("send 10.5", TRUST, None),
    ],
)
def test_what_is_meant(text, words, action):
    found, problem = read_answer(text, words, range(len(words)))
    assert found == action
    assert bool(problem) == (action is None)


@pytest.mark.parametrize("text", ["2", "punish", '{"action": 1}', "I choose 7"])
def test_what_is_not_open_now_is_said(text):
    found, problem = read_answer(text, {0: "let be", 1: "punish"}, [0])
    assert found is None and problem.endswith("is not open now")


@pytest.mark.parametrize(
    "text, number",
    [("2.5", 2.5), ('{"action": 3}', 3.0), ("I take 1.25 of it.", 1.25), ("Of 9 fish I choose 4", 4.0), ("-0", 0.0)],
)
def test_numbers_of_a_range(text, number):
    assert read_answer(text, {}, [], (0.0, 5.0)) == (number, "")


@pytest.mark.parametrize(
    "text, problem", [("6", "6 is not from 0 to 5"), ("1 or 2", "it names"), ("nothing", "it names")]
)
def test_numbers_beyond_it(text, problem):
    found, said = read_answer(text, {0: "take"}, [0], (0.0, 5.0))
    assert found is None and said.startswith(problem)
