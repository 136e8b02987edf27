"""The command marl-sim."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

import marl_sim as ms
from marl_sim import cli


def said(capsys, *arguments):
    """Exit code, and what was printed and complained."""
    try:
        code = cli.main(list(arguments))
    except SystemExit as stop:
        code = stop.code
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_version(capsys):
    assert said(capsys, "--version") == (0, f"marl_sim {ms.__version__}\n", "")


def test_list_names_everything(capsys):
    code, out, err = said(capsys, "list")
    assert (code, err) == (0, "")
    sections = [line.rstrip(":") for line in out.splitlines() if not line.startswith(" ")]
    assert sections == [sort for sort in cli.SORTS if cli.inventory(sort)]
    listed = {line.split()[0] for line in out.splitlines() if line.startswith("  ")}
    assert listed >= set(ms.registered())
    assert listed >= {"PrisonersDilemma", "StagHunt", "Punishment", "Reputation", "PartnerSelection", "Fixed"}
    assert listed >= {"DQN", "TabularQ"}
    for line in out.splitlines():
        if line.startswith("  "):
            assert len(line.split()) > 2, f"no description: {line}"


def test_list_one_sort(capsys):
    code, out, _ = said(capsys, "list", "learners")
    assert code == 0
    assert out.startswith("learners:\n  A2C ")
    assert "games" not in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["lst"],
            "unknown command 'lst'; did you mean 'list'? (allowed: bench, certify, check, describe, eval,",
        ),
        (["list", "game"], "unknown sort 'game'; did you mean 'games'?"),
        (["describe", "stag_hnt"], "did you mean 'stag_hunt'?"),
        (["certify", "stag_hnt"], "unknown game 'stag_hnt'; did you mean 'stag_hunt'?"),
        (["certify", "StagHunt"], "unknown game 'StagHunt'"),
        (["certify", "stag_hunt", "--set", "hair=3"], "stag_hunt: unknown option 'hair'; did you mean 'hare'?"),
        (["certify", "stag_hunt", "--set", "hare"], "--set takes OPTION=VALUE, such as n_agents=4; got 'hare'"),
        (["certify", "stag_hunt", "--set", "=3"], "--set takes OPTION=VALUE"),
        (["certify", "stag_hunt", "--set", "hare=5"], "StagHunt needs stag > hare >= temptation > alone; got stag=4"),
        (
            ["certify", "public_goods", "--set", "n_agents=two"],
            "n_agents must be a whole number of at least 1; got 'two'",
        ),
        (["run", "direct_punishmnt"], "unknown scenario 'direct_punishmnt'; did you mean 'direct_punishment'?"),
        (["run", "there/is/none.py"], "there is no file there/is/none.py"),
        (["bench", "face"], "unknown benchmark 'face'; did you mean 'faces'?"),
    ],
)
def test_bad_use_is_one_sentence_and_exit_code_2(capsys, arguments, says):
    code, out, err = said(capsys, *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert err.startswith("marl-sim: ")
    assert len(err.splitlines()) == 1


def test_no_command_shows_the_commands(capsys):
    code, out, err = said(capsys)
    assert (code, out) == (2, "")
    assert all(command in err for command in ("list", "describe", "train", "check", "run"))


def test_missing_name(capsys):
    code, _, err = said(capsys, "describe")
    assert code == 2
    assert "NAME" in err


@pytest.mark.parametrize("name", ms.registered())
def test_describe_every_game(capsys, name):
    code, out, err = said(capsys, "describe", name)
    assert (code, err) == (0, "")
    assert name in out
    assert len(out.splitlines()) > 10


@pytest.mark.parametrize("name", ms.registered())
def test_certify_every_game(capsys, name):
    code, out, err = said(capsys, "certify", name)
    assert (code, err) == (0, "")
    assert out == f"{ms.theory.certify(name)}\n"
    code, out, err = said(capsys, "certify", name, "--json")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert (record["name"], list(record)) == (name, ["name", "kind", "facts", "findings", "mechanisms"])


def test_certify_takes_options_of_the_game(capsys):
    options = ["--set", "n_agents=3", "multiplier = 4.5", "--set", "order=fixed", "endowment=10"]
    code, out, _ = said(capsys, "certify", "public_goods", *options)
    assert code == 0
    assert out.startswith("public_goods: no dilemma: contributing is dominant\n")
    assert "path (10, 10, 10), payoffs (45, 45, 45)" in out
    _, out, _ = said(capsys, "certify", "matrix_game", "--set", "payoffs=[[(3, 3), (0, 5)], [(5, 0), (1, 1)]]")
    assert out.startswith("matrix_game: prisoner's dilemma\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n=4", 4),
        ("x=-0.5", -0.5),
        ("by=witness", "witness"),
        ("box=True", True),
        ("box=true", True),
        ("box=false", False),
        ("sees=pot,", ("pot",)),
        ("sees=pot,account", ("pot", "account")),
        ("mu=0,0.5", (0, 0.5)),
        ("mu=(0, 0.5)", (0, 0.5)),
        ("payoffs=[[(3, 3), (0, 5)]]", [[(3, 3), (0, 5)]]),
        ("told_mu=None", None),
        ("word=", ""),
    ],
)
def test_values_on_the_command_line(text, value):
    assert cli.assignment(text) == (text.split("=")[0], value)
    assert type(cli.assignment(text)[1]) is type(value)


def test_help_of_certify_lists_the_games(capsys):
    code, out, err = said(capsys, "certify", "--help")
    assert (code, err) == (0, "")
    listed = out.partition("names: ")[2].replace("\n", " ").split(", ")
    assert [name.strip() for name in listed] == ms.registered()
    code, _, err = said(capsys, "certify")
    assert code == 2
    assert "NAME" in err


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder outside the checkout, with the package as if installed from a wheel."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "CHECKOUT", tmp_path / "nowhere")
    monkeypatch.setattr(cli, "PACKAGE", tmp_path / "nowhere" / "marl_sim")
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


SCENARIO = '''"""Says what it was given."""
import sys
from neighbour import word

if __name__ == "__main__":
    print(word, sys.argv)
    sys.exit(int(sys.argv[-1]))
'''


def test_run_a_scenario_by_name_path_and_exit_code(capsys, elsewhere):
    folder = elsewhere / "scenarios"
    folder.mkdir()
    (folder / "tell_all.py").write_text(SCENARIO)
    (folder / "neighbour.py").write_text('word = "hello"\n')
    for name in ("tell_all", "tell-all", "scenarios/tell_all.py"):
        code, out, _ = said(capsys, "run", name, "--help", "--fine", "2", "5")
        assert code == 5
        assert out.startswith("hello [")
        assert "'--help', '--fine', '2', '5']" in out
    code, out, _ = said(capsys, "run")
    assert code == 0
    assert "tell_all   Says what it was given." in out


def test_outside_a_checkout_there_is_nothing_to_run(capsys, elsewhere):
    for command, kind in (("run", "scenarios"), ("bench", "benchmarks")):
        code, out, err = said(capsys, command, "direct_punishment")
        assert (code, out) == (2, "")
        assert f"no {kind} here: give the path of one, or stand in a checkout" in err
        assert len(err.splitlines()) == 1
    assert said(capsys, "bench")[0] == 2


def test_bench_runs_in_a_process_of_its_own(capfd, elsewhere):
    (elsewhere / "benchmarks").mkdir()
    text = "import os, sys\nprint('pid', os.getpid(), sys.argv[1:])\nsys.exit(3)\n"
    (elsewhere / "benchmarks" / "mine.py").write_text(text)
    code, out, _ = said(capfd, "bench", "mine", "--size", "4")
    assert code == 3
    assert "== mine" in out
    assert "['--size', '4']" in out
    assert f"pid {os.getpid()} " not in out
    assert said(capfd, "bench")[0] == 3


def test_interruption_and_a_closed_pipe(monkeypatch):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "list_everything", interrupted)
    assert cli.main(["list"]) == 130
    done = subprocess.run(
        f"{sys.executable} -m marl_sim.cli list | head -1", shell=True, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("games:\n", "")


@pytest.mark.parametrize("words", [["list", "horizons"], ["list"]])
def test_a_reader_that_has_gone_before_anything_is_written(words):
    """A few lines are written as the command ends, many before; neither leaves a traceback."""
    read, write = os.pipe()
    os.close(read)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    try:
        command = [sys.executable, "-m", "marl_sim.cli", *words]
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=buffered)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_listing_loads_neither_torch_nor_pettingzoo(tmp_path):
    probe = (
        "import sys; from marl_sim.cli import main; assert main(['list']) == main(['describe', 'stag_hunt']) == 0; "
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'torch', 'pettingzoo', 'pygame', 'matplotlib'}))"
    )
    took = []
    for _ in range(2):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=tmp_path)
        took.append(time.perf_counter() - start)
    assert done.stdout.splitlines()[-1] == "[]"
    print(f"list and describe: {min(took):.2f} s")


@pytest.mark.slow
def test_a_wheel_lists_describes_and_steps_every_game(root, tmp_path):
    """Built from a copy, installed and used far from the checkout."""
    copy = tmp_path / "copy"
    shutil.copytree(root / "marl_sim", copy / "marl_sim", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / file, copy)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(copy)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    place = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(place), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    probe = (
        "import marl_sim as ms, marl_sim.cli as cli\n"
        f"assert ms.__file__.startswith({str(place)!r}), ms.__file__\n"
        "assert cli.main(['list']) == 0\n"
        "for name in ms.registered():\n"
        "    assert cli.main(['describe', name]) == 0\n"
        "    env = ms.parallel_env(name)\n"
        "    seen, _ = env.reset(seed=0)\n"
        "    env.step({a: int(one['action_mask'].argmax()) for a, one in seen.items()})\n"
        "assert cli.main(['run', 'direct_punishment']) == 2\n"
    )
    environment = os.environ | {"PYTHONPATH": str(place)}
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("direct_punishment", "society", "stag_hunt"))
