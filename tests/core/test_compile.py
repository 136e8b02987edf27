"""Compiled code: kept on disk, shared by processes, never stale, never half-read; rules may be written anywhere."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numba
import numpy as np
import pytest

import marl_sim as ms
from marl_sim.core import compile as compilation

PLAY = """
import sys, time
sys.path.insert(0, {laws!r})
import law_cases
print(law_cases.fingerprint("all together", 30))
"""


@pytest.fixture
def python(tmp_path, root):
    """Run a program in a process of its own, with a cache folder of its own that holds the loop already."""
    loops = [folder for folder in compilation.cache_folder().glob("loop_*") if compilation._name() in folder.name]
    for folder in loops if compilation.compiled_loop() else ():
        shutil.copytree(folder, tmp_path / "cache" / "compiled" / folder.name)

    def run(program, wait=True, **environment):
        own = {"MARL_SIM_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        given = os.environ | own | environment
        text = textwrap.dedent(program).replace("{laws!r}", repr(str(root / "tests" / "laws")))
        process = subprocess.Popen(
            [sys.executable, "-c", text], env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=tmp_path,
        )  # fmt: skip
        return finish(process) if wait else process

    return run


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert not err.strip(), err
    return out


def files(folder: Path) -> dict[str, int]:
    return {str(f.relative_to(folder)): f.stat().st_mtime_ns for f in folder.rglob("*") if f.is_file()}


EASY = """
import numpy as np, marl_sim as ms
sim = ms.Simulator(ms.Society(ms.PrisonersDilemma()))
sim.reset()
print(sim.step(np.array([[0, 1]])).reward.tolist())
"""


@pytest.mark.parametrize("program", [EASY, pytest.param(PLAY, marks=pytest.mark.slow)])
def test_two_processes_compile_at_once_and_a_third_compiles_nothing(python, tmp_path, program):
    everything = program == PLAY
    if everything:
        shutil.rmtree(tmp_path / "cache")
    both = [python(program, wait=False) for _ in range(2)]
    first, second = (finish(process) for process in both)
    assert first == second
    kept = files(tmp_path / "cache")
    assert len(kept) > 8
    assert not [name for name in kept if name.endswith(".tmp")]
    if everything:
        assert python(program) == first
        assert files(tmp_path / "cache") == kept
    damaged = sorted(kept) if everything else [name for name in sorted(kept) if name.endswith(".bin")][:2]
    for number, name in enumerate(damaged):  # damaged files are compiled anew, not read
        text = (tmp_path / "cache" / name).read_bytes()
        (tmp_path / "cache" / name).write_bytes(text[: len(text) // 2] if number % 2 else b"\0" * len(text))
    assert python(program) == first
    whole = files(tmp_path / "cache")
    assert all(whole[name] == written for name, written in kept.items() if name not in damaged)  # nothing else


def test_another_composition_and_another_size_compile_nothing(tmp_path, monkeypatch):
    def simulate(**given):
        parts = [ms.PartnerSelection(), ms.Punishment(fine=2.0), ms.Reputation()][: given.pop("parts", 3)]
        ms.Simulator(ms.Society(ms.PrisonersDilemma(), *parts, **given)).reset()

    simulate(n_agents=5)
    simulate(n_agents=5, parts=1)
    monkeypatch.setattr(compilation, "_load_rule", None)  # would fail if called
    simulate(n_agents=9, horizon=ms.Fixed(3), memory=1)
    simulate(n_agents=5, parts=2)


@pytest.mark.slow  # compiles the loop
def test_an_unwritable_folder_is_replaced_by_a_temporary_one(python, tmp_path):
    (tmp_path / "tmp").mkdir()
    assert python(EASY, MARL_SIM_CACHE="/proc/none", TMPDIR=str(tmp_path / "tmp")) == "[[0.0, 4.0]]\n"
    assert any(name.endswith(".bin") for name in files(tmp_path / "tmp"))


def test_without_any_folder_it_warns_and_works(monkeypatch):
    monkeypatch.setenv("MARL_SIM_CACHE", "/proc/none")
    monkeypatch.setattr(compilation.tempfile, "gettempdir", lambda: "/proc/none")
    with pytest.warns(UserWarning, match="compiled rules cannot be kept: set MARL_SIM_CACHE"):
        assert compilation.cache_folder.__wrapped__() is None


MODULE = """
import numba
import numpy as np
import marl_sim as ms
import helpers
from helpers import bonus

@ms.rule
def reward_all(n, extra):
    for i in range(n):
        extra[i] += bonus(i) + helpers.MORE

class Extra(ms.Mechanism):
    rewards = ("extra",)
    def reactions(self, game):
        return {"after:play": reward_all}

def paid():
    sim = ms.Simulator(ms.Society(ms.PrisonersDilemma(), Extra()))
    sim.reset()
    return sim.step(np.zeros((1, 2), dtype=int)).components["extra"].tolist()
"""
HELPERS = """
import numba
from deeper import SCALE
MORE = {more}
@numba.njit
def inner(i):
    return SCALE * i
@numba.njit
def bonus(i):
    return inner(i) + 1
"""


def test_an_edited_helper_in_another_file_is_never_stale(python, tmp_path):
    (tmp_path / "mechanism.py").write_text(MODULE)
    (tmp_path / "deeper.py").write_text("SCALE = 2\n")
    (tmp_path / "helpers.py").write_text(HELPERS.replace("{more}", "0"))
    program = "import sys; sys.path.insert(0, '.'); import mechanism; print(mechanism.paid())"
    assert python(program) == "[[1.0, 3.0]]\n"
    (tmp_path / "deeper.py").write_text("SCALE = 20\n")
    assert python(program) == "[[1.0, 21.0]]\n"
    (tmp_path / "helpers.py").write_text(HELPERS.replace("{more}", "100"))
    assert python(program) == "[[101.0, 121.0]]\n"


def test_a_rule_of_the_main_program(python, tmp_path):
    """As in a notebook: the mechanism is defined in __main__, its helper twice."""
    program = """
    import numba, numpy as np, marl_sim as ms

    @numba.njit
    def bonus(i):
        return 1.0

    @numba.njit
    def through(i):
        return bonus(i)

    @ms.rule
    def reward_all(n, extra):
        for i in range(n):
            extra[i] += through(i)

    class Extra(ms.Mechanism):
        rewards = ("extra",)
        def reactions(self, game):
            return {"after:play": reward_all}

    def paid():
        sim = ms.Simulator(ms.Society(ms.PrisonersDilemma(), Extra()))
        sim.reset()
        return sim.step(np.zeros((1, 2), dtype=int)).components["extra"].tolist()

    print(paid())

    @numba.njit
    def bonus(i):
        return 5.0

    print(paid())
    """
    assert python(program) == "[[1.0, 1.0]]\n[[5.0, 5.0]]\n"


def extra_with(amount):
    """A mechanism made in a function; its rule closes over `amount`."""

    @ms.rule
    def reward_all(n, extra):
        for i in range(n):
            extra[i] += amount

    class Extra(ms.Mechanism):
        rewards = ("extra",)

        def reactions(self, game):
            return {"after:play": reward_all}

    return Extra()


def test_rules_made_in_functions_are_told_apart():
    for amount in (1.0, 2.0, 1.0):
        sim = ms.Simulator(ms.Society(ms.PrisonersDilemma(), extra_with(amount)))
        sim.reset()
        assert sim.step(np.zeros((1, 2), dtype=int)).components["extra"].tolist() == [[amount, amount]]


def with_rule(rule, **more):
    members = {"rewards": ("extra",), "reactions": lambda self, game: {"after:play": rule}, **more}
    return ms.Society(ms.PrisonersDilemma(), type("Extra", (ms.Mechanism,), members)())


def test_an_index_out_of_range_is_an_error_not_a_crash():
    """Under NUMBA_BOUNDSCHECK=1, as the tests run; what a rule raises reaches the caller."""

    @ms.rule
    def too_far(n, extra):
        extra[n] += 1.0

    sim = ms.Simulator(with_rule(too_far))
    sim.reset()
    with pytest.raises(IndexError, match="out of bounds"):
        sim.step(np.zeros((1, 2), dtype=int))


def test_what_a_rule_raises_reaches_the_caller():
    @ms.rule
    def refuse(n, extra):
        if n > 1:
            raise ValueError("not today")

    sim = ms.Simulator(with_rule(refuse))
    sim.reset()
    with pytest.raises(ValueError, match="not today"):
        sim.step(np.zeros((1, 2), dtype=int))


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="plain Python takes everything")
def test_a_rule_outside_the_subset_is_refused():
    @ms.rule
    def strange(n, extra):
        extra[0] = open("x")  # noqa: SIM115

    with pytest.raises(TypeError, match=r"rule strange\(n, extra\) does not compile"):
        ms.Simulator(with_rule(strange))


def test_a_rule_that_names_what_nobody_brings_is_refused():
    @ms.rule
    def misspelt(n, extar):
        pass

    with pytest.raises(ValueError, match=r"rule misspelt\(n, extar\) of Extra names 'extar', which no part"):
        ms.Simulator(with_rule(misspelt))


def test_fingerprints_see_constants_helpers_and_closures():
    space = {"ms": ms, "numba": numba, "K": 1}
    text = "@numba.njit\ndef h(x):\n    return x + K\n@ms.rule\ndef f(n, out):\n    out[0] = h(n)\n"
    exec(text, space)
    before = compilation.fingerprint(space["f"])
    assert compilation.fingerprint(space["f"]) == before
    space["K"] = 2
    assert compilation.fingerprint(space["f"]) != before
    space["K"] = 1
    assert compilation.fingerprint(space["f"]) == before
    exec(text.replace("x + K", "x - K"), space)
    assert compilation.fingerprint(space["f"]) != before
