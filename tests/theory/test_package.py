"""`ms.theory` is there without being loaded, and holds what it lists."""

import importlib
import subprocess
import sys

import marl_sim as ms
from marl_sim import theory


def test_theory_is_reached_by_name_and_not_loaded_before():
    probe = (
        "import sys, marl_sim as ms; assert 'marl_sim.theory' not in sys.modules and 'scipy' not in sys.modules; "
        "ms.theory.equilibria(ms.PrisonersDilemma()); "
        "heavy = {'torch', 'marl_sim.envs', 'marl_sim.training', 'marl_sim.learners', 'marl_sim.policies'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_every_listed_name_is_there_and_says_what_it_is():
    for name in theory.__all__:
        assert getattr(ms.theory, name).__doc__, name
    assert set(theory.__all__) == set(dir(theory))


def test_no_module_hides_what_it_holds():
    """Importing theory.spne, say, would put that module where the function of this name is looked for."""
    for home in theory._HOMES:
        importlib.import_module(f"marl_sim.theory.{home}")
    assert not set(theory._HOMES) & set(theory.__all__)
    assert all(not isinstance(getattr(theory, name), type(sys)) for name in theory.__all__)
