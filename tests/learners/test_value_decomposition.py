"""VDN and QMIX: what they compute, store and refuse, against plain torch and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from team_play import A, D, build, drive
from torch import nn

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


# ---------------------------------------------------------------- what is refused


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
