"""VDN and QMIX: what they compute against plain torch, and what they can learn against theory."""

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from team_play import A, D, build, drive
from tiny_pettingzoo import Lives
from torch import nn

import marl_sim as ms
from marl_sim.core.fields import Field
from marl_sim.learners import QMIX, VDN, HeadSpec
from marl_sim.learners.mixers import Monotone
from marl_sim.learners.nets import draw

torch.set_num_threads(1)
WHO = [(seed, team) for seed in (3, 7) for team in range(2)]


def mixer(seed=0, lanes=2, hyper=(5,)):
    """A mixer of 3 agents with a state of 4 numbers, and parameters of some lanes."""
    made = Monotone(3, 4, 6, hyper)
    return made, torch.from_numpy(draw(np.arange(seed, seed + lanes, dtype=np.uint64), made.bounds() * 3))


# ---------------------------------------------------------------- what is computed


@given(seed=st.integers(0, 10_000), hyper=st.sampled_from([(), (5,)]))
def test_the_mixer_rises_in_every_agents_value(seed, hyper):
    made, params = mixer(seed, hyper=hyper)
    rng = np.random.default_rng(seed)
    q, state = (torch.from_numpy(rng.normal(size=(2, 20, n)).astype(np.float32) * 3) for n in (3, 4))
    q.requires_grad_()
    (slope,) = torch.autograd.grad(made.mix(params, q, state).sum(), q)
    assert (slope >= 0).all()
    assert (slope > 0).any()
    for agent in range(3):
        higher = q.detach().clone()
        higher[..., agent] += 1
        assert (made.mix(params, higher, state) >= made.mix(params, q.detach(), state) - 1e-5).all()


class PlainMixer(nn.Module):
    """The mixing network as its paper draws it."""

    def __init__(self, made, row):
        super().__init__()
        rows = {name: x[0].numpy() for name, x in made.rows(row[None]).items()}
        self.parts = nn.ModuleDict({name: part.module(rows[name]) for name, part in made.parts.items()})
        self.team, self.width = made.team, made.width

    def forward(self, q, state):
        w1 = self.parts["weights"](state).abs().reshape(-1, self.team, self.width)
        hidden = nn.functional.elu(torch.bmm(q[:, None], w1)[:, 0] + self.parts["bias"](state))
        w2 = self.parts["out"](state).abs()
        return (hidden * w2).sum(1) + self.parts["value"](state)[:, 0]


@pytest.mark.parametrize("hyper", [(), (5,)])
def test_the_mixer_is_the_plain_module(hyper):
    made, params = mixer(hyper=hyper)
    q, state = torch.randn(2, 30, 3), torch.randn(2, 30, 4)
    for lane in range(2):
        plain = PlainMixer(made, params[lane])
        assert torch.allclose(plain(q[lane], state[lane]), made.mix(params, q, state)[lane], atol=1e-5)


def test_the_value_of_a_vdn_team_is_the_sum():
    lanes, _ = build(VDN(), WHO)
    q = torch.randn(4, 5, 2, 3)
    assert torch.allclose(lanes.mixed(lanes.params, q, torch.randn(4, 5, 2, 3, D)), q.sum(-1))


def flat(module):
    """Gradients of plain modules as our rows lay them out: [inputs + 1, outputs] a layer, the bias last."""
    found = []
    for part in module.modules():
        if isinstance(part, nn.GRUCell):
            pairs = [(part.weight_ih, part.bias_ih), (part.weight_hh, part.bias_hh)]
        elif isinstance(part, nn.Linear):
            pairs = [(part.weight, part.bias)]
        else:
            continue
        found += [torch.cat([w.grad.T, b.grad[None]]).flatten() for w, b in pairs]
    return torch.cat(found)


def plain_values(nets, obs, memory):
    """Values [M][T][k, A] of one lane's agents by plain modules, one sequence and one step after the other."""
    out = []
    for m in range(len(obs)):
        h, steps = [memory[m, i][None] for i in range(3)], []
        for seen in obs[m]:
            each = []
            for i in range(3):
                net = nets[i % len(nets)]
                x = seen[i][None]
                if len(nets) == 1:
                    x = torch.cat([x, torch.eye(3)[i][None]], 1)
                if net.memory is not None:
                    x = h[i] = net.memory(x, h[i])
                each.append(net.policy(x)[0])
            steps.append(torch.stack(each))
        out.append(steps)
    return out


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("memory", [0, 4])
@pytest.mark.parametrize("nets", ["shared", "separate"])
@pytest.mark.parametrize("kind", [VDN, QMIX])
def test_the_gradient_of_an_update_is_plain_autograds(kind, nets, memory, double):
    """One lane of four, from sequences of random worlds in which agents leave early; target networks differ."""
    options = dict(batch=6, warmup=5000, buffer=5000, memory=memory, length=3, nets=nets, double=double, gamma=0.9)
    lanes, teams = build(kind(hidden=(6,), **options), WHO)
    drive(lanes, teams, 40)
    lanes.target = lanes.params * 0.7
    batch = [
        x[0] for x in lanes.replay.sample(np.array([2]), 6, lanes.keys["replay"], lanes.updates, torch.device("cpu"))
    ]
    _, obs, legal, here, action, reward, before, weight = batch

    def modules(rows):
        held, lanes.params = lanes.params, rows
        made = [lanes.export(2, i) for i in range(lanes.n_nets)]
        lanes.params = held
        mix = PlainMixer(lanes.mixer, rows[2, lanes._border :]) if kind is QMIX else None
        return made, mix

    (now, mix), (then, target_mix) = modules(lanes.params), modules(lanes.target)
    q, frozen = plain_values(now, obs, before), plain_values(then, obs, before)
    errors = []
    for m in range(6):
        for t in range(int((weight[m] > 0).sum())):
            taken = torch.stack([q[m][t][i, action[m, t, i]] for i in range(3)]) * here[m, t]
            judge = (q if double else frozen)[m][t + 1].detach().masked_fill(~legal[m, t + 1], -torch.inf)
            after = torch.stack([frozen[m][t + 1][i, judge[i].argmax()] for i in range(3)]).detach() * here[m, t + 1]
            if kind is QMIX:
                total = mix(taken[None], obs[m, t].flatten()[None])[0]
                value = target_mix(after[None], obs[m, t + 1].flatten()[None])[0].detach()
            else:
                total, value = taken.sum(), after.sum()
            errors.append(total - reward[m, t] - 0.9 * value * here[m, t + 1].any())
    loss = torch.stack(errors).square().mean()
    loss.backward()
    grads = [flat(net) for net in now] + ([flat(mix)] if kind is QMIX else [])
    lanes.replay.owed[2] = 1
    assert lanes.learn()["loss"][2] == pytest.approx(loss.item(), rel=1e-4)
    assert torch.allclose(lanes.adam.m[2] * 10, torch.cat(grads), atol=2e-5, rtol=1e-3)
    assert not lanes.adam.m[[0, 1, 3]].any()


def step(lanes, k, now, after, reward, over, cut, decides=True, ended=False):
    """One hand-made step of one world: now, after [k] of what is seen."""
    lead = (1, k)
    obs, seen = (np.broadcast_to(np.array(x, np.float32)[None, :, None], (*lead, D)) for x in (now, after))
    yes, legal = np.full(lead, decides), np.ones((*lead, A), bool)
    action = lanes.act(obs, legal, yes).copy()
    over, cut = (np.array([x], bool) for x in (over, cut))
    lanes.add(obs, legal, yes, action, np.full(lead, reward), over, cut, seen, legal, yes, np.full(lead, ended))
    return action


def test_who_leaves_early_counts_nothing_afterwards():
    """Agent 0's game terminates first; agent 1 goes on, until a clock stops it."""
    lanes = VDN(memory=3, length=4, batch=1, warmup=99, gamma=0.5).build(
        HeadSpec("all", D, A, team=2), np.arange(1), np.zeros(1, int)
    )
    step(lanes, 2, [1, 2], [3, 4], 1.0, [1, 0], [0, 0])
    step(lanes, 2, [3, 4], [5, 6], 2.0, [0, 0], [0, 0])
    assert lanes.memory[0, 1].any() and lanes.gone.tolist() == [[True, False]]
    step(lanes, 2, [5, 6], [7, 8], 4.0, [0, 0], [0, 1], ended=True)
    assert not lanes.memory.any() and not lanes.gone.any() and not lanes.begun.any()
    batch = lanes.replay.sample(np.arange(1), 1, lanes.keys["replay"], lanes.updates, torch.device("cpu"))
    assert batch.here[0, 0, :4].tolist() == [[True, True], [False, True], [False, True], [False, True]]
    assert batch.obs[0, 0, :4, :, 0].tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert batch.weight[0, 0] == pytest.approx([1 / 3] * 3 + [0])
    assert not batch.weight[0, 1:].any()
    q = lanes.q(lanes.params, batch.obs, batch.memory)[0, 0]
    taken = [[q[t, i, batch.action[0, 0, t, i]].item() for i in range(2)] for t in range(3)]
    best = q.max(-1).values
    expected = [
        sum(taken[0]) - (1 + 0.5 * best[1, 1].item()),
        taken[1][1] - (2 + 0.5 * best[2, 1].item()),
        taken[2][1] - (4 + 0.5 * best[3, 1].item()),
    ]
    assert lanes.errors(lanes.params, batch)[0, 0, :3].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("over", "cut"), [([1, 1], [0, 0]), ([0, 0], [1, 1])])
def test_a_termination_does_not_bootstrap_and_a_truncation_does(over, cut):
    lanes = QMIX(batch=1, gamma=0.5).build(HeadSpec("all", D, A, team=2), np.arange(1), np.zeros(1, int))
    step(lanes, 2, [1, 2], [3, 4], 1.0, over, cut, ended=True)
    batch = lanes.replay.sample(np.arange(1), 1, lanes.keys["replay"], lanes.updates, torch.device("cpu"))
    q = lanes.q(lanes.params, batch.obs, batch.memory)
    best = lanes.mixed(lanes.params, q.max(-1).values, batch.obs)[0, 0, 1].item()
    taken = lanes.mixed(lanes.params, q[:, :, :1].gather(-1, batch.action[..., None])[..., 0], batch.obs[:, :, :1])
    y = 1 + (0.5 * best if cut[0] else 0)
    assert lanes.errors(lanes.params, batch)[0, 0, 0].item() == pytest.approx(taken[0, 0, 0].item() - y, abs=1e-5)


def test_between_episodes_nothing_is_stored():
    """A team that is over waits for the others; steps before its first decision count for nothing."""
    lanes = VDN(batch=1, warmup=50).build(HeadSpec("all", D, A, team=2), np.arange(1), np.zeros(1, int))
    step(lanes, 2, [1, 2], [3, 4], 1.0, [0, 0], [0, 0], decides=False)
    assert lanes.replay.count[0] == 0
    step(lanes, 2, [1, 2], [3, 4], 1.0, [0, 0], [0, 0])
    step(lanes, 2, [1, 2], [3, 4], 1.0, [0, 0], [0, 0], decides=False)
    step(lanes, 2, [1, 2], [3, 4], 1.0, [1, 1], [0, 0])
    assert lanes.replay.count[0] == 3
    step(lanes, 2, [1, 2], [3, 4], 1.0, [0, 0], [0, 0], decides=False)
    step(lanes, 2, [1, 2], [3, 4], 1.0, [0, 0], [0, 0], decides=False, ended=True)
    step(lanes, 2, [1, 2], [3, 4], 1.0, [0, 0], [0, 0], decides=False)
    assert lanes.replay.count[0] == 3


@pytest.mark.parametrize("learner", [QMIX(memory=4), VDN(nets="separate"), QMIX()])
def test_each_agent_acts_on_what_it_sees_alone(learner):
    lanes, teams = build(learner, WHO)
    drive(lanes, teams, 40)
    obs = np.random.default_rng(0).normal(size=(4, 30, D)).astype(np.float32)
    other = obs.reshape(4, 10, 3, D).copy()
    other[:, :, 1:] += 5
    memory = lanes.fresh_memory(30)
    seen = (x.reshape(4, 30, D) for x in (obs, other))
    mine, theirs = (lanes._look(lanes.params, x, memory, 10)[0].reshape(4, 10, 3, A) for x in seen)
    assert np.array_equal(mine[:, :, 0], theirs[:, :, 0])
    assert not np.allclose(mine[:, :, 1], theirs[:, :, 1])


# ---------------------------------------------------------------- what is learned


@ms.rule
def agent_0_chooses(acting: Any) -> None:
    """Agent 0 decides alone."""
    acting[0] = 1


@ms.rule
def go_there(action: Any, branch: Any) -> None:
    """Its choice is the matrix that both play next."""
    branch[0] = action[0]


@ms.rule
def pay_all(n: Any, action: Any, branch: Any, payoff: Any) -> None:
    """2A pays 7 whatever they do, 2B pays 0, 1, 1 or 8."""
    paid = 7.0
    if branch[0] == 1:
        paid = 8.0 * action[0] * action[1] + (1 - action[0]) * action[1] + action[0] * (1 - action[1])
    for i in range(n):
        payoff[i] += paid


@ms.rule
def where_we_are(branch: Any, out: Any) -> None:
    """The matrix that is played."""
    out[0] = branch[0]


class TwoSteps(ms.GroupDilemma):
    """The two-step game of Rashid et al. (2018), section 5."""

    rewards: ClassVar[tuple[str, ...]] = ("payoff",)

    def state(self, game):
        return {"branch": ms.ints(1)}

    def stages(self, game):
        first = ms.Stage("first", ("2A", "2B"), acting=agent_0_chooses, then=(go_there,), phase=40)
        return [first, ms.Stage("play", ("A", "B"), then=(pay_all,))]

    def fields(self, game):
        return {"play": [Field("branch", 1, where_we_are, 2)]}


MATRIX_2B = np.array([[0.0, 1.0], [1.0, 8.0]])
TWO_STEPS = dict(
    gamma=1.0, epsilon=1.0, hidden=(32,), lr=3e-3, batch=64, buffer=4096, train_every=16, target_every=50, warmup=512
)


def trained(learner, episodes=300):
    game = ms.Group(TwoSteps(), n_agents=2, horizon=ms.Fixed(1), encode="one_hot")
    trainer = ms.Trainer(game, learner, seeds=6, episodes=episodes, num_envs=16, block=100)
    for _ in trainer.run():
        pass
    return trainer


def table(trainer, branch):
    """Q_tot [seeds, 2, 2] of the joint actions in a matrix, as all seeds value them."""
    worlds = trainer.worlds.another(1, trainer.seeds)
    worlds.reset()
    first = np.zeros((6, 2), np.int64)
    first[:, 0] = branch
    worlds.step(first)
    lanes = trainer.heads[0].lanes
    obs = torch.from_numpy(worlds.obs.copy())[:, None, None]
    with torch.no_grad():
        q = lanes.q(lanes.params, obs, torch.zeros(6, 1, 2, 0))[:, 0, 0]
        pairs = [torch.stack([q[:, 0, a], q[:, 1, b]], -1) for a in range(2) for b in range(2)]
        joint = torch.stack(pairs, 1)[:, None]
        return lanes.mixed(lanes.params, joint, obs.expand(-1, 1, 4, 2, -1))[:, 0].reshape(6, 2, 2).numpy()


def test_vdn_takes_the_sure_seven_as_its_sums_force_it_to():
    """Under uniform exploration its values are the best sums: least squares gives 6.5 for the best of 2B, below 7."""
    rows = np.array([[a == 0, a == 1, b == 0, b == 1] for a in range(2) for b in range(2)], float)
    best_sums = (rows @ np.linalg.lstsq(rows, MATRIX_2B.ravel(), rcond=None)[0]).reshape(2, 2)
    assert best_sums == pytest.approx(np.array([[-1.5, 2.5], [2.5, 6.5]]))
    trainer = trained(VDN(**TWO_STEPS))
    assert np.abs(table(trainer, 1) - best_sums).max() < 0.5
    assert np.abs(table(trainer, 0) - 7).max() < 0.3
    assert [row["reward"] for row in trainer.evaluate(8)] == [14.0] * 6  # 7 each


def test_qmix_finds_the_eight():
    """A monotone mixture can be 0, 1, 1, 8: its best is worth more than 7, so that agent 0 goes there."""
    trainer = trained(QMIX(**TWO_STEPS, mixing=8))
    assert np.abs(table(trainer, 1) - MATRIX_2B).max() < 0.5
    assert np.abs(table(trainer, 0) - 7).max() < 0.3
    assert [row["reward"] for row in trainer.evaluate(8)] == [16.0] * 6  # 8 each


# ---------------------------------------------------------------- in the Trainer

SMALL = dict(hidden=(8,), batch=4, buffer=64, lr=0.01, epsilon=0.2)


@pytest.mark.parametrize("learner", [VDN(**SMALL), QMIX(**SMALL, memory=4, length=3, nets="separate")])
def test_a_team_in_a_registered_game_from_training_to_evaluation(learner):
    def fresh(seeds):
        return ms.Trainer("pure_coordination", learner, seeds=seeds, episodes=12, num_envs=2, heads="per stage",
                          block=4, options=dict(n_agents=2, rounds=3))  # fmt: skip

    whole = fresh((3, 5, 9))
    rows = [row for rows in whole.run() for row in rows]
    assert whole.updates > 0
    alone = [row for rows in fresh((5,)).run() for row in rows]
    assert [row for row in rows if row["seed"] == 5] == alone

    first, second = fresh((3, 5, 9)), fresh((3, 5, 9))
    again = list(next(run := first.run()))
    for _ in range(4):  # into the middle of an episode
        again += first.advance()
    second.load_state_dict(first.state_dict())
    again += [row for rows in second.run() for row in rows]
    run.close()
    assert again == rows
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(array, second.state_dict()[name], err_msg=name)

    before = whole.state_dict()
    scores = whole.evaluate(6)
    assert [row["seed"] for row in scores] == [3, 5, 9]
    kept = {k: v for k, v in whole.state_dict().items() if "greedy_ties" not in k}
    for name, array in kept.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    playing = fresh((3, 5, 9))
    playing.load_final_state(whole.final_state())
    assert np.array_equal(playing.heads[0].lanes.params, whole.heads[0].lanes.params)


def test_teams_that_are_paid_apart_need_to_say_what_their_reward_is():
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(3))
    with pytest.raises(ValueError, match=r"VDN trains a group that is paid alike, .* say team_reward='sum' or 'mean'"):
        list(ms.Trainer(game, VDN(**SMALL), seeds=4, episodes=20).run())
    with pytest.raises(ValueError, match="QMIX values what a team does at once"):
        ms.Trainer(game, QMIX(**SMALL), team_reward="own")
    for said in ("sum", "mean"):
        assert list(ms.Trainer(game, VDN(**SMALL), episodes=20, team_reward=said).run())


@pytest.mark.parametrize("num_envs", [1, 3])
@pytest.mark.parametrize("heads", ["one", "per stage"])
def test_what_is_stored_is_what_was_seen(num_envs, heads):
    """The worlds write over their arrays: observations must be kept as they were when the decision was taken."""
    game = ms.Society(ms.PureCoordination(), n_agents=2, horizon=ms.Fixed(3))
    trainer = ms.Trainer(game, VDN(**SMALL | dict(warmup=60)), seeds=2, episodes=9, num_envs=num_envs, heads=heads)
    for number in range(6):
        seen = trainer.worlds.obs.copy().reshape(2, num_envs, 2, -1)
        trainer.advance()
        kept = trainer.heads[0].lanes.replay.kept[0]
        assert np.array_equal(kept[:, number * num_envs : (number + 1) * num_envs, 0], seen)


@pytest.mark.parametrize("clock", [False, True])
def test_agents_of_an_outside_world_leave_one_after_the_other(clock):
    """Agent 0 terminates at step 1 and agent 2 at step 2; agent 1 goes on to step 3, and a clock may stop it."""
    learner = VDN(**SMALL | dict(warmup=9), memory=4, length=5)
    env = Lives(lives=(1, 3, 2), ends=("t", "c" if clock else "t", "tc"))
    trainer = ms.Trainer(env, learner, seeds=2, episodes=4, num_envs=2, team_reward="mean")
    list(trainer.run())
    lanes = trainer.heads[0].lanes
    assert (lanes.replay.count == 8).all() and (lanes.replay.steps[:, :8] == 3).all()
    here = lanes.replay.kept[2][:, :8, :4]
    assert (here == np.array([[1, 1, 1], [0, 1, 1], [0, 1, 0], [0, clock, 0]], bool)).all()
    paid = lanes.replay.kept[4][:, :8, :3]  # i + 1 times the step, an eighth of the action more: 1 + 2 + 3, 4 + 6, 6
    assert (np.abs(paid - np.array([6, 10, 6]) / 3) <= 3 / 8).all()
    assert not lanes.replay.kept[5][:, :8].any()  # sequences begin with episodes, which begin with nothing in mind
    assert len(trainer.evaluate(4)) == 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: VDN(gamma=2), "VDN.gamma is 2; it must be a number from 0 to 1."),
        (lambda: QMIX(mixing=0), "QMIX.mixing is 0; it must be a whole number of at least 1."),
        (lambda: QMIX(hyper=(0,)), "A width in QMIX.hyper is 0"),
        (lambda: VDN(nets="both"), "VDN.nets is 'both'; it must be 'shared' or 'separate'."),
        (lambda: VDN(memory=-1), "VDN.memory is -1"),
        (lambda: VDN(length=0), "VDN.length is 0"),
        (lambda: VDN(batch=9, buffer=5), "it needs batch <= warmup <= buffer"),
        (lambda: VDN(epsilon=3), "VDN.epsilon is 3"),
        (lambda: VDN(clip=0), "VDN.clip is 0"),
        (lambda: VDN(overrides={"all": dict(mixing=3)}), r"names 'mixing', which VDN does not have"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_streams_that_make_no_whole_teams_are_refused():
    lanes, _ = build(VDN(), WHO)
    with pytest.raises(ValueError, match="got 4 streams; it needs 3 for each world"):
        lanes.act(np.zeros((4, 4, D), np.float32), np.ones((4, 4, A), bool), np.ones((4, 4), bool))
