"""The laws that every registered learner keeps, whatever it learns: its lanes are independent agents, and nothing else.

    (l) eight lanes together are eight runs alone       test_eight_lanes_together_are_eight_runs_alone
    (m) another agent's payoffs change nothing: clip,   test_another_agents_payoffs_leave_an_agent_untouched
        normaliser, Adam, clocks and shuffles included  (test_the_variants_turn_on_what_could_leak)
    (n) no two lanes share initial weights or noise     test_no_two_lanes_share_initial_values_or_noise
    (o) seed 7 alone is seed 7 of 64                    test_one_seed_alone_is_the_same_among_sixty_four
    (p) a one-step game's last reward arrives           tests/probes, training/test_feeds, test_streams, test_rounds
    (q) truncation bootstraps, termination does not     test_returns, test_policy_numerics, test_value_decomposition,
                                                        test_deep_q_variants, training/test_feeds
    (r) resumed is never stopped                        test_a_resumed_run_is_one_that_never_stopped
    (s) who never acts learns nothing, drift included   test_an_agent_that_never_acts_learns_nothing
    (t) every algorithm reaches a known answer          PROBES, test_every_algorithm_has_a_probe

What holds for one way of learning alone is in test_transition_lanes, test_stream_lanes, test_sequence_lanes and
test_joint_lanes.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from learners.law_cases import WHO, Groups, Sequences, Streams, Transitions, cases_of, every_case

from marl_sim.learners import Learner, TabularQ

pytestmark = pytest.mark.nojit
CASES = every_case()
FIRST = list({case.name: case for case in reversed(CASES)}.values())  # of each learner
SLOW_ALONE = (0, 3, 7)  # lanes of the costlier variants that are run alone


def listed(cases):
    """Every learner as it comes in the default run; its variants (memory, pictures, boxes, ...) with the slow tests."""
    return [pytest.param(case, marks=() if case in FIRST else pytest.mark.slow) for case in cases]


each = pytest.mark.parametrize("case", listed(CASES), ids=str)
# For streams the files of their own try the same in every variant, and more of it.
few = [case for case in CASES if not isinstance(case, Streams) or case in FIRST]
mostly = pytest.mark.parametrize("case", listed(few), ids=str)
once = pytest.mark.parametrize("case", FIRST, ids=str)


def test_every_registered_learner_is_here():
    assert {case.name for case in CASES} == set(Learner.registry)


def test_a_new_learner_is_picked_up_and_tried():
    """A toy that is registered gets a case by its feed, and a fault in it is found."""

    @dataclass(frozen=True, kw_only=True)
    class Toy(TabularQ):
        def build(self, spec, seeds, team_index, device="cpu"):
            lanes = super().build(spec, seeds, team_index, device)
            learn = lanes.learn

            def leaks():
                learn()
                lanes.table += lanes.table.mean() * 1e-9  # what a lane learns trickles into the others

            lanes.learn = leaks
            return lanes

    try:
        (case,) = cases_of("Toy")
        assert isinstance(case, Transitions)
        with pytest.raises(AssertionError):
            test_eight_lanes_together_are_eight_runs_alone(case)
        with pytest.raises(AssertionError):
            test_another_agents_payoffs_leave_an_agent_untouched(case)
    finally:
        del Learner.registry["Toy"]


@each
def test_eight_lanes_together_are_eight_runs_alone(case):
    together, worlds = case.build(WHO)
    acted = case.drive(together, worlds, case.steps)
    assert (together.updates >= case.least).all()
    if isinstance(case, Sequences):
        assert (together.params != together.target).any()
    few = isinstance(case, Groups) or (isinstance(case, Streams) and case.variant not in ("plain", "gru"))
    for lane in SLOW_ALONE if few else range(len(WHO)):
        alone, own = case.build([WHO[lane]])
        for ours, mine in zip(acted, case.drive(alone, own, case.steps), strict=True):
            assert ours[lane].tobytes() == mine[0].tobytes()
        case.same(together, lane, alone, 0)


@each
def test_another_agents_payoffs_leave_an_agent_untouched(case):
    quiet, worlds = case.build(WHO)
    case.drive(quiet, worlds, case.steps)
    loud, worlds = case.build(WHO, agent_2=dict(scale=1e6))
    case.drive(loud, worlds, case.steps)
    for lane, (_, agent) in enumerate(WHO):
        if agent != 2:
            case.same(quiet, lane, loud, lane)
    if case.name != "ExactLOLA":  # which learns from the table of payoffs it is given, not from experience
        assert not np.array_equal(case.trained(quiet)[2], case.trained(loud)[2])


def test_the_variants_turn_on_what_could_leak():
    """So that (m) is tried with a limit on gradients, normalisers, schedules and shuffled minibatches."""
    for name in Learner.registry:
        options = [vars(case.learner) for case in CASES if case.name == name]
        has = set(options[0])
        for limit in {"clip", "clip_norm"} & has if name != "PPO" and name != "MAPPO" else {"clip_norm"}:
            assert any(o[limit] for o in options), (name, limit)
        for flag in {"normalise_values", "normalise_advantages"} & has:
            assert any(o[flag] for o in options), (name, flag)
        if "minibatches" in has:
            assert any(o["minibatches"] > 1 for o in options), name


@once
def test_one_seed_alone_is_the_same_among_sixty_four(case):
    steps = 20 if not hasattr(case.learner, "steps") else 2 * case.learner.steps + 1
    alone, worlds = case.build([(7, 0), (7, 1)])
    case.drive(alone, worlds, steps)
    among, worlds = case.build([(seed, agent) for seed in range(64) for agent in range(2)])
    case.drive(among, worlds, steps)
    case.same(among, 14, alone, 0)
    case.same(among, 15, alone, 1)
    assert alone.updates.min() > 0


@mostly
def test_no_two_lanes_share_initial_values_or_noise(case):
    """Nor two heads of the same agent, where a learner has heads."""
    who = [(seed, agent) for seed in range(8) for agent in range(5)]
    heads = ("play",) if not isinstance(case, Transitions | Streams) else ("play", "punish")
    made = [case.build(who, name)[0] for name in heads]
    begun = np.concatenate([case.trained(lanes) for lanes in made])
    drawn = begun[:, (begun != begun[:1]).any(0)]
    if getattr(case.learner, "init", "uniform") == "uniform" and not getattr(made[0], "mixed", False):
        assert drawn.shape[1] and all(len(np.unique(column)) == len(begun) for column in drawn.T)
    for lanes in made:  # one and the same policy, so that what differs is noise
        if hasattr(lanes, "epsilon"):
            lanes.epsilon = lambda: np.ones(40)
        for name in {"params", "theta"} & set(vars(lanes)):
            getattr(lanes, name)[:] = getattr(made[0], name)[:1]
    streams, spec = case.streams(60), made[0].spec
    obs, yes = np.zeros((40, streams, spec.obs_dim), np.float32), np.ones((40, streams), bool)
    legal = np.ones((40, streams, spec.n_actions), bool)
    noise = np.concatenate([lanes.act(obs, legal, yes).reshape(40, -1) for lanes in made])
    assert len(np.unique(noise, axis=0)) == len(noise)


@each
def test_a_resumed_run_is_one_that_never_stopped(case):
    """Stopped before the first decision, and later; in fresh lanes, and in such as went through something else."""
    few = WHO[:5]
    for before in case.resumes_at:
        lanes, worlds = case.build(few)
        case.drive(lanes, worlds, before)
        saved, twin_worlds = lanes.state_dict(), case.again(worlds)
        twin, others = case.build(few)
        if before != case.resumes_at[-1]:  # what it went through before is forgotten
            case.drive(twin, others, 4)
        twin.load_state_dict(saved)
        assert twin.state_dict().keys() == saved.keys()
        for lane in range(len(few)):
            case.same(lanes, lane, twin, lane)
        for ours, theirs in zip(case.drive(lanes, worlds, 20), case.drive(twin, twin_worlds, 20), strict=True):
            assert ours.tobytes() == theirs.tobytes()
        for lane in range(len(few)):
            case.same(lanes, lane, twin, lane)


@each
def test_an_agent_that_never_acts_learns_nothing(case):
    """Adam drifts nowhere, no clock moves; what is not learned from may be kept."""
    lanes, worlds = case.build(WHO, agent_1=dict(idle=True))
    fresh = case.build(WHO)[0].state_dict()
    case.drive(lanes, worlds, case.steps)
    after = lanes.state_dict()
    for lane, (_, agent) in enumerate(WHO):
        if agent != 1:
            assert lanes.updates[lane] > 0
            continue
        for name in fresh:
            if name.startswith(tuple(case.by_clock)) or after[name].shape != fresh[name].shape:
                continue
            assert after[name][lane].tobytes() == fresh[name][lane].tobytes(), name


@mostly
def test_acting_greedily_leaves_training_as_it_was(case):
    unseen, worlds = case.build(WHO)
    case.drive(unseen, worlds, 20)
    watched, worlds = case.build(WHO)
    streams = case.streams(2)
    spec = watched.spec
    asked = (
        np.ones((8, streams, spec.obs_dim), np.float32), np.ones((8, streams, spec.n_actions), bool),
        np.ones((8, streams), bool),
    )  # fmt: skip
    elsewhere = dict(memory=watched.fresh_memory(streams)) if hasattr(watched, "fresh_memory") else {}
    for _ in range(4):
        case.drive(watched, worlds, 5)
        watched.act(*asked, greedy=True, **elsewhere)
    watched.greedy_ties[:] = unseen.greedy_ties
    for lane in range(len(WHO)):
        case.same(unseen, lane, watched, lane)


@mostly
def test_what_was_learned_is_enough_to_act(case):
    lanes, worlds = case.build(WHO[:3])
    case.drive(lanes, worlds, case.steps)
    learned = lanes.learned()
    assert not any(name.startswith(lanes.ONLY_FOR_LEARNING) for name in learned)
    other, _ = case.build(WHO[:3])
    other.load_learned(learned)
    streams, spec = case.streams(2), lanes.spec
    asked = (
        np.ones((3, streams, spec.obs_dim), np.float32), np.ones((3, streams, spec.n_actions), bool),
        np.ones((3, streams), bool),
    )  # fmt: skip
    acted = []
    for one in (lanes, other):
        elsewhere = dict(memory=one.fresh_memory(streams)) if hasattr(one, "fresh_memory") else {}
        acted.append(one.act(*asked, greedy=True, **elsewhere).copy())
    assert np.array_equal(*acted)


# Where each algorithm is asked for a known answer: a test module that trains it.
PROBES = {
    "A2C": "test_policy_probes", "COMA": "test_policy_probes", "DQN": "test_probes", "DRQN": "test_recurrent_q",
    "ExactLOLA": "test_lola_dilemmas", "Exp3": "test_tabular_family", "ExpectedSARSA": "test_tabular_family",
    "FictitiousPlay": "test_repeated_games", "Hedge": "test_repeated_games",
    "JointActionLearner": "test_repeated_games", "LIO": "test_lio", "LOLA": "test_lola_dilemmas",
    "MAA2C": "test_policy_probes", "MAPPO": "test_policy_probes", "PPO": "test_policy_probes",
    "QMIX": "test_two_step_game", "REINFORCE": "test_policy_probes", "SARSA": "test_tabular_family",
    "TabularActorCritic": "test_tabular_family", "TabularQ": "test_probes", "VDN": "test_two_step_game",
    "WoLFPHC": "test_repeated_games",
}  # fmt: skip


def test_every_algorithm_has_a_probe():
    assert PROBES.keys() == Learner.registry.keys()
    for name, module in PROBES.items():
        source = ast.parse((Path(__file__).parent / f"{module}.py").read_text())
        named = {node.id for node in ast.walk(source) if isinstance(node, ast.Name)}
        named |= {node.value for node in ast.walk(source) if isinstance(node, ast.Constant) and node.value == name}
        assert name in named, (name, module)
