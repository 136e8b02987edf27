"""Is a PettingZoo environment, anybody's, fit for experiments? The laws that ours are tested against, for all.

import marl_sim as ms

report = ms.testing.check("my_module:MyEnv")
print(report)
"""

from __future__ import annotations

from .check import Finding, NotFit, Report, check

__all__ = ["Finding", "NotFit", "Report", "check"]
