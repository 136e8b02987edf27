"""Agents of RLlib (the new API stack's RLModule) in a seat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .base import Policy, check_fallback
from .exported import drawn
from .sights import chosen, shown
from .view import View

if TYPE_CHECKING:
    from .player import Player

Path = tuple[str, ...]


class RLlibModule(Policy):
    """An RLModule as a policy, asked by `forward_inference`.

    module      algo.get_module("policy_id"), or RLModule.from_checkpoint(...)
    sample      drawn by its log odds rather than the best
    normalized  where decisions are continuous: whether it answers in [-1, 1], stretched over the game's range, as
                RLlib's default normalize_actions trains it
    illegal     what is played where it names an illegal action itself (modules that give log odds never do); see Policy

    Shown as module.observation_space has it: a Box [D], or a Dict of "observation" (or observations) and "action_mask".
    What a stateful module remembers is kept row by row, and begins anew where a game is over.
    ValueError in one sentence for a module of other shapes than the game's.
    """

    module: Any = None
    sample: bool = False
    normalized: bool = True
    illegal: str = "raise"  # type: ignore[misc]
    tags: ClassVar[dict[str, Any]] = {}
    recalls = False

    def __post_init__(self) -> None:
        check_fallback("RLlibModule", self.illegal)
        if not callable(getattr(self.module, "forward_inference", None)):
            raise ValueError(f"an RLModule with forward_inference was expected; got {self.module!r}")

    @property
    def name(self) -> str:
        """The module's class."""
        return type(self.module).__name__

    def reset(self, player: Player) -> None:
        if not self.module.is_stateful():
            return
        player.store["paths"] = []
        for path, value in _leaves(self.module.get_initial_state()):
            player.store["paths"].append(path)
            player.keep("/".join(path), np.asarray(value))

    def act(self, view: View) -> np.ndarray:
        import torch

        paths = view.store.get("paths", [])
        batch: dict[str, Any] = {"obs": _map(shown(self.module.observation_space, view, self.name), _tensor)}
        if paths:  # a stateful module wants a time axis
            batch["obs"] = _map(batch["obs"], lambda x: x[:, None])
            batch["state_in"] = _nested({path: _tensor(view.kept["/".join(path)]) for path in paths})
        with torch.no_grad():
            said = self.module.forward_inference(batch)
        for path, value in _leaves(said.get("state_out", {})):
            view.kept["/".join(path)] = value.cpu().numpy()
        if "actions" in said:
            return chosen(said["actions"].cpu().numpy(), view, self.name)
        inputs = said["action_dist_inputs"]
        return self._decide(view, inputs[:, -1] if paths else inputs)

    def _decide(self, view: View, inputs: Any) -> np.ndarray:
        """From what the action distribution is made of."""
        if view.box is None:
            likes = inputs.cpu().numpy()
            if likes.shape != view.legal.shape:
                raise ValueError(
                    f"{self.name} chooses among {likes.shape[1]} actions; this game has {view.legal.shape[1]}"
                )
            likes = np.where(view.legal, likes, -np.inf)
            return drawn(view, likes) if self.sample else likes.argmax(1)
        kind = self.module.get_inference_action_dist_cls()
        numbers = chosen(kind.from_logits(inputs).to_deterministic().sample().cpu().numpy(), view, self.name)
        low, high = view.box
        if self.normalized:
            numbers = low + (numbers.clip(-1, 1) + 1) / 2 * (high - low)
        return numbers.clip(low, high)


def _tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(array))


def _map(tree: Any, function: Any) -> Any:
    return {name: function(part) for name, part in tree.items()} if isinstance(tree, dict) else function(tree)


def _leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """(path, leaf) of nested dictionaries."""
    if not isinstance(tree, dict):
        yield path, tree
        return
    for name, part in tree.items():
        yield from _leaves(part, (*path, str(name)))


def _nested(leaves: dict[Path, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for path, value in leaves.items():
        at = made
        for step in path[:-1]:
            at = at.setdefault(step, {})
        at[path[-1]] = value
    return made
