"""Populations share a seat, results are kept by seed, past selves are what the learner was."""

import numpy as np
import pytest
from always import Always

import marl_sim as ms
from marl_sim.training.population import Standing


def game(rounds=5, n_agents=2):
    return ms.Society(ms.PrisonersDilemma(), n_agents=n_agents, horizon=ms.Fixed(rounds), encode="index")


def trainer(player, seeds=2, episodes=12, learner=None, **more):
    seating = {"agent_0": learner or ms.TabularQ(alpha=0.3, gamma=0.5, epsilon=0.2), "agent_1": player}
    return ms.Trainer(game(), seating=seating, seeds=seeds, episodes=episodes, num_envs=3, block=2, **more)


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def finished(made):
    for _ in made.run():
        pass
    return made


def test_a_member_sits_for_a_whole_episode_and_all_get_their_turn():
    seen = []

    class Noted(Always):
        def act(self, view):
            seen.extend((int(w), self.action, int(t)) for w, t in zip(view.worlds, view.turn))
            return super().act(view)

    finished(trainer(ms.Population((Noted(0), Noted(1)))))
    by_world = {}
    for world, action, turn in seen:
        by_world.setdefault(world, []).append((turn, action))
    counted = np.zeros(2, int)
    for turns in by_world.values():
        episodes = [turns[k : k + 5] for k in range(0, len(turns), 5)]
        for one in episodes:
            assert len({action for _, action in one}) == 1
            assert [turn for turn, _ in one] == list(range(5))  # each remembers its own games alone
            counted[one[0][1]] += 1
    assert counted.sum() == 72  # seeds x worlds x episodes
    assert 18 < counted[0] < 54  # 5 standard deviations around a half


def test_a_rule_sees_what_members_and_others_earned_and_decides_who_sits():
    standings = []

    def the_meanest(standing: Standing):
        standings.append(standing)
        return (
            (standing.games == 0).astype(float) if (standing.games == 0).any() else (standing.others < 10).astype(float)
        )

    made = finished(trainer(ms.Population((Always(0), Always(1)), rule=the_meanest), episodes=40, seeds=1))
    last = standings[-1]
    assert last.names == ("Always", "Always(action=1)")
    assert last.games[1] > 20 * last.games[0] / 3
    assert last.others[1] < 1 * 5 + 1e-9  # against a defector nobody earns more than 1 a round
    assert last.reward[1] >= 5
    assert made.evaluate(6)


def test_seeds_do_not_meet_in_a_population():
    def play(seeds):
        members = ms.Population(("Random", Always(1)), rule=lambda s: 1 + np.nan_to_num(s.reward))
        return finished(trainer(members, seeds=seeds))

    alone, both = play((1,)), play((0, 1))
    for name, array in alone.heads[0].lanes.learned().items():
        np.testing.assert_array_equal(array, both.heads[0].lanes.learned()[name][1:], err_msg=name)


def test_past_selves_are_what_the_learner_was():
    made = trainer(ms.SelfPlay(of="agent_0", every=4, keep=2, greedy=True), seeds=3)
    tables = {0: made.heads[0].lanes.learned()}
    for _ in made.run():
        tables[made.episode] = made.heads[0].lanes.learned()
    assert list(made.pasts[0]) == [8, 12]
    for episode, learned in made.pasts[0].items():
        for name, array in tables[episode].items():
            np.testing.assert_array_equal(learned[f"play/{name}"], array)
    names = made.seats.players[0].children.names
    assert list(names.values()) == ["agent_0 of episode 8", "agent_0 of episode 12"]
    assert list(names) == [2, 3]


def test_a_past_self_plays_as_it_learned():
    """Taught to defect, its copy defects; the copy of the beginning has not learned anything yet."""
    learner = ms.TabularQ(alpha=0.3, gamma=0.0, epsilon=0.2)
    made = finished(trainer(ms.SelfPlay(of=0, every=60, keep=1, greedy=True), episodes=120, seeds=4, learner=learner))
    assert list(made.pasts[0]) == [120]
    for row in made.evaluate(10):
        assert row["cooperation_0"] < 0.05
        assert row["cooperation_1"] < 0.05


@pytest.mark.parametrize(
    "learner", [ms.PPO(hidden=(8,), steps=16), ms.DQN(hidden=(8,)), ms.PPO(hidden=(8,), steps=16, memory=4)]
)
def test_a_run_with_past_selves_goes_on_bit_for_bit(learner):
    def make():
        return trainer(ms.SelfPlay(of=0, every=2, keep=2, members=("Random",)), learner=learner)

    whole = finished(make())
    half = make()
    run = half.run()
    for _ in range(4):
        next(run)
    saved = half.state_dict()
    rest = make()
    rest.load_state_dict(saved)
    same(whole.state_dict(), finished(rest).state_dict())


def test_past_selves_in_several_seats():
    seating = {"agent_0": ms.DQN(hidden=(8,)), "agent_1..3": ms.SelfPlay(of=0, every=2)}
    made = ms.Trainer(game(n_agents=4), seating=seating, seeds=2, episodes=6, num_envs=2, block=1)
    finished(made)
    assert made.seats.report()[0]["decisions"] == 3 * 5 * 6 * 2 * 2


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ms.Population(()), "at least one member"),
        (lambda: ms.Population(("Randm",)), "did you mean 'Random'"),
        (lambda: ms.Population(("Random",), rule=3), "rule must be a function"),
        (lambda: ms.SelfPlay(every=0), "every must be"),
        (lambda: trainer(ms.SelfPlay(of=1)), "of must be an agent that learns; got 1"),
        (lambda: trainer(ms.SelfPlay(of="agent_7")), "got 'agent_7'"),
        (lambda: finished(trainer(ms.Population(("Random",), rule=lambda s: [0.0]))), "weight of 0 or more, not all 0"),
        (
            lambda: ms.Trainer(
                game(n_agents=3), seating={"agent_0..1": ms.MAPPO(), "agent_2": ms.SelfPlay()}, team_reward="sum"
            ),
            "drives a team",
        ),
    ],
)
def test_wrong_populations_are_refused_in_one_sentence(make, said):
    with pytest.raises(ValueError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
