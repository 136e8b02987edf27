"""Linear equations and roots of polynomials in exact fractions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from .form import SIMPLE

Polynomial = list[Fraction]  # coefficients, the constant first; no zeros at the end, [] is the zero polynomial
BITS = 60  # halvings of an interval that holds one root: beyond what a float can tell apart


def solve(matrix: Sequence[Sequence[Fraction]], right: Sequence[Fraction]) -> list[Fraction] | None:
    """The solution of square linear equations, by elimination; None where there is not exactly one."""
    rows = [[*map(Fraction, row), Fraction(b)] for row, b in zip(matrix, right)]
    size = len(rows)
    for k in range(size):
        pivot = next((r for r in range(k, size) if rows[r][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for r in range(size):
            if r != k and rows[r][k]:
                rows[r] = [x - rows[r][k] * y for x, y in zip(rows[r], rows[k])]
    return [row[-1] for row in rows]


def trim(p: Sequence[Fraction]) -> Polynomial:
    """Without zeros at the end."""
    kept = list(p)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def value(p: Sequence[Fraction], x: Fraction) -> Fraction:
    """p(x), by Horner's rule."""
    found = Fraction(0)
    for c in reversed(p):
        found = found * x + c
    return found


def derivative(p: Sequence[Fraction]) -> Polynomial:
    """p'."""
    return [k * c for k, c in enumerate(p)][1:]


def product(p: Sequence[Fraction], q: Sequence[Fraction]) -> Polynomial:
    """p q."""
    found = [Fraction(0)] * max(len(p) + len(q) - 1, 0)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            found[i + j] += a * b
    return trim(found)


def plus(p: Sequence[Fraction], q: Sequence[Fraction]) -> Polynomial:
    """p + q."""
    size = max(len(p), len(q))
    wide = [[*r, *[Fraction(0)] * (size - len(r))] for r in (p, q)]
    return trim([a + b for a, b in zip(*wide)])


def divide(p: Sequence[Fraction], q: Sequence[Fraction]) -> tuple[Polynomial, Polynomial]:
    """Quotient and remainder of p / q."""
    rest, found = list(p), [Fraction(0)] * max(len(p) - len(q) + 1, 0)
    for k in reversed(range(len(found))):
        found[k] = rest[k + len(q) - 1] / q[-1]
        for j, c in enumerate(q):
            rest[k + j] -= found[k] * c
    return trim(found), trim(rest[: len(q) - 1])


def bernstein(values: Sequence[Fraction]) -> Polynomial:
    """The expectation of values[k] for k binomial(len(values) - 1, x), as a polynomial in x."""
    m = len(values) - 1
    differences, found = list(values), []
    for k in range(m + 1):  # the coefficient of x^k is C(m, k) times the k-th forward difference at 0
        found.append(math.comb(m, k) * differences[0])
        differences = [b - a for a, b in itertools.pairwise(differences)]
    return trim(found)


def _chain(p: Polynomial) -> list[Polynomial]:
    """Sturm's chain: p, p', and the remainders with their signs turned, each scaled by a positive number."""
    chain = [p, derivative(p)]
    while len(chain[-1]) > 1:
        rest = divide(chain[-2], chain[-1])[1]
        if not rest:
            break
        scale = abs(rest[-1])
        chain.append([-c / scale for c in rest])
    return [one for one in chain if one]


def _changes(chain: list[Polynomial], x: Fraction) -> int:
    """Changes of sign along the chain at x."""
    signs = [v > 0 for v in (value(p, x) for p in chain) if v]
    return sum(a != b for a, b in itertools.pairwise(signs))


def roots(p: Sequence[Fraction], low: Fraction = Fraction(0), high: Fraction = Fraction(1)) -> list[Fraction | float]:
    """The distinct roots strictly between low and high, ascending, however close or multiple (Sturm's theorem).

    Fractions where a root is a fraction of a denominator of up to a million, else floats. ValueError for the zero
    polynomial, whose roots are all numbers.
    """
    p = trim(p)
    if not p:
        raise ValueError("every number is a root of the zero polynomial")
    for end in (low, high):
        while len(p) > 1 and not value(p, end):
            p = divide(p, [-end, Fraction(1)])[0]
    chain = _chain(p)
    if (
        len(chain[-1]) > 1
    ):  # the last is the greatest common divisor with the derivative: without it, no root is multiple
        p = divide(p, chain[-1])[0]
        chain = _chain(p)
    found: list[Fraction | float] = []
    parts = [(low, high, _changes(chain, low), _changes(chain, high))]
    while parts:
        a, b, at_a, at_b = parts.pop()
        if at_a - at_b == 1 and value(p, a):
            found.append(_the_root(p, a, b))
        elif at_a > at_b:
            middle = (a + b) / 2
            at_middle = _changes(chain, middle)
            parts += [(middle, b, at_middle, at_b), (a, middle, at_a, at_middle)]
    return found


def _the_root(p: Polynomial, a: Fraction, b: Fraction) -> Fraction | float:
    """The one root in (a, b], where p(a) is not 0."""
    rising = value(p, a) < 0
    left, right = a, b
    for _ in range(BITS):
        middle = (left + right) / 2
        at = value(p, middle)
        if not at:
            return middle if middle.denominator <= SIMPLE else float(middle)
        if (at < 0) == rising:
            left = middle
        else:
            right = middle
    near = right.limit_denominator(SIMPLE)
    return near if a < near <= b and not value(p, near) else float(right)
