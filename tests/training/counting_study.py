"""A whole study whose trainer only counts: what starts, stops, resumes and reports it can be tested without learning.

Run by the tests as a script; the options below let a test slow it down, or make it fail.
"""

import time
from dataclasses import dataclass

import numpy as np

from marl_sim.evaluation.study import Study
from marl_sim.training.config import StudyOptions, command


@dataclass
class Options(StudyOptions):
    full_size = dict(episodes=200, seeds=4)

    seeds: int = 3
    episodes: int = 60
    pause: float = 0.0  # seconds a block takes
    fail: str = ""  # the condition that fails: refuse:NAME as a wrong option would, break:NAME as a bug would
    conditions: int = 3


class CountingTrainer:
    """Iterates the logistic map: each block's numbers follow from the last, so a resumed run must have its state."""

    def __init__(self, game, learner, seeds, episodes, num_envs, device, block=2):
        what, _, name = learner.fail.partition(":")
        if what == "refuse" and name == game:
            raise refuse(game)
        self.fail = what == "break" and name == game
        self.game, self.learner, self.episodes, self.block = game, learner, episodes, block
        self.x = (np.arange(seeds) + sum(map(ord, game)) % 97 + 1) / (seeds + 99)
        self.episode = self.steps = self.updates = 0

    def run(self):
        while self.episode < self.episodes:
            time.sleep(self.learner.pause)
            if self.fail and self.episode >= self.episodes // 2:
                np.zeros(3).reshape(2)
            self.x = 3.9 * self.x * (1 - self.x)
            self.episode += self.block
            self.steps += 1000 * self.block
            self.updates += 10 * self.block
            yield [
                {"seed": s, "episode": self.episode, "cooperation": x, "just_share": np.nan if x < 0.3 else x}
                for s, x in enumerate(self.x)
            ]

    def state_dict(self):
        return {"x": self.x, "counters": np.array([self.episode, self.steps, self.updates])}

    def load_state_dict(self, state):
        self.x = state["x"]
        self.episode, self.steps, self.updates = map(int, state["counters"])


def refuse(game):
    return ValueError(f"fine must be positive in {game!r}; got -1.")


def main(o: Options):
    with Study("counting", o, trainer=CountingTrainer) as study:
        for index in range(o.conditions):
            study.train(f"condition {index}", f"condition {index}", o)
        study.table("cooperation", "just_share")
        study.curves("cooperation")


if __name__ == "__main__":
    command(main)
