"""Runs the conditions of a study, one after another or several at a time, each of which can be stopped and resumed.

A trainer is what `Condition.trainer(game, learner, **arguments)` returns; the runner asks of it only

    run()                               iterator over blocks of episodes, each a list of rows (dicts of numbers)
    state_dict(), load_state_dict(d)    everything that decides what comes next, as a flat dict of arrays
    episode, steps, updates             counters since the beginning

Between two blocks its state must be whole. Where a trainer also has `final_state()`, that is what is kept of a finished
condition: the state without what only training needs, such as replay buffers. Where it has `close()`, that is called
at the end, however it comes.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marl_sim.training.config import deliberate
from marl_sim.training.progress import Display, Report
from marl_sim.training.records import ConditionRecord, RunFolder, lock
from marl_sim.training.watching import Watched

REPORT_EVERY = 0.1  # seconds


@dataclass(frozen=True)
class Condition:
    """One thing to train: pickled whole when it runs in another process."""

    name: str
    game: Any
    learner: Any
    trainer: Callable[..., Any]
    arguments: Mapping[str, Any] = field(
        default_factory=dict
    )  # keyword arguments of the trainer; "episodes" among them


def rollout_trainer(game: Any, learner: Any, **arguments: Any) -> Any:
    """The package's own trainer, loaded when first wanted, so that torch is too; one torch thread.

    Sums over threads depend on their number, and with both cores busy a second thread makes small nets slower.
    """
    import torch

    from marl_sim.training.rollout import Trainer

    torch.set_num_threads(1)
    keep_large_blocks()
    return Trainer(game, learner, **arguments)


def run_conditions(
    folder: RunFolder, conditions: Sequence[Condition], workers: int, checkpoint_seconds: float, show: Display
) -> bool:
    """Train conditions to their end; True if all got there, False if Ctrl-C stopped them.

    The first Ctrl-C lets blocks under way end and stores them; a second one ends at once, with the rows and checkpoints
    there are. The first error stops the other conditions in the same way and is then raised.
    """
    waiting = [(index, c, folder.condition(c.name).path) for index, c in enumerate(conditions)]
    show.start([c.name for c in conditions], [int(c.arguments.get("episodes", 0)) for c in conditions])
    try:
        with interruptible() as stop:
            if workers > 1 and len(waiting) > 1:
                return _in_processes(waiting, min(workers, len(waiting)), checkpoint_seconds, show.update, stop)
            return all(train(*task, checkpoint_seconds, show.update, stop.is_set) for task in waiting)
    finally:
        show.close()


def train(
    index: int,
    condition: Condition,
    path: Path,
    checkpoint_seconds: float,
    report: Callable[[Report], None],
    stopping: Callable[[], bool],
) -> bool:
    """Train one condition from its newest checkpoint on, or anew; True if it got to its end.

    Checkpoints are `checkpoint_seconds` apart, or farther where writing one takes more than a twentieth of that.
    """
    if stopping():
        return False
    record = ConditionRecord(path, condition.name)
    with lock(path), closing(record), ExitStack() as ends:
        trainer = condition.trainer(condition.game, condition.learner, **condition.arguments)
        ends.callback(getattr(trainer, "close", lambda: None))
        if condition.trainer is rollout_trainer:
            keep_recipe(record, condition)
        state = record.resume()
        if state is not None:
            trainer.load_state_dict(state)
            del state
        try:
            if not _train_on(index, trainer, record, checkpoint_seconds, report, stopping):
                return False
            record.finish(getattr(trainer, "final_state", trainer.state_dict)(), trainer.episode)
            report(_report(index, trainer, finished=True))
        finally:
            if getattr(trainer, "policies", None):
                record.tell_of_seats(trainer.seats.report())
    return True


def _train_on(
    index: int, trainer: Any, record: ConditionRecord, checkpoint_seconds: float, report: Callable[[Report], None],
    stopping: Callable[[], bool],
) -> bool:  # fmt: skip
    """Train until the end, writing rows and checkpoints; False if it was stopped before."""
    told = stored = time.monotonic()
    watched = Watched(record.path)
    report(_report(index, trainer))
    cost = 0.0
    for rows in trainer.run():
        record.append(rows)
        stop, now = stopping(), time.monotonic()
        if stop or not checkpoint_seconds or now - stored >= max(checkpoint_seconds, 20 * cost):
            record.checkpoint(trainer.state_dict(), trainer.episode)
            stored = time.monotonic()
            cost = stored - now
        watched.offer(trainer, now)
        if now - told >= REPORT_EVERY:
            report(_report(index, trainer))
            told = now
        if stop:
            return False
    watched.end()
    return True


def keep_recipe(record: ConditionRecord, condition: Condition) -> None:
    """Write down what a condition is made of, so that what it learns can be played and evaluated later."""
    from marl_sim.training.runs import write_recipe

    write_recipe(record, condition.game, condition.learner, condition.arguments)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, and let the second one interrupt. No change outside the main thread."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handler(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, handler)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def usable_cores() -> int:
    """Cores this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_large_blocks() -> None:
    """Let glibc keep the blocks torch frees: returned to the system, each is paged in again at the next step."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    trim_threshold, mmap_threshold = -1, -3  # malloc.h
    mallopt(mmap_threshold, 32 << 20)  # the most glibc accepts
    mallopt(trim_threshold, 512 << 20)


def _report(index: int, trainer: Any, finished: bool = False) -> Report:
    return Report(index, int(trainer.episode), int(trainer.steps), int(trainer.updates), finished)


def _in_processes(
    waiting: Sequence[tuple[int, Condition, Path]],
    workers: int,
    checkpoint_seconds: float,
    report: Callable[[Report], None],
    stop: threading.Event,
) -> bool:
    context = multiprocessing.get_context("spawn")  # forking a process that has started threads can deadlock
    reports, stopping, abort = context.Queue(), context.Event(), context.Event()
    pool = ProcessPoolExecutor(workers, context, _begin_worker, (reports, stopping, abort))
    try:
        with _ignoring_interrupts():  # inherited by the workers: Ctrl-C goes to all, and only this process answers it
            tasks = [pool.submit(_work, *task, checkpoint_seconds) for task in waiting]
        _follow(tasks, reports, stopping, report, stop)
        ends = [task.result() for task in tasks]  # every one, so that no error stays hidden behind a stop
        return all(ends)
    except BrokenProcessPool:
        raise RuntimeError(
            "a worker process died: a study of your own needs `if __name__ == '__main__':` around what it runs; "
            "if it has that, memory may have run out, and --resume with fewer --workers goes on."
        ) from None
    except BaseException:
        stopping.set()
        if stop.is_set():
            abort.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        reports.close()


def _follow(
    tasks: Sequence[Future], reports: Any, stopping: Any, report: Callable[[Report], None], stop: threading.Event
) -> None:
    """Pass on reports until every task has ended; tell the workers when to stop."""
    while True:
        done, running = wait(tasks, timeout=0, return_when=FIRST_EXCEPTION)
        if stop.is_set() or any(task.exception() for task in done):
            stopping.set()
        try:
            report(reports.get(timeout=0.1))
        except queue.Empty:
            if not running:
                return


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_worker: dict[str, Any] = {}


def _begin_worker(reports: Any, stopping: Any, abort: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker.update(reports=reports, stopping=stopping)
    threading.Thread(target=_end_with_parent, args=(abort,), daemon=True).start()


def _end_with_parent(abort: Any) -> None:
    """End this worker when told to, or when the process that started it is gone."""
    parent = multiprocessing.parent_process()
    while not abort.wait(0.25) and parent is not None and parent.is_alive():
        pass
    os._exit(1)


def _work(index: int, condition: Condition, path: Path, checkpoint_seconds: float) -> bool:
    try:
        return train(index, condition, path, checkpoint_seconds, _worker["reports"].put, _worker["stopping"].is_set)
    except Exception as error:
        error.is_an_answer = deliberate(error, "__mp_main__")  # type: ignore[attr-defined]
        raise
