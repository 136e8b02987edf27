"""Worlds go on while learners learn, and the numbers are those of the same schedule without a thread."""

import time
from concurrent.futures import Future

import numpy as np
import pytest
import torch

import marl_sim as ms
from marl_sim.learners import (
    A2C,
    COMA,
    DQN,
    DRQN,
    LIO,
    MAPPO,
    PPO,
    QMIX,
    REINFORCE,
    VDN,
    ExpectedSARSA,
    Linear,
    TabularQ,
)
from marl_sim.training import overlap

PATIENCE = 20.0  # seconds that work waits for a world to step before it gives up
ON = dict(hidden=(5,), steps=8, lr=0.01)
BEHIND = [
    PPO(**ON, minibatches=2), PPO(**ON, memory=3), A2C(**ON, normalise_observations=True),
    REINFORCE(**ON), MAPPO(**ON), COMA(**ON),
    DRQN(memory=4, hidden=(5,), batch=2, length=3), VDN(hidden=(5,), batch=4, train_every=3),
    QMIX(hidden=(5,), batch=4, epsilon=Linear(1.0, 0.1, 30, per="updates")),
]  # fmt: skip
AS_EVER = [DQN(hidden=(8,), batch=8, path="torch"), DQN(hidden=(8,), batch=8), TabularQ(), ExpectedSARSA()]


def names(learners):
    return [f"{type(one).__name__}-{k}" for k, one in enumerate(learners)]


def trainer(learner, episodes=12, rounds=4, **more):
    game = ms.Society(ms.PureCoordination(), n_agents=2, horizon=ms.Fixed(rounds), encode="index")
    return ms.Trainer(game, learner, seeds=2, episodes=episodes, num_envs=3, team_reward="sum", block=2, **more)


def equal(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].tobytes() == other[name].tobytes(), name


class InTurn:
    """Does work where it is begun, as a thread that is always as quick as can be."""

    def submit(self, job, *arguments):
        done = Future()
        try:
            done.set_result(job(*arguments))
        except Exception as error:
            done.set_exception(error)
        return done


@pytest.fixture
def in_turn(monkeypatch):
    """In place of a thread."""
    return lambda: monkeypatch.setattr("marl_sim.training.rollout.thread", InTurn)


class Stepping:
    """Counts the steps of a trainer's worlds, also for work that will not go on before there were some."""

    def __init__(self, one):
        self.count, self._step, self._begin = 0, one.worlds.step, one.heads[0].work.begin
        one.worlds.step, one.heads[0].work.begin = self, self.begin

    def __call__(self, actions):
        self.count += 1
        return self._step(actions)

    def begin(self, job):
        self.begun = self.count
        self._begin(job)

    def went_on(self, steps):
        """Whether the worlds made so many steps, in good time, since the work was begun that asks."""
        until = time.monotonic() + PATIENCE
        while self.count < self.begun + steps and time.monotonic() < until:
            time.sleep(0.0005)
        return self.count >= self.begun + steps


@pytest.mark.parametrize("learner", BEHIND, ids=names(BEHIND))
def test_worlds_step_while_an_update_is_under_way(learner):
    """All steps of the next rollout; where updates are due at every step, one."""
    one = trainer(learner, overlap=True)
    lanes, worlds, went_on = one.heads[0]._lanes, Stepping(one), []
    name = "_improve" if hasattr(lanes, "_improve") else "_learn"
    improve, steps = getattr(lanes, name), getattr(learner, "steps", 1)

    def slow(*work):
        went_on.append(worlds.went_on(steps))
        improve(*work)

    setattr(lanes, name, slow)
    while len(went_on) < 4:
        one.advance()
    worlds.count += steps  # the last one is let go
    one.heads[0].work.wait()
    assert all(went_on)


@pytest.mark.parametrize("learner", AS_EVER, ids=names(AS_EVER))
def test_learners_of_transitions_learn_while_the_worlds_step_and_nothing_changes(learner):
    one = trainer(learner, rounds=20, overlap=True)  # what the end of a game closes is learned before the next step
    lanes, worlds, went_on = one.heads[0]._lanes, Stepping(one), []
    learn = lanes.learn

    def slow():
        went_on.append(worlds.went_on(1))
        return learn()

    lanes.learn = slow
    for _ in range(12):
        one.advance()
    assert len(went_on) > 8 and all(went_on)
    lanes.learn = learn
    plain = trainer(learner, rounds=20)
    for _ in range(12):
        plain.advance()
    assert list(plain.run()) == list(one.run())
    equal(plain.state_dict(), one.state_dict())


@pytest.mark.parametrize("learner", BEHIND, ids=names(BEHIND))
def test_the_numbers_are_those_of_the_same_schedule_without_a_thread(learner, in_turn):
    threaded = trainer(learner, overlap=True)
    rows = list(threaded.run())
    in_turn()
    plain = trainer(learner, overlap=True)
    assert rows == list(plain.run())
    equal(plain.state_dict(), threaded.state_dict())
    assert threaded.updates > 3
    now = trainer(learner)
    list(now.run())
    assert any(not np.array_equal(v, threaded.state_dict()[k]) for k, v in now.state_dict().items() if "params" in k)


def test_policies_act_by_the_parameters_of_one_update_ago(in_turn):
    in_turn()
    one = trainer(PPO(**ON), overlap=True)
    lanes = one.heads[0].lanes
    by, learned = [], []
    for step in range(1, 33):
        one.advance()
        if step % 8 == 0:
            by.append(lanes.acting.clone())
            learned.append(lanes.params.clone())
    first = trainer(PPO(**ON)).heads[0].lanes.params
    assert torch.equal(by[0], first)
    for k in range(3):
        assert torch.equal(by[k + 1], learned[k])
        assert not torch.equal(learned[k + 1], learned[k])


@pytest.mark.parametrize("learner", BEHIND, ids=names(BEHIND))
def test_a_resumed_run_is_one_that_never_stopped(learner):
    one = trainer(learner, overlap=True)
    for _ in range(21):
        one.advance()
    saved = one.state_dict()
    other = trainer(learner, overlap=True)
    for _ in range(5):
        other.advance()
    other.load_state_dict(saved)
    for _ in range(30):
        one.advance()
        other.advance()
    equal(one.state_dict(), other.state_dict())


@pytest.mark.parametrize("learner", [PPO(**ON), VDN(hidden=(5,), batch=4), DQN(hidden=(8,), batch=8)])
def test_a_loss_that_is_no_number_stops_the_run_by_the_next_update(learner):
    one = trainer(learner, episodes=1000, overlap=True)
    for _ in range(20):
        one.advance()
    lanes = one.heads[0].lanes
    lane = lanes.n_lanes - 1
    judged_by = lanes.target if hasattr(lanes, "target") else lanes.net.of("critic", lanes.params)
    judged_by[lane] = np.nan
    words = rf"Lane {lane} of head '\w+' \(.*agent_1 of seed 1.*\) has a loss of nan"
    with pytest.raises(FloatingPointError, match=words):
        list(one.run())
    one = trainer(PPO(**ON), overlap=True)
    one.heads[0].lanes.params[3] = np.nan
    for _ in range(8):
        one.advance()  # acts by what it was
    with pytest.raises(FloatingPointError, match="Lane 3"):  # no checkpoint is made of it
        one.state_dict()


def test_evaluation_and_the_final_state_are_of_the_newest_parameters():
    one = trainer(PPO(**ON), overlap=True)
    list(one.run())
    assert not torch.equal(one.heads[0].lanes.params, one.heads[0].lanes.acting)
    other = trainer(PPO(**ON))
    other.load_final_state(one.final_state())
    assert one.evaluate(6) == other.evaluate(6)
    again = trainer(PPO(**ON), overlap=True)
    again.load_final_state(one.final_state())
    assert torch.equal(again.heads[0].lanes.acting, one.heads[0].lanes.params)


def test_learners_that_cannot_are_refused():
    with pytest.raises(ValueError, match="LIO cannot act while it learns; overlap must be False with it"):
        trainer(LIO(), overlap=True)


def test_threads_sum_as_their_trainer_does():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert overlap.thread().submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
@pytest.mark.parametrize("learner", [*BEHIND, AS_EVER[0]], ids=names([*BEHIND, AS_EVER[0]]))
def test_a_gpu_learns_while_the_worlds_go_on(learner, in_turn):
    threaded = trainer(learner, overlap=True, device="cuda")
    rows = list(threaded.run())
    in_turn()
    plain = trainer(learner, overlap=True, device="cuda")
    assert rows == list(plain.run())
