"""The simplest policy, for tests in which somebody must be known."""

import numpy as np

import marl_sim as ms


class Always(ms.Policy):
    """One and the same action."""

    tags = dict(memory=0)
    recalls = False
    action: int = 0

    def act(self, view):
        return np.full(view.n, self.action)
