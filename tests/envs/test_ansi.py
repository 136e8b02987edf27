"""The text picture."""

import pytest

import marl_sim as ms


@pytest.mark.parametrize("face", [ms.parallel_env, ms.aec_env])
def test_a_picture_says_who_did_what(face, society):
    env = face(society, render_mode="ansi")
    env.reset(seed=0)
    first = env.render().splitlines()
    assert first[0] == "society: step 0, round 1; stage 'select' is open"
    assert len(first) == 2 + society.n_agents
    assert "decides" in first[1]
    assert "reputation" in first[1]
    if face is ms.parallel_env:
        env.step({"agent_0": 2, "agent_1": 0, "agent_2": 1, "agent_3": 0})
    else:
        for action in (2, 0, 1, 0):
            env.step(action)
    second = env.render().splitlines()
    assert second[0] == "society: step 1, round 1; stage 'play' is open"
    assert second[1] == "played: stage 'select'"
    assert "peer 2" in second[3]
    assert sum("on agent_" in line for line in second) == 2


def test_a_picture_of_the_end(society):
    """The last stage and its pay, although the next episode has begun inside."""
    env = ms.parallel_env(society, render_mode="ansi")
    seen, _ = env.reset(seed=0)
    while env.agents:
        seen, *_ = env.step({agent: int(seen[agent]["action_mask"].argmax()) for agent in env.agents})
    lines = env.render().splitlines()
    assert lines[0].endswith("; the episode is over (terminated)")
    assert lines[1] == f"played: stage {society.stages[-1].name!r}"
    assert "decides" not in lines[2]
    assert "let be" in env.render()
    env.reset()
    assert "step 0" in env.render()


def test_every_game_has_a_picture(game):
    env = ms.parallel_env(game, render_mode="ansi")
    seen, _ = env.reset(seed=0)
    for _ in range(30):
        assert env.possible_agents[-1] in env.render()
        if not env.agents:
            break
        seen, *_ = env.step({agent: int(seen[agent]["action_mask"].argmax()) for agent in env.agents})


def test_drawing_changes_nothing(society):
    import numpy as np

    drawn, plain = ms.parallel_env(society, render_mode="ansi"), ms.parallel_env(society)
    drawn.reset(seed=1)
    plain.reset(seed=1)
    while plain.agents:
        actions = {agent: int(plain._mask[i].argmax()) for i, agent in enumerate(plain.agents)}
        drawn.render()
        assert drawn.step(actions)[1] == plain.step(actions)[1]
        assert np.array_equal(drawn.state(), plain.state())


def test_without_a_mode_nothing_is_drawn(society):
    env = ms.parallel_env(society)
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode='ansi'"):
        assert env.render() is None
