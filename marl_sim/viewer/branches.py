"""What would have happened: a replay, with one action changed, or with another mind in a seat from some step on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .minds import Minds, Recorded, check_seat
from .replays import Replay, ReplayError
from .timeline import Timeline


def branch(
    replay: Replay,
    step: int,
    change: Mapping[int, float] | None = None,
    policies: Mapping[int, Any] | None = None,
    minds: Minds | None = None,
) -> tuple[Replay, int]:
    """The replay again up to `step`; there the changed actions; from there on as long as before.

    change     {agent: action} at that step
    policies   {agent: whatever ms.as_policy takes} in these seats from that step on
    minds      who decides in all other seats; None: they do as recorded, as far as that is open
               (see minds.Recorded)

    Returns the branch and how many recorded decisions had to be replaced, because the world had gone another way.
    Raises ReplayError for a step that is not there or an action that is not open, ValueError for a seat that is not.
    """
    if not 0 <= step < len(replay.actions):
        raise ReplayError(f"the replay has the steps 0 to {len(replay.actions) - 1}; got {step}")
    game = replay.game
    history = Timeline(game, replay.seed, replay.world, list(replay.actions))
    kinds = []
    for _ in range(len(replay.actions)):
        kinds.append(game.stages[int(history.simulator.stage[0])].kind)
        history.forward()
    history.seek(step)
    others = minds or Recorded(game, list(replay.actions), kinds, step, replay.minds, policies)
    changed = {check_seat(game, agent): action for agent, action in (change or {}).items()}
    for agent, action in changed.items():
        if not history.acting[agent]:
            raise ReplayError(f"{game.agents[agent]} does not decide at step {step}")
        if game.box is None and not (0 <= int(action) < game.n_actions and history.legal[agent, int(action)]):
            stage = game.stages[int(history.simulator.stage[0])]
            open_now = [f"{a} ({stage.choices[a]})" for a in np.flatnonzero(history.legal[agent])]
            raise ReplayError(
                f"{game.agents[agent]} cannot do {action} at step {step}; it may do {' or '.join(open_now)}"
            )
    for t in range(step, len(replay.actions)):
        actions = others.decide(history.simulator)
        if t == step:
            for agent, action in changed.items():
                actions[agent] = action
        others.saw(history.play(actions), actions)
    return Replay.of(history, others.names, {**replay.notes, "branched_at": step}), getattr(others, "replaced", 0)
