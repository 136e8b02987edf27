"""Small PettingZoo environments whose every number is known: for outside worlds to be held against."""

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv


class Spaces:
    """Hands out the spaces of a class's dictionaries."""

    def observation_space(self, agent):
        return self.sees[agent]

    def action_space(self, agent):
        return self.does[agent]


class Lives(Spaces, ParallelEnv):
    """Agent i lives for lives[i] steps, and then is terminated, truncated, both or just gone: ends[i] t, c, tc or "".

    Agents see a Box of two, a number from 1 to 4, or a Dict with a MultiBinary, in turn; they have 2, 3, ... actions.
    Step t pays agent i (i + 1) * t + action / 8.
    """

    metadata = {"name": "lives_v0"}

    def __init__(self, lives=(1, 3, 2), ends=("t", "c", "tc"), keeps_the_dead=False, born=None):
        self.lives, self.ends, self.keeps_the_dead = lives, ends, keeps_the_dead
        self.born = born or [0] * len(lives)
        self.possible_agents = [f"agent_{i}" for i in range(len(lives))]
        kinds = (
            lambda: spaces.Box(-1, 1, (2,), np.float64),
            lambda: spaces.Discrete(4, start=1),
            lambda: spaces.Dict(far=spaces.Box(0, 9, (2, 2), np.float32), near=spaces.MultiBinary(3)),
        )
        self.sees = {agent: kinds[i % 3]() for i, agent in enumerate(self.possible_agents)}
        self.does = {agent: spaces.Discrete(2 + i) for i, agent in enumerate(self.possible_agents)}

    def _alive(self, i):
        return self.born[i] <= self.t < self.lives[i]

    def _look(self):
        seen = {}
        for i, agent in enumerate(self.possible_agents):
            x = self.rng.random(7)
            seen[agent] = [x[:2], 1 + int(4 * x[0]), dict(far=x[:4].reshape(2, 2), near=np.int8(x[4:] < 0.5))][i % 3]
        return seen

    def reset(self, seed=None, options=None):
        self.rng, self.t, self.seed = np.random.default_rng(seed), 0, seed
        self.agents = [agent for i, agent in enumerate(self.possible_agents) if self._alive(i)]
        return self._look(), {agent: {} for agent in self.agents}

    def step(self, actions):
        before = [agent for i, agent in enumerate(self.possible_agents) if self._alive(i)]
        assert set(actions) == set(before)
        self.t += 1
        seen, paid, over, cut = self._look(), {}, {}, {}
        for i, agent in enumerate(self.possible_agents):
            if agent in before:
                paid[agent] = (i + 1) * self.t + int(actions[agent]) / 8
                over[agent] = self.t >= self.lives[i] and "t" in self.ends[i]
                cut[agent] = self.t >= self.lives[i] and "c" in self.ends[i]
        self.agents = [agent for i, agent in enumerate(self.possible_agents) if self._alive(i)]
        if self.agents and self.keeps_the_dead:
            self.agents = self.possible_agents[:]
        return seen, paid, over, cut, {agent: {} for agent in self.possible_agents}


class Turns(Spaces, AECEnv):
    """Agents move in turn. Agent i may make moves[i] moves; with its last it ends, as `ends` says ("t", "c").
    Whoever has none (never the first agent) is dead from the start.

    Every move pays everybody who lives, movers or not: agent i gets (i + 1) * t at move t of the game. `last_standing`
    pays 100 to whoever is left alone, in the very step that dismisses the last other, and ends it.
    """

    metadata = {"name": "turns_v0"}

    def __init__(self, moves=(2, 3, 1), ends=("t", "c", "t"), last_standing=False):
        super().__init__()
        self.moves, self.ends, self.last_standing = moves, ends, last_standing
        self.possible_agents = [f"player_{i}" for i in range(len(moves))]
        self.sees = {agent: spaces.Box(0, 1, (2 + i,)) for i, agent in enumerate(self.possible_agents)}
        self.does = {agent: spaces.Discrete(3, start=i) for i, agent in enumerate(self.possible_agents)}

    def reset(self, seed=None, options=None):
        self.rng, self.t = np.random.default_rng(seed), 0
        self.agents = self.possible_agents[:]
        self.rewards = dict.fromkeys(self.agents, 0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0)
        self.terminations = {agent: not self.moves[i] for i, agent in enumerate(self.agents)}
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self.made = dict.fromkeys(self.agents, 0)
        self.agent_selection, self._skip_agent_selection = self.agents[0], None
        self._deads_step_first()
        self._draw()

    def _draw(self):
        self.now = {agent: self.rng.random(2 + i).astype(np.float32) for i, agent in enumerate(self.possible_agents)}

    def observe(self, agent):
        return self.now[agent]

    def step(self, action):
        mover = self.agent_selection
        if self.terminations[mover] or self.truncations[mover]:
            self._was_dead_step(action)
            if self.last_standing and len(self.agents) == 1 and not self.terminations[self.agents[0]]:
                self.rewards = {self.agents[0]: 100}
                self.terminations[self.agents[0]] = True
                self._accumulate_rewards()
            return
        assert self.does[mover].contains(action)
        self._cumulative_rewards[mover] = 0
        self.t += 1
        self.made[mover] += 1
        self._draw()
        living = [agent for agent in self.agents if not (self.terminations[agent] or self.truncations[agent])]
        for agent in living:
            self.rewards[agent] = (self.possible_agents.index(agent) + 1) * self.t
        i = self.possible_agents.index(mover)
        if self.made[mover] == self.moves[i]:
            self.terminations[mover], self.truncations[mover] = "t" in self.ends[i], "c" in self.ends[i]
        self.agent_selection = self._after(mover)
        self._accumulate_rewards()
        self._deads_step_first()

    def _after(self, mover):
        n, i = len(self.possible_agents), self.possible_agents.index(mover)
        line = [self.possible_agents[(i + k) % n] for k in range(1, n + 1)]
        going = [a for a in line if a in self.agents and not (self.terminations[a] or self.truncations[a])]
        return going[0] if going else mover


class Reaches(Spaces, ParallelEnv):
    """Two agents choose numbers in boxes of their own, for three steps; each is paid the sum of what arrived."""

    metadata = {"name": "reaches_v0"}

    def __init__(self, boxes=None):
        self.possible_agents = ["near", "far"]
        boxes = boxes or (spaces.Box(-1, 1, (2,)), spaces.Box(np.float32([-1, -1, 0]), np.float32([1, 1, 4])))
        self.does = dict(zip(self.possible_agents, boxes))
        self.sees = {agent: spaces.Box(0, 1, (3,)) for agent in self.possible_agents}

    def reset(self, seed=None, options=None):
        self.rng, self.t, self.agents = np.random.default_rng(seed), 0, self.possible_agents[:]
        return {agent: self.rng.random(3) for agent in self.agents}, {agent: {} for agent in self.agents}

    def step(self, actions):
        for agent, x in actions.items():
            assert self.does[agent].contains(x), x
        self.t += 1
        paid = {agent: float(x.sum()) for agent, x in actions.items()}
        ends, names = dict.fromkeys(actions, self.t == 3), self.possible_agents
        self.agents = [] if self.t == 3 else self.agents
        seen = {agent: self.rng.random(3) for agent in names}
        return seen, paid, dict.fromkeys(names, False), ends, {agent: {} for agent in names}


class Parts(Reaches):
    """`near` is terminated at step `ends`, and `far` truncated at step 3, or gone without a word where `silent`.

    listed: near stays among the agents as long as far is. told: infos say something. Both see so many `numbers`,
    whatever their spaces say.
    """

    metadata = {"name": "parts_v0"}

    def __init__(self, ends=3, silent=False, listed=False, told=False, numbers=3):
        super().__init__()
        self.ends, self.silent, self.listed, self.told, self.numbers = ends, silent, listed, told, numbers

    def _so(self, seen):
        infos = {agent: {"time": self.t} if self.told else {} for agent in seen}
        return {agent: x[: self.numbers] for agent, x in seen.items()}, infos

    def reset(self, seed=None, options=None):
        return self._so(super().reset(seed)[0])

    def step(self, actions):
        seen, paid, _, _, _ = super().step(actions)
        over = {agent: agent == "near" and self.t == self.ends for agent in self.possible_agents}
        cut = {agent: agent == "far" and self.t == 3 and not self.silent for agent in self.possible_agents}
        self.agents = [agent for agent in self.agents if self.listed or not over[agent]]
        seen, infos = self._so(seen)
        return seen, paid, over, cut, infos


class Pictures(Spaces, ParallelEnv):
    """Two agents look at random pictures of the given dtype for two steps."""

    metadata = {"name": "pictures_v0"}

    def __init__(self, dtype="uint8", high=255, shapes=((4, 3, 2), (4, 3, 2))):
        self.possible_agents = ["left", "right"]
        self.sees = {a: spaces.Box(0, high, shape, np.dtype(dtype)) for a, shape in zip(self.possible_agents, shapes)}
        self.does = {agent: spaces.Discrete(2) for agent in self.possible_agents}

    def _look(self):
        return {
            agent: self.rng.integers(0, space.high.max(), space.shape, endpoint=True).astype(space.dtype)
            for agent, space in self.sees.items()
        }

    def reset(self, seed=None, options=None):
        self.rng, self.t, self.agents = np.random.default_rng(seed), 0, self.possible_agents[:]
        self.first = self._look()
        return self.first, {}

    def step(self, actions):
        self.t += 1
        ends = dict.fromkeys(self.possible_agents, self.t == 2)
        self.agents = [] if self.t == 2 else self.agents
        return self._look(), dict.fromkeys(actions, 1.0), ends, dict.fromkeys(actions, False), {}


class Masks(Spaces, ParallelEnv):
    """Four steps in which infos say what is open; whoever `waits` for the other has an empty mask, and
    from step `asleep` on everybody. looks: what is seen is an array of one number, rather than the number.

    Breaks if anybody does what its mask forbids.
    """

    metadata = {"name": "masks_v0"}

    def __init__(self, waits=True, asleep=99, entries=3, looks=False):
        self.waits, self.asleep, self.entries, self.looks = waits, asleep, entries, looks
        self.possible_agents = ["first", "second"]
        self.sees = {a: spaces.Box(0, 4, (1,)) if looks else spaces.Discrete(5) for a in self.possible_agents}
        self.does = {agent: spaces.Discrete(3) for agent in self.possible_agents}

    def _seen(self):
        return dict.fromkeys(self.possible_agents, np.float32([self.t]) if self.looks else self.t)

    def _infos(self):
        self.masks = {}
        for i, agent in enumerate(self.possible_agents):
            mask = np.int8(self.rng.random(self.entries) < 0.5)
            mask[self.rng.integers(self.entries)] = 1
            turn = self.t % 2 == i or not self.waits
            self.masks[agent] = mask if turn and self.t < self.asleep else np.zeros(self.entries, np.int8)
        return {agent: {"action_mask": mask} for agent, mask in self.masks.items()}

    def reset(self, seed=None, options=None):
        self.rng, self.t, self.agents = np.random.default_rng(seed), 0, self.possible_agents[:]
        return self._seen(), self._infos()

    def step(self, actions):
        for agent, action in actions.items():
            assert self.masks[agent][action] or (action == 0 and not self.masks[agent].any())
        self.t += 1
        names, over = self.possible_agents, self.t == 4
        self.agents = [] if over else self.agents
        paid = {agent: float(action) for agent, action in actions.items()}
        return (
            self._seen(),
            paid,
            dict.fromkeys(names, over),
            dict.fromkeys(names, False),
            self._infos(),
        )


class Forgetful(Lives):
    """Ignores the seed it is given: no two episodes are alike."""

    count = 0

    def reset(self, seed=None, options=None):
        Forgetful.count += 1
        return super().reset(Forgetful.count)


class Dead(Turns):
    """A turn-taking environment that stays with a dead agent for ever."""

    def step(self, action):
        self.terminations[self.agent_selection] = True


class Silent(Turns):
    """Everybody leaves at the second move, and no flag says so."""

    def step(self, action):
        super().step(action)
        if self.t == 2:
            self.agents = []


class Leaves(Turns):
    """The second of three leaves after the first move, and no flag says so."""

    def _after(self, mover):
        if self.t == 1:
            for known in (self.agents, self.made, self.rewards, self._cumulative_rewards):
                known.remove("player_1") if known is self.agents else known.pop("player_1")
            del self.terminations["player_1"], self.truncations["player_1"]
        return super()._after(mover)
