"""Networks and learning steps of policy learners against torch's own modules and its Adam."""

import copy
import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from learners.plain_policy import PlainPolicy, gae, order_of, parameters_of, streams_of
from learners.stream_worlds import CASES, Case, drive
from torch import nn
from torch.distributions import Categorical

from marl_sim.learners import A2C, HeadSpec, Linear
from marl_sim.learners.actor_critic import BLOCK
from marl_sim.learners.coma import others_of
from marl_sim.learners.convolution import Conv
from marl_sim.learners.nets import affine, draw
from marl_sim.learners.recurrent import GRU
from marl_sim.learners.samples import weighted
from marl_sim.learners.streams import LOOK

WHO = [(3, 0), (3, 1), (7, 0)]
LANE = 1
close = partial(np.testing.assert_allclose, rtol=2e-3, atol=2e-5)


# -- parts ---------------------------------------------------------------------------------------------------------


def rows_of(part, lanes=3):
    return torch.tensor(draw(np.arange(1, lanes + 1, dtype=np.uint64), part.bounds()))


@pytest.mark.parametrize("lanes", [8, 13])
@pytest.mark.parametrize("outputs", [1, 3, 8, 24, 64])
@pytest.mark.parametrize("inputs", [1, 2, 5, 16])
def test_a_lanes_products_and_their_gradients_do_not_round_by_its_company(inputs, outputs, lanes):
    g = torch.Generator().manual_seed(0)

    def differentiated(x, matrix, back):
        x, matrix = x.clone().requires_grad_(), matrix.clone().requires_grad_()
        y = affine(x, matrix)
        return y.detach(), *torch.autograd.grad(y, (x, matrix), back)

    for samples in (1, 3, 32, 96):
        x, matrix, back = (
            torch.randn(lanes, *size, generator=g)
            for size in ((samples, inputs), (inputs + 1, outputs), (samples, outputs))
        )
        together = differentiated(x, matrix, back)
        for lane in (0, lanes // 2, lanes - 1):
            own = slice(lane, lane + 1)
            for ours, alone in zip(together, differentiated(x[own], matrix[own], back[own])):
                assert torch.equal(ours[lane], alone[0])


def test_sums_of_a_lane_do_not_round_by_how_many_blocks_there_are():
    g = torch.Generator().manual_seed(0)
    each, weight = torch.randn(2, 9, 5, BLOCK, generator=g)
    short = weighted(each, weight)
    for blocks in (1, 2, 5):
        longer = [nn.functional.pad(x, (0, blocks * BLOCK)) for x in (each, weight)]
        assert torch.equal(weighted(*longer), short)
    torch.testing.assert_close(short, (each * weight).sum((1, 2)))


@pytest.mark.parametrize(("inputs", "size"), [(1, 1), (3, 5), (4, 8)])
def test_a_gated_unit_is_torchs(inputs, size):
    gru, g = GRU(inputs, size), torch.Generator().manual_seed(0)
    params = rows_of(gru)
    x, h = torch.randn(3, 6, 9, inputs, generator=g), torch.randn(3, 6, size, generator=g)
    fresh = torch.rand(3, 6, 9, generator=g) < 0.3
    unrolled = gru.unroll(params, x, h, fresh)
    for lane in range(3):
        cell = gru.module(params[lane].numpy())
        assert isinstance(cell, nn.GRUCell)
        stepped = gru.step(params, x[:, :, 0], h)[lane]
        torch.testing.assert_close(stepped, cell(x[lane, :, 0], h[lane]), rtol=1e-5, atol=1e-6)
        memory = h[lane]
        for t in range(9):
            memory = cell(x[lane, :, t], torch.where(fresh[lane, :, t, None], 0.0, memory))
            torch.testing.assert_close(unrolled[lane, :, t], memory, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("image", "channels"), [((2, 3, 1), (4,)), ((5, 4, 3), (2, 7)), ((1, 1, 2), (3,))])
def test_a_convolution_is_torchs(image, channels):
    conv, g = Conv(image, channels), torch.Generator().manual_seed(0)
    params = rows_of(conv)
    x = torch.randn(3, 5, int(np.prod(image)), generator=g)
    out = conv.forward(params, x)
    assert out.shape == (3, 5, conv.outputs)
    for lane in range(3):
        module, start, y = conv.module(params[lane].numpy()), 0, x[lane].reshape(5, *image).permute(0, 3, 1, 2)
        for (i, o), (rows, _) in zip(conv.layers, conv.shapes):  # the layers themselves, in torch's own function
            matrix = params[lane, start : start + rows * o].reshape(rows, o)
            start += rows * o
            kernel = matrix[:-1].T.reshape(o, i, 3, 3)
            y = torch.relu(nn.functional.conv2d(y, kernel, matrix[-1], padding=1))
        theirs = y.permute(0, 2, 3, 1).reshape(5, -1)
        torch.testing.assert_close(out[lane], theirs, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(module(x[lane]), theirs, rtol=1e-5, atol=1e-6)


def test_parts_begin_as_torchs_do():
    """Within +-1/sqrt(inputs) (a gated unit: of its size), and the policy's last layer at a hundredth of that."""
    lanes = A2C(hidden=(32,), memory=16).build(HeadSpec("play", 9, 4), np.arange(30), np.zeros(30, int))
    names = lanes.net.names(lanes.params.numpy())
    limits = {"memory.input": 16, "memory.memory": 16, "policy.0": 16, "policy.1": 32e4, "critic.0": 16, "critic.1": 32}
    assert set(limits) == set(names)
    for name, inputs in limits.items():
        largest = np.abs(names[name]).max()
        assert 0.9 * inputs**-0.5 < largest <= inputs**-0.5, name


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.variant}")
def test_an_exported_policy_prefers_what_the_lane_prefers(case):
    """Alone in torch, with its memory, for each agent of the team, in pictures and boxes."""
    lanes, worlds = case.build(WHO)
    drive(lanes, worlds, 12)
    rng, r = np.random.default_rng(0), 3 * case.team
    module = lanes.export(LANE)
    mine, theirs = lanes.fresh_memory(r), torch.zeros(r, module.hidden)
    who, yes = torch.arange(r) % case.team, np.ones((3, r), bool)
    for _ in range(4):
        numbers = rng.normal(size=(3, r, case.spec.obs_dim))
        levels = case.spec.levels
        obs = (numbers if levels is None else rng.integers(0, levels, numbers.shape)).astype(np.float32)
        legal = rng.random((3, r, case.spec.n_actions)) < 0.7
        legal[..., 0] |= ~legal.any(-1)
        before = mine.copy()
        said = torch.tensor(lanes._prefer(lanes.params, obs, yes, mine, keep=False)[LANE])
        acted = lanes.act(obs, legal, yes, greedy=True, memory=before)
        assert np.array_equal(before, mine)
        with torch.no_grad():
            y, theirs = module(torch.tensor(obs[LANE]), torch.tensor(legal[LANE]), who, theirs)
        if case.spec.box is None:
            odds = torch.log_softmax(said.masked_fill(~torch.tensor(legal[LANE]), -1e9), -1)
            torch.testing.assert_close(y.exp(), odds.exp(), rtol=1e-4, atol=1e-5)
        else:
            close(y, acted[LANE], rtol=1e-4, atol=1e-5)
        if case.learner.memory:
            close(theirs, mine[LANE], rtol=1e-4, atol=1e-5)


# -- whole updates -------------------------------------------------------------------------------------------------


def before_and_after(case, rounds=2):
    """Lanes just before a round of learning, with all that it will see, and the same lanes after it."""
    lanes, worlds = case.build(WHO)
    if lanes.sight is not None:  # as if it had seen something before
        seen = np.random.default_rng(0).normal(1, 3, (len(WHO), 5, 4, case.spec.obs_dim)).astype(np.float32)
        lanes.sight.update(seen, np.ones(seen.shape[:3], bool))
    kept = {}
    learn = lanes._learn

    def watched():
        kept["before"] = copy.deepcopy({k: v for k, v in vars(lanes).items() if k != "_learn"})
        learn()

    lanes._learn = watched
    drive(lanes, worlds, rounds * case.learner.steps)
    before = copy.copy(lanes)
    vars(before).clear()
    vars(before).update(kept["before"])
    return before, lanes


def scaled(lanes, lane, targets):
    """From rewards to the critic's units and back: by moments that the new targets have moved."""
    if lanes.scale is None:
        return lambda x: x, lambda x: x

    def of(moments):
        weight, mean, square = moments
        mean, square = (mean / weight, square / weight) if weight else (0.0, 1.0)
        return mean, np.sqrt(max(square - mean**2, 1e-8))

    old = of(lanes.scale.moments[lane])
    new = of(0.99 * lanes.scale.moments[lane] + 0.01 * np.array([1, np.mean(targets), np.mean(np.square(targets))]))
    return lambda v: v * old[1] + old[0], lambda y: (y - new[0]) / new[1]


def told_again(lanes, lane):
    """The round of learning of one lane, in plain torch; returns its parameters afterwards."""
    o, plain, streams = lanes.options, PlainPolicy(lanes, lane), streams_of(lanes, lane)
    grow, _ = scaled(lanes, lane, [0])
    advantage, target = {}, {}
    for stream in streams:
        with torch.no_grad():
            values = [grow(float(plain.judged(e, f)[0])) for e, (_, f) in zip(stream, plain.said(stream))]
        for entry, a, v in zip(stream, gae(stream, values, o.gamma, o.lam), values):
            if entry.usable:
                advantage[entry.where], target[entry.where] = a, a + v
    if o.normalise_advantages:
        found = np.array(list(advantage.values()))
        advantage = {k: (a - found.mean()) / (found.std() + 1e-8) for k, a in advantage.items()}
    _, shrink = scaled(lanes, lane, list(target.values()))
    usable = [entry for stream in streams for entry in stream if entry.usable]
    units = list(range(len(streams))) if o.memory else usable
    parts = min(o.minibatches, len(streams)) if o.memory else o.minibatches
    for epoch in range(o.epochs):
        order = [units[k] for k in order_of(lanes, lane, len(units), epoch)]
        for part in range(parts):
            piece = order[len(order) * part // parts : len(order) * (part + 1) // parts]
            mine = {e.where for r in piece for e in streams[r] if e.usable} if o.memory else {e.where for e in piece}
            if not mine:
                continue
            losses = []
            for stream in streams:
                for entry, (policy, features) in zip(stream, plain.said(stream)):
                    if entry.where not in mine:
                        continue
                    logp = policy.log_prob(entry.action[0] if lanes.spec.box is None else entry.action)
                    gain = logp * advantage[entry.where]
                    if hasattr(o, "clip"):
                        w, a = torch.exp(logp - entry.logp), advantage[entry.where]
                        gain = torch.min(w * a, w.clamp(1 - o.clip, 1 + o.clip) * a)
                    error = plain.judged(entry, features)[0] - shrink(target[entry.where])
                    losses.append(-gain + o.value * error**2 / 2 - o.entropy * policy.entropy())
            plain.step(torch.stack(losses).mean())
    return parameters_of(plain)


ACTOR_CRITICS = [c for c in CASES if c.name in ("A2C", "PPO", "MAPPO", "MAA2C")]


@pytest.mark.parametrize("case", ACTOR_CRITICS, ids=lambda case: f"{case.name}-{case.variant}")
def test_an_update_of_a_lane_is_that_of_torchs_modules_and_adam(case):
    before, after = before_and_after(case, rounds=1)
    assert before.updates[LANE] == 0
    assert after.updates[LANE] > 0
    expected = told_again(before, LANE)
    for ours, theirs, begun in zip(parameters_of(PlainPolicy(after, LANE)), expected, plain_start(case)):
        close(ours, theirs)
        assert not np.array_equal(ours, begun)


def plain_start(case):
    return parameters_of(PlainPolicy(case.build(WHO)[0], LANE))


def coma_again(lanes, lane):
    """COMA's round for one lane in plain torch: counterfactual baselines, TD(lambda) by its recursion."""
    o, spec, plain, streams = lanes.options, lanes.spec, PlainPolicy(lanes, lane), streams_of(lanes, lane)
    target, epsilon = lanes.net.critic.module(lanes.target[lane].numpy()), lanes.epsilon()[lane]

    def q(critic, entry, features):
        state, others = entry.extra.split((spec.state_dim, spec.others))
        did = nn.functional.one_hot(others.long(), spec.n_actions).flatten().float()
        state = plain.state(state)
        seen = [state, did, features, plain.named(entry.agent)] if o.memory else [state, did, plain.named(entry.agent)]
        return critic(torch.cat(seen))

    losses = []
    for stream in streams:
        said = plain.said(stream)
        y = None
        for t in range(len(stream) - 1, -1, -1):
            entry, (policy, features) = stream[t], said[t]
            even = entry.legal / entry.legal.sum().clamp_min(1)
            policy = Categorical(probs=(1 - epsilon) * policy.probs + epsilon * even)
            with torch.no_grad():
                now, then = (q(critic, entry, features) for critic in (plain.critic, target))
                action = entry.action[0].long()
            if not entry.usable:  # a look is worth what the policy would do; an open decision what was done
                after = (policy.probs.detach() * then).sum() if entry.flags & 4 else then[action]
                y = after
                continue
            y = entry.reward + (0 if entry.flags & 2 else o.gamma * ((1 - o.lam) * after + o.lam * y))
            after = then[action]
            advantage = now[action] - (policy.probs.detach() * now).sum()
            error = q(plain.critic, entry, features)[action] - y
            losses.append(-advantage * policy.log_prob(action) + o.value * error**2 / 2 - o.entropy * policy.entropy())
    plain.step(torch.stack(losses).mean())
    return parameters_of(plain)


@pytest.mark.parametrize("case", [c for c in CASES if c.name == "COMA"], ids=lambda case: case.variant)
def test_an_update_of_coma_is_its_formula_in_torch(case):
    case = copy.copy(case)
    case.learner = dataclasses.replace(case.learner, normalise_values=False, normalise_advantages=False)
    before, after = before_and_after(case, rounds=1)
    for ours, theirs in zip(parameters_of(PlainPolicy(after, LANE)), coma_again(before, LANE)):
        close(ours, theirs)


def test_coma_learns_from_a_decision_once_the_next_has_been_taken():
    """Where worlds live on nothing is bootstrapped but from what was done; the last decision waits."""
    case = next(c for c in CASES if c.name == "COMA" and c.lives_on)
    lanes, worlds = case.build(WHO)
    returns, rounds = lanes._returns, []

    def watched(*arrays):
        returns(*arrays)
        assert not (lanes.streams.flags & LOOK).any()
        assert (lanes._kept() == lanes.streams.count - lanes.streams.open).all()
        rounds.append(lanes.streams.open.any())

    lanes._returns = watched
    drive(lanes, worlds, 3 * case.learner.steps)
    assert len(rounds) == 3 and all(rounds)


def test_comas_target_is_the_critic_of_a_while_ago():
    case = next(c for c in CASES if c.name == "COMA" and c.variant == "plain")
    lanes, worlds = case.build(WHO)
    critics = [lanes.net.of("critic", lanes.params).clone()]
    for _ in range(6):
        before = lanes.updates.copy()
        drive(lanes, worlds, case.learner.steps)
        assert (lanes.updates == before + 1).all()
        critics.append(lanes.net.of("critic", lanes.params).clone())
        done = len(critics) - 1
        assert torch.equal(lanes.target, critics[done - done % case.learner.target_every])


def test_others_are_told_in_the_order_of_the_agents():
    actions = np.array([[1, 2, 3, 7, 8, 9]])
    assert others_of(actions, 3).tolist() == [[[2, 3], [1, 3], [1, 2], [8, 9], [7, 9], [7, 8]]]
    assert others_of(actions, 1).shape == (1, 6, 0)


def test_step_sizes_follow_each_lanes_own_clock():
    """At lr 0 nothing moves; by half the schedule a step is half as large, to the momentum it carries."""
    case = Case("PPO", "plain", lr=Linear(0.01, 0.0, 4, per="updates"), epochs=1, minibatches=1)
    lanes, worlds = case.build([(3, 0), (7, 1)])
    drive(lanes, worlds, 7)
    assert lanes.updates.tolist() == [1, 1]
    lanes.updates[1] = 400  # a lane that has been learning for long
    before = lanes.params.clone()
    drive(lanes, worlds, 7)
    assert lanes.round_lr.tolist() == [0.0075, 0.0]
    assert not torch.equal(lanes.params[0], before[0])
    assert torch.equal(lanes.params[1], before[1])
    with pytest.raises(ValueError, match=r"Linear.start is 2; it must be a number from 0 to 1"):
        Linear(2, 0, 5)
