"""One seat as a Gymnasium environment: every decision once, every payment once, whoever learns in the other seats."""

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, VectorEnv
from the_pot import pot

import marl_sim as ms
from marl_sim.learners import A2C, DQN, DRQN, PPO, QMIX, TabularQ
from marl_sim.training.rollout import Trainer

SMALL = dict(steps=8, hidden=(8,), lr=0.01)
CHECKED = ("prisoners_dilemma", "direct_punishment", "trust", "public_goods", "off_switch")


def by_what_it_sees(obs, legal):
    """Some legal action that depends on everything that is seen, and on nothing else: [..., D], [..., A] -> [...]."""
    mixed = (np.abs(obs) * (1 + np.arange(obs.shape[-1]) % 7)).sum(-1).round(3) * 1000
    pick = mixed.astype(np.int64) % legal.sum(-1)
    return (legal.cumsum(-1) > pick[..., None]).argmax(-1)


class BySight(ms.Policy):
    recalls = False

    def act(self, view):
        return by_what_it_sees(view.obs, view.legal)


class Always(ms.Policy):
    action: int = 1

    def act(self, view):
        return np.where(view.legal[:, self.action], self.action, 0)


def pairs(rounds=4, n_agents=2, horizon=ms.Fixed):
    return ms.Society(ms.PrisonersDilemma(), n_agents=n_agents, horizon=horizon(rounds))


def everybody_else(game, seat):
    return {i: BySight() for i in range(game.n_agents) if i != seat}


def told_by_the_simulator(game, seat, num_envs, steps):
    """For each world (seed 5), what the seat's decisions and their consequences are: dictionaries in their order."""
    sim = ms.Simulator(game, num_envs, seed=5, threads=1)
    sim.reset()
    told = [[] for _ in range(num_envs)]
    early, began = np.zeros(num_envs), np.zeros(num_envs, bool)
    for _ in range(steps):
        actions = np.where(sim.acting, by_what_it_sees(sim.obs, sim.legal), 0)
        for w in np.flatnonzero(sim.acting[:, seat]):
            paid = 0.0 if began[w] else early[w]
            told[w].append(dict(obs=sim.obs[w, seat].copy(), reward=paid, ended=(False, False), last=None))
            began[w] = True
        step = sim.step(actions)
        ended = step.terminated | step.truncated
        for w in range(num_envs):
            if began[w]:
                told[w][-1]["reward"] += step.reward[w, seat]
            else:
                early[w] += step.reward[w, seat]
            if ended[w]:
                if began[w]:
                    told[w][-1]["ended"] = bool(step.terminated[w]), bool(step.truncated[w])
                    told[w][-1]["last"] = step.final_obs[w, seat].copy()
                early[w], began[w] = 0.0, False
    return told


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.filterwarnings("error")
def test_gymnasiums_own_checker_passes(name, masked):
    check_env(ms.SeatEnv(name, 0, masked=masked, illegal_action="random"), skip_render_check=True)


@pytest.mark.filterwarnings("ignore:.*we recommend using a symmetric")
def test_a_seat_whose_decisions_are_numbers():
    env = ms.SeatEnv(pot(), "agent_1")
    assert env.action_space == spaces.Box(0.5, 2.0, (1,), np.float32)
    check_env(env, skip_render_check=True)
    with pytest.raises(ms.IllegalAction, match=r"chose 3\.0 .* a number from 0\.5 to 2"):
        env.step(np.array([3.0]))
    with pytest.raises(ValueError, match="which no mask describes"):
        ms.SeatEnv(pot(), masked=True)


def test_many_worlds_see_and_are_paid_what_the_simulator_says(game):
    """Every decision of every world once, in its order, with all its rewards, however long the others make it wait."""
    if game.box is not None:
        pytest.skip("by_what_it_sees chooses whole numbers")
    worlds, decisions = 5, 14
    for seat in reversed(range(game.n_agents)):  # in some games the last has nothing to decide while others do this
        told = told_by_the_simulator(game, seat, worlds, steps=decisions * 12)
        short = min(map(len, told)) - 1  # the last decision's consequences may not all be told
        if short >= 4:
            break
    assert short >= 4
    env = ms.SeatVectorEnv(game, seat, everybody_else(game, seat), num_envs=worlds)
    obs, infos = env.reset(seed=5)
    for k in range(min(short, decisions)):
        np.testing.assert_array_equal(obs, [told[w][k]["obs"] for w in range(worlds)])
        assert (infos["action_mask"] == env.action_masks()).all()
        obs, reward, terminated, truncated, infos = env.step(by_what_it_sees(obs, env.action_masks()))
        np.testing.assert_allclose(reward, [told[w][k]["reward"] for w in range(worlds)], rtol=0, atol=1e-9)
        assert list(zip(terminated, truncated)) == [told[w][k]["ended"] for w in range(worlds)]
        for w in np.flatnonzero(terminated | truncated):
            assert infos["_final_obs"][w]
            np.testing.assert_array_equal(infos["final_obs"][w], told[w][k]["last"])


def test_one_world_is_the_first_of_many(society):
    seat = 2
    alone = ms.SeatEnv(society, seat, everybody_else(society, seat), masked=True)
    many = ms.SeatVectorEnv(society, seat, everybody_else(society, seat), num_envs=3, masked=True)
    seen, _ = alone.reset(seed=9)
    all_seen, _ = many.reset(seed=9)
    ends = 0
    for _ in range(60):
        assert all((seen[key] == all_seen[key][0]).all() for key in ("observation", "action_mask"))
        assert alone.observation_space.contains(seen) and many.observation_space.contains(all_seen)
        action = by_what_it_sees(seen["observation"], alone.action_masks())
        actions = by_what_it_sees(all_seen["observation"], many.action_masks())
        seen, reward, terminated, truncated, _ = alone.step(action)
        all_seen, rewards, overs, cuts, infos = many.step(actions)
        assert (reward, terminated, truncated) == (rewards[0], overs[0], cuts[0])
        if terminated or truncated:
            ends += 1
            assert (infos["final_obs"][0]["observation"] == seen["observation"]).all()
            seen, _ = alone.reset()
    assert ends >= 2


def test_the_reward_of_a_game_of_one_step_arrives():
    env = ms.SeatEnv(pairs(rounds=1), 0, {1: Always(0)})
    env.reset(seed=0)
    assert env.step(1)[1:4] == (4.0, True, False)
    with pytest.raises(ms.NotReset):
        env.step(1)


def test_seats_that_are_left_out_play_randomly():
    env = ms.SeatVectorEnv(pairs(rounds=1), num_envs=400)
    env.reset(seed=1)
    paid = env.step(np.ones(400, int))[1]
    assert set(paid) == {4.0, 1.0} and 0.4 < (paid == 4).mean() < 0.6


def test_illegal_actions_change_nothing_or_are_counted():
    game = ms.make("direct_punishment")
    env = ms.SeatEnv(game, 0, everybody_else(game, 0))
    env.reset(seed=3)
    wrong = int(np.flatnonzero(~np.append(env.action_masks(), False))[0])
    with pytest.raises(ms.IllegalAction, match=r"as agent_0 in world 0, chose .* it may choose"):
        env.step(wrong)
    twin = ms.SeatEnv(game, 0, everybody_else(game, 0), illegal_action="pass")
    twin.reset(seed=3)
    first = int(env.action_masks().argmax())
    for one, other in zip(env.step(first)[:4], twin.step(wrong)[:4]):
        np.testing.assert_array_equal(one, other)
    assert (env.replaced, twin.replaced) == (0, 1)


def weights(trainer):
    return [head.lanes.params.numpy().copy() for head in trainer.heads]


@pytest.mark.parametrize(("horizon", "worlds"), [pytest.param(ms.Fixed, 4, marks=pytest.mark.slow), (ms.Continuing, 1)])
@pytest.mark.parametrize(
    "learner",
    [DQN(hidden=(8,), batch=8, buffer=64), PPO(**SMALL), DRQN(hidden=(8,), memory=4, batch=2, length=4, buffer=16)],
)
def test_learners_around_an_outside_seat_learn_as_in_a_trainer(learner, horizon, worlds):
    """Bit for bit: whether the seat is a policy of the Trainer's or somebody's own loop."""
    game = pairs(horizon=horizon)
    trainer = Trainer(game, seating={0: Always(), 1: learner}, seeds=(7,), episodes=30, num_envs=worlds)
    rows = [row for some in trainer.run() for row in some]
    before = weights(Trainer(game, seating={0: Always(), 1: learner}, seeds=(7,), num_envs=worlds))
    env = ms.SeatVectorEnv(game, 0, {1: learner}, num_envs=worlds, seed=7)
    env.reset()
    for _ in range(trainer.steps // worlds):
        env.step(np.ones(worlds, int))
    for mine, theirs, first in zip(weights(env.trainer), weights(trainer), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert not np.array_equal(mine, first)
    assert env.rows == rows


@pytest.mark.parametrize("learner", [DQN(hidden=(8,), batch=4, buffer=64), TabularQ(), A2C(**SMALL)])
def test_an_abandoned_episode_is_not_learned_as_if_it_had_gone_on(learner):
    """What is open is dropped, or closed with what was seen; nothing is joined to the society that is founded next."""
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(4), encode="index")
    env = ms.SeatEnv(game, 0, {1: learner})
    env.reset(seed=0)
    env.step(1)
    head = env.trainer.heads[0]
    opened = lambda: getattr(head.feed, "pending", None) and head.feed.pending.waiting.any()  # noqa: E731
    streamed = hasattr(head.lanes, "streams")
    assert head.lanes.streams.open.any() if streamed else opened()
    env.reset(seed=1)
    assert not (head.lanes.streams.open.any() if streamed else opened())
    env.step(1)
    assert env.trainer.book.running["payoff"].sum() == env.table.simulator._step.reward.sum()


def test_a_game_may_be_reset_with_a_seed_at_its_start_and_end_whoever_learns():
    game = ms.make("public_goods", n_agents=3, rounds=2)
    env = ms.SeatEnv(game, 0, {"agent_1..2": QMIX(hidden=(8,))}, training=dict(team_reward="sum"))
    env.reset(seed=4)
    while not env.step(int(env.action_masks().argmax()))[2]:
        pass
    env.reset(seed=5)
    env.step(int(env.action_masks().argmax()))
    with pytest.raises(ValueError, match="QMIX learns from whole episodes"):
        env.reset(seed=5)


def test_past_selves_sit_beside_an_outside_seat_through_resets():
    game = pairs(n_agents=3)
    seating = {"agent_1": DQN(hidden=(8,)), "agent_2": ms.SelfPlay(of=1, every=2)}
    env = ms.SeatEnv(game, "agent_0", seating=seating)
    for seed in (1, 2):
        env.reset(seed=seed)
        over = False
        while not over:
            _, _, terminated, truncated, _ = env.step(0)
            over = terminated or truncated
        env.reset()
    (past,) = [player for player in env.trainer.seats.players if player.children is not None]
    assert past.counts["decisions"] > 0


def test_the_vector_environment_says_how_it_resets():
    env = ms.SeatVectorEnv(pairs(), num_envs=2)
    assert isinstance(env, VectorEnv) and env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert env.observation_space.shape == (2, *env.single_observation_space.shape)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (dict(agent="agent_9"), "unknown agent 'agent_9'"),
        (dict(agent="agent_0..1"), "one seat is played from outside"),
        (dict(seating={0: Always()}), "agent_0 is the seat that is played from outside; seating gives it to 0"),
        (dict(seating={1: "nobody_known"}), "unknown policy 'nobody_known'"),
        (dict(illegal_action="forgive"), "unknown illegal 'forgive'"),
        (dict(n_agents=3), "options go with the name of a game"),
        (dict(render_mode="ansi"), "render_mode must be None, 'human' or 'rgb_array'"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(options, said):
    with pytest.raises(ValueError, match=said) as caught:
        ms.SeatEnv(pairs(), **options)
    assert "\n" not in str(caught.value)
