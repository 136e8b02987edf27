"""What learners of streams are told by the loop: what was seen and done, by whom, and what everybody saw and did."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.training.rollout import Trainer

SMALL = dict(hidden=(5,), steps=6, lr=0.01)
LEARNERS = {
    "A2C": (ms.A2C(**SMALL), False),
    "A2C shared": (ms.A2C(memory=3, **SMALL), True),
    "MAPPO": (ms.MAPPO(epochs=2, minibatches=2, **SMALL), False),
    "MAPPO separate": (ms.MAPPO(epochs=2, minibatches=2, nets="separate", **SMALL), False),
    "MAA2C separate": (ms.MAA2C(nets="separate", memory=3, **SMALL), False),
    "COMA": (ms.COMA(memory=3, **SMALL), False),
}
every = pytest.mark.parametrize("name", LEARNERS)


def society():
    return ms.Society(
        ms.PrisonersDilemma(), ms.PartnerSelection(), ms.Reputation(), n_agents=3, horizon=ms.Continuing(4)
    )


def trainer(name, num_envs=2, heads="per stage", steps=None, **more):
    learner, shared = LEARNERS[name]
    if steps is not None:
        learner = type(learner)(**{**{k: v for k, v in vars(learner).items() if k != "overrides"}, "steps": steps})
    if learner.central:
        more.setdefault("team_reward", "mean")
    common = dict(seeds=(3, 7), episodes=12, block=4)
    return Trainer(society(), learner, num_envs=num_envs, heads=heads, shared=shared, **{**common, **more})


@every
@pytest.mark.parametrize("num_envs", [1, 3])
@pytest.mark.parametrize("heads", ["one", "per stage"])
def test_streams_hold_what_was_seen_and_done_at_the_decision(name, num_envs, heads):
    """Not what the worlds' arrays hold after the step; and the central state and the others' actions of that moment."""
    one = trainer(name, num_envs, heads, steps=1000)
    told = {head.label: {} for head in one.heads}
    moments = {head.label: np.zeros(2 * num_envs, int) for head in one.heads}  # when somebody decided, of each world
    for _ in range(15):
        worlds, before = one.worlds, one.worlds.obs.copy()
        legal, turns = worlds.legal.copy(), [head.turn().copy() for head in one.heads]
        decide = one._decide
        kept = {}

        def watched(*args, decide=decide, kept=kept):
            kept["actions"], extra = decide(*args)
            return kept["actions"], extra

        one._decide = watched
        one.advance()
        one._decide = decide
        for head, turn in zip(one.heads, turns):
            moments[head.label] += turn.any(1)
            for world, agent in zip(*np.nonzero(turn)):
                others = np.delete(kept["actions"][world], agent)
                seen = before[world, :, head.columns]
                told[head.label].setdefault((world, agent), []).append(
                    (seen[agent], legal[world, agent, : head.n_actions], kept["actions"][world, agent],
                     np.concatenate([seen.ravel(), others]))
                )  # fmt: skip
    for head in one.heads:
        for (world, agent), entries in told[head.label].items():
            seed, place = divmod(world, num_envs)
            lane, r = (seed, place * 3 + agent) if head.group.together else (seed * 3 + agent, place)
            s = head.lanes.streams
            assert s.count[lane, r] == len(entries)
            for t, (obs, may, action, extra) in enumerate(entries):
                assert np.array_equal(s.obs[lane, r, t], obs)
                assert np.array_equal(s.legal[lane, r, t], may)
                assert s.action[lane, r, t, 0] == action
                assert np.array_equal(s.beside(lane, r, t), extra[: s.beside(lane, r, t).size])
            width = head.spec.state_dim + head.spec.others
            assert s.beside(lane, r, 0).size == width
            if head.learner.central:
                assert s.states.count.ravel().tolist() == moments[head.label].tolist()
                assert width == 3 * head.spec.obs_dim + (2 if head.learner.watches else 0)


@pytest.mark.parametrize("nets", ["shared", "separate"])
def test_a_team_sees_its_own_members_in_the_order_of_their_seats(nets):
    """Two teams in one society."""
    teams = {"agent_0": ms.MAA2C(nets=nets, **SMALL), "agent_1..2": ms.MAPPO(nets=nets, **SMALL)}
    one = Trainer(society(), seating=teams, seeds=2, num_envs=3, episodes=9, heads="one", team_reward="mean")
    for _ in range(4):
        before, turns = one.worlds.obs.copy(), [head.turn().any(1).reshape(2, 3) for head in one.heads]
        one.advance()
    assert (before != before[:, ::-1]).any()
    for head, members, asked in zip(one.heads, ([0], [1, 2]), turns, strict=True):
        states = head.lanes.streams.states
        newest = np.take_along_axis(states.rows, states.count[..., None, None] - 1, 2)[:, :, 0]
        assert asked.any()
        assert np.array_equal(newest[asked], before[:, members].reshape(2, 3, -1)[asked])


def test_nets_say_how_many_lanes_there_are():
    shared, separate = trainer("MAPPO").heads[0], trainer("MAPPO separate").heads[0]
    assert shared.group.together and shared.lanes.n_lanes == 2 and shared.spec.team == 3
    assert not separate.group.together and separate.lanes.n_lanes == 6 and separate.spec.team == 1
    assert shared.spec.state_dim == separate.spec.state_dim == 3 * shared.spec.obs_dim
    assert shared.lanes.owners[0].count(" and ") == 2
    assert "agent_1 of seed 3" in separate.lanes.owners[1]


@every
def test_a_seed_is_the_same_alone_and_in_company_and_resumed(name):
    def rows(one):
        return [row for rows in one.run() for row in rows]

    whole = trainer(name)
    uncut = rows(whole)
    assert whole.updates > 0
    assert [row for row in uncut if row["seed"] == 7] == rows(trainer(name, seeds=(7,)))
    first, second = trainer(name), trainer(name)
    told = []
    for _ in range(9):  # into the middle of an episode, and of a rollout
        told += first.advance()
    second.load_state_dict(first.state_dict())
    assert told + rows(second) == uncut
    for key, array in whole.state_dict().items():
        np.testing.assert_array_equal(array, second.state_dict()[key], err_msg=key)


@every
def test_playing_greedily_in_the_training_worlds_teaches_nothing(name):
    one = trainer(name)
    for _ in range(7):
        one.advance()
    before = {head.label: head.lanes.state_dict() for head in one.heads}
    for _ in range(9):
        one.advance(greedy=True)
    for head in one.heads:
        for key, array in head.lanes.state_dict().items():
            if key != "greedy_ties":
                np.testing.assert_array_equal(array, before[head.label][key], err_msg=key)
    if LEARNERS[name][0].memory:
        assert all(memory.any() for memory in one._watching)


def test_a_team_that_is_paid_apart_is_told_so():
    with pytest.raises(ValueError, match=r"COMA .* team_reward must be 'sum' or 'mean'"):
        trainer("COMA", team_reward="own")
    with pytest.raises(ValueError, match=r"MAPPO trains a group that is paid alike, but .*'sum', 'mean' or 'own'"):
        list(trainer("MAPPO separate", team_reward=None).run())


def test_coma_needs_whole_number_decisions():
    from marl_sim.learners import HeadSpec

    spec = HeadSpec("play", 1, 1, team=2, others=1, state_dim=2, box=((0.0,), (1.0,)))
    with pytest.raises(ValueError, match="COMA chooses among whole numbers"):
        ms.COMA().build(spec, np.zeros(1, int), np.zeros(1, int))
    with pytest.raises(ValueError, match="COMA needs to be told what the whole group sees and does; head 'play' has"):
        ms.COMA().build(HeadSpec("play", 1, 2, team=2), np.zeros(1, int), np.zeros(1, int))


@pytest.mark.parametrize("learner", [ms.REINFORCE(memory=3, **SMALL), ms.A2C(memory=3, **SMALL)])
def test_memory_ends_in_evaluation_where_it_ends_in_training(learner):
    """Where a society lives on, an episode of REINFORCE ends with the clock, of learners that bootstrap it does not."""
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Continuing(3))
    trainer = ms.Trainer(game, learner, seeds=2, num_envs=2, episodes=100)
    assert trainer.worlds.lives_on
    (head,) = trainer.heads
    memory = head.fresh_memory()
    for step in range(1, 10):
        moment = trainer.worlds.step
        seen = []
        trainer.worlds.step = lambda actions, go=moment, seen=seen: seen.append(go(actions)) or seen[-1]
        trainer.advance()
        trainer.worlds.step = moment
        memory[...] = 1
        head.forget(memory, seen[0])
        kept = head.lanes.memory.any(-1)
        assert (kept == (memory > 0).all(-1)).all()
        assert kept.all() == (isinstance(learner, ms.A2C) or step % 3 > 0)
