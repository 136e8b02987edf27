"""Speed of the viewer: medians of one run, on one core.

    python benchmarks/viewer.py              pictures a second by game and by number of agents
    python benchmarks/viewer.py --profile    where the time of rgb_array goes
    python benchmarks/viewer.py --watch      a training alone and with a window on it, by turns (a display, or Xvfb)

Figures are per second of processor time of this process, so that other programs on the machine count less. "rgb_array"
is a step through PettingZoo and its picture at 512 x 512; "window" is a frame of the window in the middle of a deed, at
1280 x 800, without the copy to the screen.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import marl_sim as ms
from marl_sim.viewer.show import Show
from marl_sim.viewer.window import Window

ROOT = Path(__file__).resolve().parents[1]
GAMES = ("prisoners_dilemma", "direct_punishment", "society", "public_goods", "mac_spgg", "off_switch",
         "safe_interruptibility")  # fmt: skip
CROWDS = (5, 10, 30, 60)


def frames_a_second(work: Callable[[], Any], frames: int, repeats: int) -> float:
    """The median over repeats, by the processor's clock."""
    found = []
    for _ in range(repeats):
        began = time.process_time()
        for _ in range(frames):
            work()
        found.append(frames / (time.process_time() - began))
    return statistics.median(found)


def stepping(env: Any, render: bool) -> Callable[[], Any]:
    """One random step of a parallel environment, with its picture."""
    rng = np.random.default_rng(0)
    held = {"seen": env.reset(seed=0)[0]}

    def once() -> Any:
        if not env.agents:
            held["seen"] = env.reset()[0]
        masks = np.stack([held["seen"][agent]["action_mask"] for agent in env.agents])
        actions = np.where(masks, rng.random(masks.shape), -1).argmax(1).tolist()
        held["seen"] = env.step(dict(zip(env.agents, actions)))[0]
        return env.render() if render else None

    return once


def crowd(n: int) -> ms.Game:
    """Selection, punishment and reputation among n."""
    return ms.Society(ms.PrisonersDilemma(), ms.PartnerSelection(), ms.Punishment(), ms.Reputation(), n_agents=n)


def rgb_arrays(frames: int, repeats: int) -> None:
    """Pictures a second through PettingZoo."""
    print("rgb_array, 512 x 512          frames/s    microseconds of the step alone, with what pictures need")
    for label, game in [(name, ms.make(name)) for name in GAMES] + [(f"crowd of {n}", crowd(n)) for n in CROWDS]:
        env = ms.parallel_env(game, render_mode="rgb_array", render_size=(512, 512))
        once = stepping(env, True)
        for _ in range(frames // 2):
            once()
        alone = 1e6 / frames_a_second(stepping(ms.parallel_env(game, render_mode="rgb_array"), False), frames, 1)
        print(f"  {label:26}  {frames_a_second(once, frames, repeats):8.0f}    {alone:.0f}")


def windows(frames: int, repeats: int) -> None:
    """Frames of the window a second, while deeds are on their way."""
    print("window, 1280 x 800            frames/s")
    for n in CROWDS:
        window = Window(Show(crowd(n)), size=(1280, 800))
        for _ in range(60):
            window.show.step()
        now = time.monotonic()
        state = {"k": 0}

        def once(window: Window = window, now: float = now, state: dict[str, int] = state) -> None:
            state["k"] += 1
            if state["k"] % 20 == 0:
                window.show.step()
            window.stepped_at = now - 0.01 * (state["k"] % 30)
            window.draw((1280, 800), now)

        for _ in range(frames // 4):
            once()
        print(f"  {n:3} agents                  {frames_a_second(once, frames // 2, repeats):8.0f}")


def profile(frames: int) -> None:
    """Where the time goes."""
    once = stepping(ms.parallel_env("direct_punishment", render_mode="rgb_array", render_size=(512, 512)), True)
    for _ in range(frames):
        once()
    seen = cProfile.Profile()
    seen.enable()
    for _ in range(frames):
        once()
    seen.disable()
    pstats.Stats(seen).sort_stats("tottime").print_stats(18)


def used_by_windows(folder: str) -> float:
    """Seconds of the processor that windows on runs in a folder have used; NaN where that cannot be asked."""
    found, tick = float("nan"), os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            if folder.encode() in words and b"--follow" in words:
                user, system = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
                found = (0.0 if found != found else found) + (int(user) + int(system)) / tick
        except OSError:  # it has ended meanwhile
            continue
    return found


def trained(folder: str, env: dict[str, str], episodes: int, *more: str) -> tuple[float, float]:
    """Seconds on the wall and of the processor that a training takes."""
    what = (
        f"train direct_punishment --learner dqn --seeds 2 --episodes {episodes} --workers 1 --checkpoint-seconds 1000"
    )
    words = [sys.executable, "-m", "marl_sim", *what.split(), "--quiet", "--out", folder]
    began = time.monotonic()
    child = subprocess.Popen([*words, *more], env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit("the training failed")
    return time.monotonic() - began, used.ru_utime + used.ru_stime


def watch(episodes: int, repeats: int) -> None:
    """A training alone and watched, by turns; its windows are closed after it."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    server = None
    if not os.environ.get("DISPLAY"):
        if shutil.which("Xvfb") is None:
            raise SystemExit("--watch needs a display, or Xvfb")
        reader, writer = os.pipe()
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x900x24"], pass_fds=(writer,)
        )
        os.close(writer)
        with os.fdopen(reader) as told:
            env["DISPLAY"] = f":{told.readline().strip()}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            trained(folder, env, 10)  # compiles
            took: dict[str, list[tuple[float, float]]] = {"alone": [], "watched": []}
            for _ in range(repeats):
                took["alone"].append(trained(folder, env, episodes))
                took["watched"].append(trained(folder, env, episodes, "--watch"))
                used = used_by_windows(folder)
                print(f"  alone {took['alone'][-1][0]:.1f} s, watched {took['watched'][-1][0]:.1f} s; its windows have "
                      f"used {used:.1f} s of the processor", flush=True)  # fmt: skip
    finally:
        if server is not None:
            server.terminate()  # and with it the windows
    for k, clock in enumerate(("wall", "processor time of the training")):
        alone, watched = (statistics.median(one[k] for one in took[way]) for way in ("alone", "watched"))
        print(f"training, {clock}: alone {alone:.1f} s, watched {watched:.1f} s, {watched / alone - 1:+.1%}")


def main() -> None:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--watch", action="store_true")
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=600, help="of the training that is watched")
    options = parser.parse_args()
    if options.watch:
        watch(options.episodes, options.repeats)
    elif options.profile:
        profile(options.frames)
    else:
        rgb_arrays(options.frames, options.repeats)
        windows(options.frames, options.repeats)


if __name__ == "__main__":
    main()
