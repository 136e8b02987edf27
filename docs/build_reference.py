"""Write docs/reference/ from the docstrings, and nothing else: python docs/build_reference.py [--check]."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from pathlib import Path
from typing import Any

import marl_sim as ms
from marl_sim import envs, learners, policies, testing
from marl_sim.core import fields, part, registry, rng, rules
from marl_sim.evaluation import statistics, tournament
from marl_sim.games.contributions import Contributions
from marl_sim.learners import schedules
from marl_sim.policies import human, llm, remote, rllib, sb3, scripted, torch_module
from marl_sim.policies.axelrod import Axelrod
from marl_sim.training import credit, introspection, learned, metrics, population, preferences

HERE = Path(__file__).parent / "reference"


def named(words: str) -> list[Any]:
    """Public names of the package."""
    return [getattr(ms, word) for word in words.split()]


DILEMMAS = (
    "MatrixGame PrisonersDilemma DonationGame StagHunt Chicken BattleOfTheSexes PureCoordination Harmony Centipede"
    " TrustGame UltimatumGame DictatorGame GiftExchange PublicGoods ThresholdPublicGoods MacSPGG"
    " NPlayerPrisonersDilemma NPlayerStagHunt VolunteersDilemma CommonPool CollectiveRisk EscapeRoom"
    " OffSwitch PartialOffSwitch SafeInterruptibility ClarifyOrAnswer"
)
MECHANISMS = (
    "RandomMatching PartnerSelection Exit Punishment Reputation Norm Noise Gift Talk PeerPunishment PeerReward"
    " Institutions"
)
LEARNERS = (
    "Learner TabularQ SARSA ExpectedSARSA TabularActorCritic Exp3 Hedge FictitiousPlay WoLFPHC JointActionLearner"
    " DQN DRQN REINFORCE A2C PPO MAPPO MAA2C COMA VDN QMIX ExactLOLA LOLA LIO"
)
SCRIPTED = [getattr(policies, name) for name in policies.__all__ if name not in ("Policy", "View")]
ELSEWHERE = [remote.Remote, remote.Http, remote.Command, llm.LanguageModel, human.Human, human.Ask, *named("serve")]
OTHERS = [sb3.Predicting, rllib.RLlibModule, torch_module.TorchModule, Axelrod, learned.Learned]
PAGES: dict[str, tuple[str, list[Any]]] = {
    "simulator": ("Simulator", [*named("Simulator Step"), rng]),
    "society": (
        "Games, societies and their parts",
        [
            *named("Game Society Stage Field register_part register"),
            part.Part,
            rules,
            fields.StateField,
            fields.Layout,
            fields.Slot,
        ],
    ),
    "dilemmas": ("Dilemmas", [*named(DILEMMAS), Contributions]),
    "mechanisms": ("Mechanisms", named(MECHANISMS)),
    "horizons": ("Horizons", named("Fixed Geometric Continuing")),
    "envs": ("PettingZoo and Gymnasium faces", [envs, *named("parallel_env aec_env SeatEnv SeatVectorEnv")]),
    "learners": (
        "Learners",
        [*named(LEARNERS), learners.HeadSpec, learners.Lanes, schedules.Decay, schedules.Linear],
    ),
    "training": (
        "Training and studies",
        [
            *named("Trainer"),
            credit,
            introspection.Introspection,
            preferences,
            preferences.Preference,
            *named("InequityAversion SocialValueOrientation Prosocial RewardExchange"),
            population,
            *named("Population SelfPlay"),
            population.Standing,
            *named("Study StudyOptions command"),
            statistics,
        ],
    ),
    "policies": ("Policies", [policies.Policy, policies.View, *ELSEWHERE, *OTHERS, *SCRIPTED]),
    "scripted": ("Scripted strategies", [scripted, *(getattr(scripted, name) for name in scripted.__all__)]),
    "tournament": ("Tournaments", [tournament, tournament.Tournament]),
    "testing": ("Conformance kit", [testing, testing.check, testing.Report, testing.Finding]),
    "theory": ("Exact theory", [getattr(ms.theory, name) for name in ms.theory.__all__]),
}


def signature(thing: Any) -> str:
    """How it is called; options of parts one a line."""
    if inspect.ismodule(thing):
        return ""
    if dataclasses.is_dataclass(thing) and issubclass(thing, part.Part | learners.Learner):
        shown = [f for f in dataclasses.fields(thing) if f.init]  # type: ignore[arg-type]
        lines = [f"    {f.name}: {f.type} = {default(f)}," for f in shown]
        return "\n".join([f"{thing.__name__}(", *lines, ")"]) if lines else f"{thing.__name__}()"
    try:
        return f"{thing.__name__}{call(thing)}"
    except ValueError:
        return thing.__name__


def call(function: Any) -> str:
    """The parameters of a function with their defaults; types stand in the docstrings."""
    shown = inspect.signature(function)
    plain = [
        p.replace(
            annotation=p.empty,
            default=p.default.__name__ if callable(p.default) and not isinstance(p.default, type) else p.default,
        )
        for name, p in shown.parameters.items()
        if name != "self"
    ]
    return str(shown.replace(parameters=plain, return_annotation=shown.empty))


def default(field: Any) -> str:
    """The default of an option, as it would be written."""
    if field.default is not dataclasses.MISSING:
        return repr(field.default)
    return f"{field.default_factory.__name__}()" if field.default_factory is not dataclasses.MISSING else "..."


def members(thing: Any) -> list[tuple[str, Any]]:
    """Public functions of a module, public methods and properties that a class itself defines."""
    found = []
    for name, value in vars(thing).items():
        home = thing.__name__ if inspect.ismodule(thing) else getattr(value, "__module__", None)
        function = getattr(value, "py_func", value)
        if name.startswith("_") or not inspect.getdoc(function):
            continue
        if isinstance(value, property) or (
            inspect.isfunction(function) and (not inspect.ismodule(thing) or function.__module__ == home)
        ):
            found.append((name, function))
    return found


def page(title: str, things: list[Any]) -> str:
    """One page of the reference."""
    text = [f"# {title}", "", "*Written from the docstrings by `docs/build_reference.py`.*", ""]
    for thing in things:
        text += [f"## {thing.__name__.removeprefix('marl_sim.')}", ""]
        if called := signature(thing):
            text += ["```text", called, "```", ""]
        text += ["```text", inspect.getdoc(thing) or "", "```", ""]
        if (
            inspect.ismodule(thing)
            or not issubclass(thing if isinstance(thing, type) else object, part.Part)
            or thing is part.Part
        ):
            for name, value in members(thing):
                head = name if isinstance(value, property) else f"{name}{call(value)}"
                text += [f"**`{head}`**", "", "```text", inspect.getdoc(value) or "", "```", ""]
    return "\n".join(text).rstrip() + "\n"


def pages() -> dict[str, str]:
    """All pages, by file name."""
    made = {f"{name}.md": page(title, things) for name, (title, things) in PAGES.items()}
    games = "\n".join(
        ["# Registered games", "", "*Written from `marl-sim describe`; see [dilemmas](dilemmas.md).*", ""]
    )
    for name in ms.registered():
        if registry.factory(name).__module__.startswith("marl_sim."):
            games += f"\n## {name}\n\n```text\n{ms.describe(name)}\n```\n"
    made["games.md"] = games
    shown = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in metrics.MEANING.items())
    made["metrics.md"] = (
        "# Metrics\n\n*Columns of `metrics.csv`; also every reward component by its name.*\n\n"
        f"| column | meaning |\n|---|---|\n{shown}\n"
    )
    links = "\n".join(f"- [{text.splitlines()[0].lstrip('# ')}]({file})" for file, text in made.items())
    made["README.md"] = f"# Reference\n\n{links}\n"
    return made


def main() -> int:
    """Write the pages, or with --check say which of them the docstrings have left behind."""
    stale = []
    for file, text in pages().items():
        path = HERE / file
        if not path.exists() or path.read_text() != text:
            stale.append(file)
            if "--check" not in sys.argv:
                HERE.mkdir(exist_ok=True)
                path.write_text(text)
    print(f"{len(stale)} pages {'are stale' if '--check' in sys.argv else 'written'}: {', '.join(stale) or 'none'}")
    return int("--check" in sys.argv and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
