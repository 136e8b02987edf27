"""What an assistant learns to reply, beside what it had best reply."""

import pytest

import marl_sim as ms


def test_a_small_run_prints_theory_beside_what_was_learned(run):
    printed, rows, figures = run("assistant_game", "--seeds", "2", "--episodes", "20", "--grid", "2")
    assert figures == {"rules.png", "map.png"}
    assert len(set(rows.condition)) == 4 + 4
    last = rows[rows.episode == 20]
    assert last.right.between(0, 1).all()
    assert "greedy user payoff, theory" in printed
    assert "of the replies learned in 4 cells by 2 assistants" in printed


def test_each_rule_has_its_own_best_reply(scenario):
    """To who seems vague with 80 per cent, from the table by hand: 0.2 x the clear row + 0.8 x the vague row."""
    module = scenario("assistant_game")
    clear, vague = module.TABLE
    worth = {
        "mutual": lambda own, user: (own * user) ** 0.5,
        "linear": lambda own, user: (own + user) / 2,
        "user": lambda own, user: user,
        "assistant": lambda own, user: own,
    }
    best = {}
    for rule, of in worth.items():
        values = [0.2 * of(*a) + 0.8 * of(*b) for a, b in zip(clear, vague, strict=True)]
        assert sorted(values)[-1] - sorted(values)[-2] > 0.03, rule
        best[rule] = module.REPLIES[values.index(max(values))]
        oracle = ms.theory.assistant_oracle(module.game(module.Options(), welfare=rule))
        assert oracle.vague.best == (best[rule],)
    assert best == {"mutual": "both", "linear": "answer", "user": "ask", "assistant": "answer"}


@pytest.mark.slow
def test_learned_replies_are_best_away_from_ties(scenario):
    """In every seed and cell where the best reply leads by more than 6 standard errors of what it must tell apart."""
    module = scenario("assistant_game")
    options = module.Options(grid=6)
    checked = 0
    for share, accuracy in module.cells(options):
        game = module.game(options, vague=share, accuracy=accuracy)
        trainer = ms.Trainer(game, module.LEARNER, seeds=3, episodes=60, num_envs=32, block=60)
        for _ in trainer.run():
            pass
        oracle = ms.theory.assistant_oracle(game)
        for state, one in enumerate((oracle.clear, oracle.vague)):
            ranked = sorted(one.worth.values())
            tries = 60 * 32 * 50 * one.chance / 3
            apart = [abs(a - b) for a, b in zip(*game.dilemma.worths, strict=True)]  # of a reply to the two types
            variance = one.vague * (1 - one.vague) * 2 * max(apart) ** 2
            if ranked[-1] - ranked[-2] < 6 * (variance / tries) ** 0.5:
                continue
            checked += 1
            for table in trainer.heads[0].lanes.table:
                assert module.REPLIES[table[state].argmax()] in one.best, (share, accuracy, state)
    assert checked > 36  # most of 72


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (dict(parts=("rule",)), "parts may list rules, map; got 'rule'"),
        (dict(parts=()), "parts must list at least one of rules, map; got none"),
        (dict(grid=0), "grid must be a whole number of at least 1; got 0"),
        (dict(vague=1.5), "vague must be from 0 to 1; got 1.5"),
        (dict(accuracy=-0.1), "accuracy must be from 0 to 1; got -0.1"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(scenario, tmp_path, options, says):
    module = scenario("assistant_game")
    with pytest.raises(ValueError, match=says):
        module.main(module.Options(out=tmp_path, quiet=True, **options))
