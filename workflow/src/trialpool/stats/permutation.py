"""Permutation tests: p-values that lean on no distribution, exact where all permutations can be had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial, prod

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats.batch import Batch, batch_of
from trialpool.stats.checks import Floats, check_effects, counts, one_of
from trialpool.stats.heterogeneity import TAU2_METHODS
from trialpool.stats.moderators import Moderators, check_solvable, moderators_of
from trialpool.stats.pooling import INTERVALS, pool_batch
from trialpool.stats.regression import regress_batch

BLOCK = 2**14
# A permuted statistic this close below the observed one counts as equal: rounding must not break ties.
TIE = 1.5e-8


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """Two-sided permutation p-values: of each coefficient (p,), intercept first, and of all moderators.

    `count` permutations were compared, `exact` says whether these are all. Without a design `p_value` has
    one entry, for the pooled effect, and `qm_p_value` is the same number.
    """

    p_value: Floats
    qm_p_value: float
    count: int
    exact: bool


def permutation_test(
    effects: ArrayLike,
    variances: ArrayLike,
    design: ArrayLike | None = None,
    *,
    tau2_method: str = "REML",
    interval: str = "wald",
    exact_up_to: int = 2**15,
    draws: int = 1000,
    seed: int = 1,
) -> PermutationTest:
    """Test a pooled effect by flipping signs, or moderators by exchanging the rows of `design` (k, m).

    Follmann & Proschan 1999; Higgins & Thompson 2004. Compared is the absolute test statistic under the
    same `tau2_method` and `interval`. Exact over all distinct permutations if there are at most
    `exact_up_to`; otherwise the observed order and `draws` - 1 random ones, from `seed`.

    >>> result = permutation_test([0.3, 0.1, 0.5, 0.4, 0.2], [0.1, 0.1, 0.2, 0.1, 0.1])
    >>> float(result.p_value[0]), result.exact
    (0.0625, True)
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    one_of("interval", interval, INTERVALS)
    y, v = check_effects(effects, variances)
    if y.ndim != 1:
        raise ValueError(f"effects has shape {y.shape}: takes one analysis, shape (k,)")
    draws = int(counts("draws", draws, least=2))
    choice = (tau2_method, interval)
    if design is None:
        return _flip_signs(y, v, choice, exact_up_to, draws, seed)
    moderators = moderators_of(design, len(y))
    check_solvable(batch_of(y, v), moderators)
    return _exchange_rows(y, v, moderators, choice, exact_up_to, draws, seed)


def _flip_signs(
    y: Floats, v: Floats, choice: tuple[str, str], exact_up_to: int, draws: int, seed: int
) -> PermutationTest:
    """Turn signs; flipping all of them mirrors the statistic, so that half of the 2^k suffice."""
    k = len(y)
    exact = 2**k <= exact_up_to
    number = 2 ** (k - 1) if exact else draws
    generator = np.random.default_rng(seed)

    def blocks() -> Iterator[Floats]:
        for begin in range(0, number, BLOCK):
            rows = np.arange(begin, min(begin + BLOCK, number))
            flip = (rows[:, None] >> np.arange(k)) & 1 if exact else generator.integers(0, 2, (len(rows), k))
            flip[rows == 0] = 0  # the observed signs
            yield np.where(flip > 0, -1.0, 1.0)

    least, above = 0.0, 0
    for signs in blocks():
        batch = Batch(signs * y, v, None, (len(signs),), k)
        statistic = abs(pool_batch(batch, *choice, 0.95, weights=False).statistic)
        least = least or float(statistic[0]) - TIE
        above += int((statistic >= least).sum())
    p = above / number
    return PermutationTest(np.array([p]), p, 2**k if exact else number, exact)


def _exchange_rows(
    y: Floats,
    v: Floats,
    moderators: Moderators,
    choice: tuple[str, str],
    exact_up_to: int,
    draws: int,
    seed: int,
) -> PermutationTest:
    """Exchange the studies among the rows of the design; equal rows make fewer distinct permutations."""
    labels, repeats = _same_rows(moderators.basis)
    number = factorial(len(y)) // prod(map(factorial, repeats))
    exact = number <= exact_up_to
    if exact:
        orders = _distinct_orders(labels, repeats)
    else:
        number = draws
        orders = np.argsort(np.random.default_rng(seed).random((draws, len(y))), axis=1)
        orders[0] = np.arange(len(y))
    observed = regress_batch(Batch(y, v, None, (1,), len(y)), moderators, *choice, 0.95)
    statistic, qm = abs(observed.statistic[0]) - TIE, observed.qm[0] - TIE
    above, above_qm = np.zeros(len(statistic)), 0
    for begin in range(0, number, BLOCK):
        part = orders[begin : begin + BLOCK]
        fit = regress_batch(Batch(y[part], v[part], None, (len(part),), len(y)), moderators, *choice, 0.95)
        above += (abs(fit.statistic) >= statistic).sum(0)
        above_qm += int((fit.qm >= qm).sum())
    return PermutationTest(above / number, above_qm / number, number, exact)


def _same_rows(basis: Floats) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], list[int]]:
    rounded = np.round(basis, 12) + 0.0
    _, labels, repeats = np.unique(rounded, axis=0, return_inverse=True, return_counts=True)
    return labels.reshape(-1), [int(count) for count in repeats]


def _distinct_orders(
    labels: np.ndarray[tuple[int], np.dtype[np.intp]], repeats: list[int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Every distinct way to deal the studies to the rows of the design, as orders of the studies (m, k).

    Each study in turn is given a kind of row still free; the studies of one kind then take its rows in turn.
    """
    dealt = np.empty((1, 0), dtype=np.intp)
    left = np.array([repeats])
    for _ in range(len(labels)):
        branch, kind = np.nonzero(left)
        dealt = np.column_stack([dealt[branch], kind])
        left = left[branch]
        left[np.arange(len(kind)), kind] -= 1
    studies = np.argsort(dealt, axis=1, kind="stable")
    orders = np.empty_like(studies)
    orders[:, np.argsort(labels, kind="stable")] = studies
    return orders
