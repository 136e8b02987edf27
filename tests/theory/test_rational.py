import math
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_sim.theory import rational

whole = st.integers(-4, 4).map(F)


def of_roots(*given):
    p = [F(1)]
    for x in given:
        p = rational.product(p, [-F(x), F(1)])
    return p


@given(st.lists(st.fractions(-1, 2, max_denominator=12), min_size=1, max_size=6))
def test_roots_are_found_once_however_often_they_occur(given):
    assert rational.roots(of_roots(*given)) == sorted({x for x in given if 0 < x < 1})


def test_irrational_roots_and_close_ones():
    assert rational.roots([F(-1), F(0), F(2)]) == [pytest.approx(math.sqrt(0.5), abs=1e-15)]
    near = F(1, 2) + F(1, 10**9)
    found = rational.roots(of_roots(F(1, 2), near, near))
    assert found[0] == F(1, 2)
    assert found[1] == pytest.approx(float(near), abs=1e-15)
    assert rational.roots(of_roots(0, 0, 1)) == []


@given(st.lists(whole, min_size=2, max_size=7).filter(lambda p: any(p)))
@settings(max_examples=100)
def test_roots_agree_with_numpy(p):
    x = np.roots([float(c) for c in reversed(rational.trim(p))])
    simple = all(abs(a - b) > 1e-2 for i, a in enumerate(x) for b in x[:i])
    inside = sorted(r.real for r in x if abs(r.imag) < 1e-9 and 1e-6 < r.real < 1 - 1e-6)
    if simple:
        found = [float(r) for r in rational.roots(p) if 1e-6 < r < 1 - 1e-6]
        np.testing.assert_allclose(found, inside, atol=1e-7)


def test_nothing_is_told_of_the_zero_polynomial():
    with pytest.raises(ValueError, match="zero polynomial"):
        rational.roots([F(0), F(0)])


@given(
    st.integers(1, 4).flatmap(
        lambda k: st.lists(st.lists(whole, min_size=k + 1, max_size=k + 1), min_size=k, max_size=k)
    )
)
def test_linear_equations(rows):
    matrix, right = [row[:-1] for row in rows], [row[-1] for row in rows]
    found = rational.solve(matrix, right)
    if abs(np.linalg.det(np.array(matrix, float))) < 0.5:  # whole numbers: the determinant is one
        assert found is None
    else:
        assert [sum(a * x for a, x in zip(row, found)) for row in matrix] == right


@given(st.lists(whole, min_size=1, max_size=6), st.fractions(0, 1, max_denominator=9))
def test_bernstein_is_the_binomial_mean(values, x):
    m = len(values) - 1
    mean = sum(math.comb(m, k) * x**k * (1 - x) ** (m - k) * v for k, v in enumerate(values))
    assert rational.value(rational.bernstein(values), x) == mean


@given(st.lists(whole, max_size=5), st.lists(whole, min_size=1, max_size=3).filter(lambda q: q[-1] != 0))
def test_division_undone(p, q):
    ratio, rest = rational.divide(rational.trim(p), q)
    assert len(rest) < len(q)
    assert rational.plus(rational.product(ratio, q), rest) == rational.trim(p)
