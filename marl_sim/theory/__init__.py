"""Exact theory of small games, computed from their options alone and never by playing them.

    import marl_sim as ms

    print(ms.theory.equilibria(ms.PrisonersDilemma()))

Names are loaded when first used. A module has another name than what it holds, since importing a module puts it under
its own name here: `equilibria` is in nash.py.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "form": ("NormalForm", "exact"),
    "payoffs": ("normal_form", "payoffs_of"),
    "backward": ("SPNE",),
    "sequences": ("spne", "moves_of", "worth_of"),
    "certificates.registry": ("certify", "certificate_of"),
    "certificates.record": ("Certificate", "Fact", "Finding", "fact", "finding"),
    "nash": ("equilibria", "Equilibria", "Equilibrium"),
    "dominance": ("best_replies", "is_equilibrium", "dominated", "eliminate", "Elimination"),
    "dynamics": (
        "rest_points",
        "RestPoint",
        "gain_polynomial",
        "trajectory",
        "finite_gain",
        "gradient_of_selection",
        "social_efficiency_deficit",
    ),
    "indices": (
        "dilemma_payoffs",
        "DilemmaPayoffs",
        "mpcr",
        "mpcr_window",
        "punishment_threshold",
        "peer_punishment",
        "PeerPunishmentTheory",
    ),
    "repeated": (
        "Plan",
        "grim_trigger",
        "win_stay_lose_shift",
        "tit_for_tat",
        "discounted",
        "best_discounted",
        "holds",
        "grim_trigger_delta",
        "grim_trigger_threshold",
        "win_stay_lose_shift_delta",
        "win_stay_lose_shift_threshold",
        "tit_for_tat_delta",
    ),
    "welfare": ("social_optimum", "Optimum", "pareto_set", "price_of_anarchy", "price_of_stability"),
    "off_switch": (
        "OffSwitchAnswer",
        "off_switch_answer",
        "off_switch_beta",
        "off_switch_boundary",
        "off_switch_delta",
        "off_switch_error_limit",
        "off_switch_regret",
        "off_switch_sigma",
    ),
    "off_switch_beliefs": ("OffSwitchCases", "off_switch_answer_of", "off_switch_cases", "off_switch_delta_of"),
    "off_switch_designer": ("Designed", "design_off_switch"),
    "po_osg": (
        "PartialSolution",
        "PartialTable",
        "PolicyPair",
        "UnawareSolution",
        "partial_optimum",
        "unaware_optimum",
    ),
    "corrigibility": ("Interruptibility", "Route", "interruptibility"),
    "assistant": (
        "AssistantOracle",
        "Impression",
        "assistant_oracle",
        "priced",
        "priced_choices",
        "prompted_choice",
        "reply_frontier",
    ),
    "gtalign": ("ReplyRewards", "brevity_score", "harm_answers", "length_score", "reply_rewards", "table_score"),
    "paperclips": ("Paperclips", "paperclip_equilibrium"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = list(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
