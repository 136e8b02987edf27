"""Gradients of players who look ahead at what the others will learn, and the surrogate that makes them of samples.

Pure functions of parameters, for N players: `shaped_gradient` needs any differentiable `values(params) -> [L, N]`,
exact ones (`iterated`) or the sampled `dice`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

RULES = ("lookahead", "taylor")
Values = Callable[[torch.Tensor], torch.Tensor]


def shaped_gradient(
    values: Values, params: torch.Tensor, step: float, lookahead: int = 1, rule: str = "lookahead"
) -> torch.Tensor:
    """Each player's gradient of its own value after the others' next learning steps (Foerster et al. 2018, LOLA).

        lookahead   d/d theta_i  V_i(theta_i, theta_j + step * grad_j V_j(theta) for all j != i),  `lookahead` times
        taylor      d/d theta_i  [V_i(theta) + step * sum_j grad_j V_i . grad_j V_j(theta)],  grad_j V_i held fixed

    The second is the update that the paper writes, as far as remembered: V_i to first order in the others' step, and of
    that only what theta_i does to the step. The first is how its successors read it. params [L, N, P] -> gradients [L,
    N, P]; lookahead 0: the naive learner's, each up its own value. values: [L, N, P] -> [L, N], for each lane apart.
    """
    players = params.shape[1]
    own = params.detach().clone().requires_grad_()
    now = values(own)
    if lookahead == 0 or players == 1:
        return own_gradients(now, own, create_graph=False)
    whole = [torch.autograd.grad(now[:, j].sum(), own, create_graph=True)[0] for j in range(players)]
    learning = torch.stack([gradient[:, j] for j, gradient in enumerate(whole)], 1)
    found = []
    for i in range(players):
        others = (torch.arange(players, device=own.device) != i)[:, None].to(own.dtype)
        if rule == "taylor":
            gain = (whole[i].detach() * learning * others).sum()
            (shaping,) = torch.autograd.grad(gain, own, retain_graph=True)
            found.append(whole[i][:, i].detach() + step * shaping[:, i])
            continue
        after = own + step * learning * others
        for _ in range(lookahead - 1):
            after = after + step * own_gradients(values(after), after) * others
        (gradient,) = torch.autograd.grad(values(after)[:, i].sum(), own, retain_graph=True)
        found.append(gradient[:, i])
    return torch.stack(found, 1)


def own_gradients(values: torch.Tensor, params: torch.Tensor, create_graph: bool = True) -> torch.Tensor:
    """Each player's gradient of its value by its own parameters, [L, N, P]; values [L, N] of params [L, N, P]."""
    found = []
    for j in range(params.shape[1]):
        (gradient,) = torch.autograd.grad(values[:, j].sum(), params, create_graph=create_graph, retain_graph=True)
        found.append(gradient[:, j])
    return torch.stack(found, 1)


def dice(
    logp: torch.Tensor, behaviour: torch.Tensor, first: torch.Tensor, advantage: torch.Tensor, discount: torch.Tensor
) -> torch.Tensor:
    """What joint policies are worth beyond those that played, by samples; right in its derivatives of every order.

        sum_t discount_t (w_t - w_{t-1}) A_t,    w_t = prod_{t' <= t} pi(a_t' | o_t') / behaviour(a_t')

    over the joint choices of an episode up to t; A_t the advantage of what was done at t for those that played, however
    estimated. With A_t = sum_k gamma^k r_{t+k} - b(o_t) this is DiCE (Foerster et al. 2018), rewards weighed by the
    magic box w, with a baseline of any order (Mao et al. 2019); with a critic in place of the distant rewards, Loaded
    DiCE (Farquhar et al. 2019). Its mean is the difference of the values for any pi (Kakade & Langford 2002), so that
    away from the policies that played it is an importance-weighted value.

    logp [L, T, B], log odds of the joint choices, differentiable; behaviour [L, T, B], the same as they were when
    played; first int64 [L, T, B], the number of the step with which each step's episode began; advantage [L, N, T, B];
    discount [L, T, B], times whatever a sample counts. Returns [L, N].
    """
    past = torch.nn.functional.pad(logp - behaviour, (0, 0, 1, 0)).cumsum(1)  # of all steps before; one longer
    begin = past.gather(1, first)
    change = torch.exp(past[:, 1:] - begin) - torch.exp(past[:, :-1] - begin)
    return ((discount * change)[:, None] * advantage).flatten(2).sum(2)
