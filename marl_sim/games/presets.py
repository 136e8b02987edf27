"""Registered games: the societies of the published studies, and one with everything."""

from __future__ import annotations

from typing import Any, Literal

from ..core.errors import unknown
from ..core.factories import Encounters
from ..core.horizon import Continuing, Fixed
from ..core.registry import register
from ..core.society import Dilemma, Mechanism, Society
from ..mechanisms.gift import Gift
from ..mechanisms.noise import Noise
from ..mechanisms.norms import Norm
from ..mechanisms.partner_selection import PartnerSelection
from ..mechanisms.punishment import Punishment
from ..mechanisms.random_matching import RandomMatching
from ..mechanisms.reputation import Reputation
from ..mechanisms.talk import Talk
from .centipede import Centipede
from .matrix import BattleOfTheSexes, Chicken, DonationGame, Harmony, PrisonersDilemma, PureCoordination, StagHunt

DILEMMAS: dict[str, type[Dilemma]] = {
    "prisoners_dilemma": PrisonersDilemma,
    "donation": DonationGame,
    "stag_hunt": StagHunt,
    "chicken": Chicken,
    "battle_of_the_sexes": BattleOfTheSexes,
    "pure_coordination": PureCoordination,
    "harmony": Harmony,
    "centipede": Centipede,
}


def one_of(option: str, value: Any, allowed: tuple[str, ...]) -> None:
    """ValueError, in one sentence, unless the value is one of the allowed words."""
    if value not in allowed:
        raise ValueError(unknown(f"value for {option}:", value, allowed))


@register("direct_punishment")
def direct_punishment(
    n_agents: int = 5,
    by: Literal["partner", "witness", "both", "none"] = "partner",
    selection: bool = False,
    costly: bool = False,
    rounds: int = 10,
    dilemma: Literal["prisoners_dilemma", "centipede"] = "prisoners_dilemma",
    fed_by: tuple[str, ...] | None = None,
    seen_in: tuple[str, ...] | None = None,
    private: bool = False,
    graph: Any = None,
) -> Society:
    """Agents who may punish and have reputations: must the partner, a witness, or both, judge to make them cooperate?

    An episode: every agent is given a partner (or selects one) and hosts `rounds` rounds with it, agent after agent by
    index. After each play the judges decide whether to punish. The society lives on from episode to episode:
    reputations and memories are never reset, and the clock only closes the books.

    n_agents    players; the study has 5 (and 25 on a graph)
    by          who may punish: the "partner" of the encounter, a "witness", "both", or "none" (reputation only)
    selection   agents select their partner by reputation once an episode; False: partners are drawn at random
    costly      punishing a defector costs the punisher 3 instead of paying it 2
    rounds      rounds of each host an episode
    dilemma     "prisoners_dilemma" (payoffs 3, 4, 0, 1) or "centipede" (a whole game a round)
    fed_by      deeds that count for reputation: "play" (+1, -1), "punish" (+2 just, -3 unjust). None: both; in the
                centipede "punish" alone unless both judge
    seen_in     stages that see reputations beside "select": "play", "punish". None: "play", but nothing in the
                prisoner's dilemma where the partner alone punishes
    private     each agent keeps a view of its own, with a grudge of -5 for its punisher and thanks of +5 to whoever
                punishes a defector that it met
    graph       who can meet whom, such as networkx.connected_caveman_graph(5, 5); witnesses are the players' neighbours

    Stage order, states, payoffs and numbers are those of the released code; None stands for the variants that it
    compares across mechanisms. Observations are plain numbers: actions 0, 1 (2 unknown) and unbounded reputations.

    Source      Dasgupta & Musolesi, "Investigating the impact of direct punishment on the emergence of cooperation in
                multi-agent reinforcement learning systems" (JAAMAS 2025; arXiv 2301.08278)
    """
    one_of("by", by, ("partner", "witness", "both", "none"))
    one_of("dilemma", dilemma, ("prisoners_dilemma", "centipede"))
    in_centipede = dilemma == "centipede"
    if fed_by is None:
        fed_by = ("punish",) if in_centipede and by in ("partner", "witness") else ("play", "punish")
    if seen_in is None:
        seen_in = () if by == "partner" and not in_centipede else ("play",)
    for option, given in (("fed_by", fed_by), ("seen_in", seen_in)):
        for word in (given,) if isinstance(given, str) else given:
            one_of(option, word, ("play", "punish"))
    played, judged = "play" in fed_by, "punish" in fed_by
    score = Reputation(
        cooperate=1.0 if played else 0.0,
        defect=-1.0 if played else 0.0,
        just=2.0 if judged else 0.0,
        unjust=-3.0 if judged else 0.0,
        private=private,
        scale=0.0,
        seen_in=("select", *(kind for kind in ("play", "punish") if kind in seen_in)),
    )
    judges = () if by == "none" else (Punishment(by=by, fine=3.0, just=-3.0 if costly else 2.0, unjust=-10.0),)
    return Society(
        Centipede(sees=("target", "own")) if in_centipede else PrisonersDilemma(),
        PartnerSelection(every="episode", history=0) if selection else RandomMatching(how="hosts", every="episode"),
        *judges,
        score,
        n_agents=n_agents,
        horizon=Continuing(rounds),
        encounters="in turn",
        turns="index",
        encode="index",
        graph=graph,
    )


@register("partner_selection")
def partner_selection(n_agents: int = 20, selection: bool = True, rounds: int = 1, memory: int = 1) -> Society:
    """Agents choose whom to play the prisoner's dilemma with, by what everybody did last.

    In a round every agent selects a partner, who cannot refuse, and then the encounters are played one after the other
    in random order; the popular play more. A selector sees the last actions of all others, a player those of its
    opponent.

    n_agents    players; 20 is a reconstruction, the paper's number is not known here
    selection   False: each agent's partner is drawn at random, the paper's comparison
    rounds      rounds after which the books are closed; the paper's number is not known here, a later study of the same
                group has one selection and one encounter an agent
    memory      last actions that are remembered and seen (the paper's h)

    Payoffs 3, 4, 0, 1 and what is seen are the paper's by several accounts of it; the rest is a reconstruction.

    Source      Anastassacos, Hailes & Musolesi, "Partner selection for the emergence of cooperation in multi-agent
                systems using reinforcement learning" (AAAI 2020; arXiv 1902.03185)
    """
    return Society(
        PrisonersDilemma(sees=("target",)),
        PartnerSelection(every="round", history=memory) if selection else RandomMatching(how="hosts"),
        n_agents=n_agents,
        horizon=Continuing(rounds),
        encounters="in turn",
        memory=memory,
    )


@register("reputation_norms")
def reputation_norms(
    n_agents: int = 10,
    norm: Any = "stern judging",
    benefit: float = 5.0,
    cost: float = 1.0,
    error: float = 0.001,
    rounds: int = 200,
    own: bool = False,
    private: bool = False,
    lasting: bool = True,
) -> Society:
    """Random pairs play the donation game and see nothing but the other's reputation, which a norm assigns.

    Each round is one encounter of a random pair. Afterwards the norm assigns both a new reputation by what they did and
    what the other's reputation was.

    n_agents    players; the paper has 10
    norm        "stern judging" (9), "image score" (3), "simple standing" (11), "shunning" (1), 0..15, or "L1".."L8"
    benefit     what a cooperator gives; the paper has 2, 5 and 10
    cost        what it costs the cooperator
    error       probability that a reputation is assigned wrongly
    rounds      encounters an episode; the paper has 200
    own         players see their own reputation too (the paper's second part does, by its figure 7)
    private     everybody judges for itself
    lasting     reputations go on from episode to episode; the paper does not say, nor with what they start (here: good)

    Source      Anastassacos, Garcia, Hailes & Musolesi, "Cooperation and reputation dynamics with reinforcement
                learning" (AAMAS 2021; arXiv 2102.07523)
    """
    return Society(
        DonationGame(benefit=benefit, cost=cost, sees=()),
        RandomMatching(how="one pair"),
        Norm(norm=norm, error=error, private=private, lasting=lasting, seen_in=("play",), own=own),
        n_agents=n_agents,
        horizon=Continuing(rounds),
        encounters="in turn",
        encode="index",
    )


@register("society")
def society(
    dilemma: str = "prisoners_dilemma",
    n_agents: int = 5,
    rounds: int = 10,
    encounters: Encounters = "together",
    noise: float = 0.01,
) -> Society:
    """Everything at once: partner selection, talk, gifts, errors, punishment by partners and witnesses, reputations.

    dilemma      what is played: prisoners_dilemma, donation, stag_hunt, chicken, battle_of_the_sexes,
                 pure_coordination, harmony, or centipede (in turn only)
    n_agents     players, at least 3
    rounds       rounds an episode, each with a selection of its own; then the game is over
    encounters   "together": all at once; "in turn": one after the other
    noise        probability of doing the wrong thing, and of being misread

    No study behind it: it shows that mechanisms compose, and is the largest game that tests and benchmarks run.
    """
    one_of("dilemma", dilemma, tuple(DILEMMAS))
    everything: tuple[Mechanism, ...] = (
        PartnerSelection(),
        Talk(),
        Gift(),
        Noise(execution=noise, perception=noise),
        Punishment(by="both"),
        Reputation(),
    )
    return Society(DILEMMAS[dilemma](), *everything, n_agents=n_agents, horizon=Fixed(rounds), encounters=encounters)
