"""The games that the package brings, without those that tests register."""

import marl_sim as ms
from marl_sim.core.registry import factory


def shipped():
    """Names of the package's own games."""
    return [name for name in ms.registered() if factory(name).__module__.startswith("marl_sim.")]
