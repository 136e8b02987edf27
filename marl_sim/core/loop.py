"""The engine's loop: takes worlds, one after another, through one step of any game.

The loop knows no game. A program (core.program) lists a game's stages, the rules that each runs, and where everything
lies; rules are called by address. So the loop is compiled once, a rule once, and another composition of known parts
compiles nothing.

One step of a world: `apply` what was chosen, `advance` to the next stage in which somebody acts (through the ends of
rounds and of the episode; a world whose episode is over shows its last observation and starts anew), and `show` what
may be chosen there and what was earned.
"""

from __future__ import annotations

import numba

from .native import (
    address,
    at,
    call,
    copy,
    f4_2,
    f8_1,
    f8_2,
    fill,
    i4_1,
    i4_2,
    i8_1,
    item,
    prefetch,
    record,
    sheet,
    table,
    u1_1,
    u1_2,
    u8_1,
    wipe,
)
from .rng import mix

STEP, RESET, CHECK, STEP_CHECKED = 0, 1, 2, 3  # modes of run
FINE, STUCK = -1, -2  # what run returns, where it is not the place of an illegal action: world * n_agents + agent
MAX_PASSES = 1000  # stages opened in one step before a game that nobody can act in is refused

# The head of a program. Sizes; where the arrays of world 0 lie; for arrays outside the row, bytes from world to world.
HEAD = (
    "n", "choices", "width", "stages", "first_round_stage", "components", "choice_names", "settles",
    "row_bytes", "busy_bytes", "renewed_words", "lasting_words", "counted_words",
    "renewed", "lasting", "counted", "last_counted", "paid", "counts", "renewed_template", "lasting_template",
    "tick", "stage", "over", "clock", "reopen", "again", "target", "action", "acting",
    "seeds", "worlds", "terminated", "truncated", "round_over", "reward", "reward_bytes", "legal", "legal_bytes",
    "obs", "final_obs", "obs_bytes", "settled_obs", "settled_obs_bytes", "settled", "settled_bytes",
    "scratch", "scratch_bytes", "functions", "arguments", "table", "sequences",
)  # fmt: skip
# A stage: its operations by number (-1: none; a run of them as first and one past the last), and its sizes.
STAGE = (
    "then", "then_end", "begin", "begin_end", "acting", "settling", "legal", "looks", "looks_end", "block", "block_end",
    "choices", "offset",
)  # fmt: skip
EVENTS = ("start", "open", "deal", "round")  # sequences of operations that belong to no stage
SEQUENCE = ("first", "end")

head_of, stage_of, sequence_of = record(HEAD), record(STAGE), record(SEQUENCE)


@numba.njit
def operate(h, first, end, row, key, out, scratch):
    """Run operations first to end-1."""
    functions, arguments = table(h.functions, end), table(h.arguments, end)
    for o in range(first, end):
        call(functions[o], arguments[o], row, key, out, scratch)


@numba.njit
def react(h, event, row, key):
    """Run what the parts do at an event."""
    sequence = sequence_of(h.sequences, event)
    operate(h, sequence.first, sequence.end, row, key, h.scratch, h.scratch)


@numba.njit
def seat(h, o, row, key):
    """Who acts, about whom, by operation `o` (none: everybody, about nobody). Whether anybody does."""
    acting = u1_1(row, h.acting, h.n)
    if o < 0:
        fill(acting, 1)
        return True
    operate(h, o, o + 1, row, key, h.scratch, h.scratch)
    for i in range(h.n):  # noqa: SIM110 (any() of a generator does not compile)
        if acting[i]:
            return True
    return False


@numba.njit
def clear_seats(h, row):
    """Nobody acts, about nobody."""
    fill(u1_1(row, h.acting, h.n), 0)
    fill(i4_1(row, h.target, h.n), -1)


@numba.njit
def observe(h, k, row, key, out, scratch):
    """Fill the observation at `out`, so far 0: the stage for everybody, the block of its kind for those who act."""
    obs = sheet(out, h.n, h.width)
    for i in range(h.n):
        obs[i, k] = 1.0
    stage = stage_of(h.table, k)
    operate(h, stage.looks, stage.looks_end, row, key, out, scratch)


@numba.njit
def erase(h, k, row, out):
    """Undo `observe` while the same agents act: far fewer columns than all."""
    obs, acting, stage = sheet(out, h.n, h.width), u1_1(row, h.acting, h.n), stage_of(h.table, k)
    for i in range(h.n):
        obs[i, k] = 0.0
        if acting[i]:
            wipe(out, h.width, i, stage.block, stage.block_end)


@numba.njit
def apply(h, k, row, key, actions, w):
    """Everybody has chosen: count, apply, let the others react."""
    action, acting = i4_1(row, h.action, h.n), u1_1(row, h.acting, h.n)
    counts, stage = i4_2(row, h.counts, h.n, h.choice_names), stage_of(h.table, k)
    for i in range(h.n):
        action[i] = actions[w, i]
        if acting[i]:
            counts[i, stage.offset + action[i]] += 1
    operate(h, stage.then, stage.then_end, row, key, h.scratch, h.scratch)


@numba.njit
def settle(h, w, row, key, draw, scratch):
    """At the end of a pass through the round: every standing decision's observation as it would be now."""
    acting = u1_1(row, h.acting, h.n)
    first = address(at(w, h.settled_obs_bytes), h.settled_obs)
    settled = u1_2(at(w, h.settled_bytes), h.settled, h.stages, h.n)
    for k in range(h.stages):
        out = item(first, k, h.obs_bytes)
        obs = sheet(out, h.n, h.width)
        for i in range(h.n):
            fill(obs[i], 0.0)
        clear_seats(h, row)
        stage = stage_of(h.table, k)
        seat(h, stage.settling, row, draw)
        observe(h, k, row, key, out, scratch)
        for i in range(h.n):
            settled[k, i] = acting[i]


@numba.njit
def close_round(h, w, row, key, draw, ended, scratch):
    """The last stage of a round is done: settle, let the parts react. Whether the episode has ended."""
    over, clock, again = i4_1(row, h.over, 1), i4_1(row, h.clock, 1), i4_1(row, h.again, 1)
    round_over = u1_1(at(w, 1), h.round_over, 1)
    if h.settles and not round_over[0]:  # a pass in which nobody could act settles nothing
        settle(h, w, row, key, draw, scratch)
    round_over[0] = 1
    clear_seats(h, row)
    if again[0] and not ended:
        return False
    if not ended:
        react(h, 3, row, draw)
    return ended or over[0] != 0 or clock[0] != 0


@numba.njit
def end(h, k, w, row, out):
    """The episode is over: keep what was last seen (stage k's observation) and counted, and start anew."""
    obs, final = sheet(out, h.n, h.width), f4_2(at(w, h.obs_bytes), h.final_obs, h.n, h.width)
    for i in range(h.n):
        copy(final[i], obs[i])
    erase(h, k, row, out)
    over = i4_1(row, h.over, 1)[0]
    u1_1(at(w, 1), h.terminated, 1)[0] = over != 0
    u1_1(at(w, 1), h.truncated, 1)[0] = over == 0
    copy(i8_1(row, h.last_counted, h.counted_words), i8_1(row, h.counted, h.counted_words))
    renew(h, row, over != 0)


@numba.njit
def renew(h, row, lasting_too):
    """State as it is at the start of an episode."""
    copy(i8_1(row, h.renewed, h.renewed_words), table(h.renewed_template, h.renewed_words))
    if lasting_too:
        copy(i8_1(row, h.lasting, h.lasting_words), table(h.lasting_template, h.lasting_words))


@numba.njit
def advance(h, w, row, key, k, starting, ended, out, scratch):
    """From stage k on, find the next in which somebody acts, and show it. Its number, or -1 if there is none."""
    reopen, again = i4_1(row, h.reopen, 1), i4_1(row, h.again, 1)
    opening = starting
    shown = False
    for passes in range(1, MAX_PASSES + 1):
        draw = mix(key, passes)
        if k == h.stages:
            repeat = again[0] != 0 and not ended
            ended = close_round(h, w, row, key, draw, ended, scratch)
            k = h.first_round_stage
            again[0] = 0
            if not repeat:
                opening = reopen[0] != 0 or ended
                reopen[0] = 0
        if starting:
            starting = False
            react(h, 0, row, draw)
        if opening:
            opening = False
            k = 0
            react(h, 1, row, draw)
        if k == h.first_round_stage:
            react(h, 2, row, draw)
        clear_seats(h, row)
        stage = stage_of(h.table, k)
        operate(h, stage.begin, stage.begin_end, row, draw, scratch, scratch)
        if seat(h, stage.acting, row, draw):
            observe(h, k, row, key, out, scratch)
        elif not (ended and not shown and passes > h.stages + 1):
            k += 1
            continue
        if not ended or shown:
            return k
        shown = True
        end(h, k, w, row, out)
        starting = True
        opening = True
    return -1


@numba.njit
def show(h, w, k, row, key, scratch):
    """What may be chosen in stage k, and what the step has paid."""
    acting, stage = u1_1(row, h.acting, h.n), stage_of(h.table, k)
    legal = u1_2(at(w, h.legal_bytes), h.legal, h.n, h.choices)
    for i in range(h.n):
        open_to = stage.choices if acting[i] else 1
        for a in range(h.choices):
            legal[i, a] = a < open_to
    if stage.legal >= 0:
        operate(h, stage.legal, stage.legal + 1, row, key, address(at(w, h.legal_bytes), h.legal), scratch)
    reward, paid = f8_1(at(w, h.reward_bytes), h.reward, h.n), f8_2(row, h.paid, h.components, h.n)
    for i in range(h.n):
        reward[i] = 0.0
    for c in range(h.components):
        for i in range(h.n):
            reward[i] += paid[c, i]


@numba.njit
def step_world(h, w, actions, resets, lane):
    """One world's step; False if nobody can act any more."""
    row = at(w, h.row_bytes)
    scratch = item(h.scratch, lane, h.scratch_bytes)
    out = address(at(w, h.obs_bytes), h.obs)
    tick, stage = i8_1(row, h.tick, 1), i4_1(row, h.stage, 1)
    tick[0] += 1
    key = mix(mix(u8_1(at(w, 8), h.seeds, 1)[0], i8_1(at(w, 8), h.worlds, 1)[0]), tick[0])
    u1_1(at(w, 1), h.terminated, 1)[0] = 0
    u1_1(at(w, 1), h.truncated, 1)[0] = 0
    u1_1(at(w, 1), h.round_over, 1)[0] = 0
    if h.settles:
        settled = u1_2(at(w, h.settled_bytes), h.settled, h.stages, h.n)
        for k in range(h.stages):
            fill(settled[k], 0)
    paid = f8_2(row, h.paid, h.components, h.n)
    for c in range(h.components):
        fill(paid[c], 0.0)
    k = int(stage[0])
    ended = False
    if resets:
        renew(h, row, True)
        obs = sheet(out, h.n, h.width)
        for i in range(h.n):
            fill(obs[i], 0.0)
    else:
        erase(h, k, row, out)
        apply(h, k, row, key, actions, w)
        ended = i4_1(row, h.over, 1)[0] != 0
        k = h.stages if ended else k + 1
    k = advance(h, w, row, key, k, resets, ended, out, scratch)
    if k < 0:
        return False
    stage[0] = k
    show(h, w, k, row, key, scratch)
    return True


@numba.njit
def first_illegal(h, actions, first, end):
    """Place (world * n_agents + agent) of the first action that is not legal, or FINE."""
    for w in range(first, end):
        legal = u1_2(at(w, h.legal_bytes), h.legal, h.n, h.choices)
        for i in range(h.n):
            a = actions[w, i]
            if a < 0 or a >= h.choices or legal[i, a] == 0:
                return w * h.n + i
    return FINE


def run(program, actions, first, end, mode, lane):
    """Take worlds first..end-1 through a step, or check their actions, or reset them."""
    h = head_of(program, 0)
    if mode in (STEP, CHECK):
        bad = first_illegal(h, actions, first, end)
        if bad >= 0 or mode == CHECK:
            return bad
    for w in range(first, end):
        if w + 1 < end:
            prefetch(at(w + 1, h.row_bytes), h.tick, h.busy_bytes)
        if not step_world(h, w, actions, mode == RESET, lane):
            return STUCK
    return FINE
