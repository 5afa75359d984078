"""Does direct evidence in a network agree with indirect evidence? Design interaction and node splitting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr

from trialpool.stats.checks import Floats, one_of
from trialpool.stats.network_data import Network, read_network
from trialpool.stats.network_fit import TAU2_METHODS, estimate_tau2, gls

NO_LOOPS = "no two designs can disagree: the network has no loop of different studies"
NO_RESIDUALS = "the fuller model leaves no residuals, so tau2 is that of the consistent model"


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """Design-by-treatment interaction: a Wald test `q` on `df`, with the tau2 of the inconsistent model.

    `q_within` (heterogeneity within designs) and `q_between` (inconsistency) split Cochran's Q at tau2 = 0.
    `refused` says why there is no test, `caution` what is weak about it.
    """

    q: float
    df: int
    p_value: float
    tau2: float
    designs: int
    q_within: float
    q_within_df: int
    q_within_p_value: float
    q_between: float
    q_between_p_value: float
    refused: str
    caution: str


@dataclass(frozen=True, slots=True)
class NodeSplit:
    """Direct against indirect evidence for each pair (m,) that has both; effects are first minus second.

    `difference` is direct minus indirect, its p-value normal; `tau2` that of the split model. `caution` says
    what is weak about it.
    """

    experimental: tuple[str, ...]
    control: tuple[str, ...]
    direct: Floats
    direct_se: Floats
    indirect: Floats
    indirect_se: Floats
    difference: Floats
    difference_se: Floats
    p_value: Floats
    tau2: Floats
    caution: str


SPLIT_FIELDS = tuple(
    name for name in NodeSplit.__slots__ if name not in ("experimental", "control", "caution")
)


def network_inconsistency(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    *,
    tau2_method: str = "REML",
) -> Inconsistency:
    """Test whether studies of different designs (sets of treatments) disagree.

    Arguments as `network_meta_analysis`. The inconsistent model gives every design its own effects; its
    excess over the consistent one is a χ² on the number of loops that designs can disagree in (Higgins et
    al. 2012; White et al. 2012); the split of Q is that of Krahn, Binder & König 2013. `refused` when no two
    designs can disagree.

    >>> y, v = [0.5, 0.4, 2.0, 0.6], [0.1, 0.1, 0.1, 0.1]
    >>> test = network_inconsistency(y, v, ["b", "c", "c", "b"], ["a", "b", "a", "a"], ["1", "2", "3", "4"])
    >>> round(test.q, 4), test.df, round(test.p_value, 4)
    (4.41, 1, 0.0357)
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    return _test(read_network(effects, covariance, experimental, control, study), tau2_method)


def _test(data: Network, tau2_method: str) -> Inconsistency:
    consistent = data.incidence[:, 1:]
    full, designs = _by_design(data)
    n, rank = full.shape
    df = rank - consistent.shape[1]
    basis = full if rank < n else consistent
    tau2 = estimate_tau2(data.y, basis, data.v, data.spread, tau2_method)
    within, between = _split_q(data, consistent, full, 0.0)
    q = _split_q(data, consistent, full, tau2)[1]
    return Inconsistency(
        q=q if df else np.nan,
        df=df,
        p_value=float(chdtrc(df, q)) if df else np.nan,
        tau2=tau2,
        designs=designs,
        q_within=within,
        q_within_df=n - rank,
        q_within_p_value=float(chdtrc(n - rank, within)) if rank < n else 1.0,
        q_between=between if df else np.nan,
        q_between_p_value=float(chdtrc(df, between)) if df else np.nan,
        refused="" if df else NO_LOOPS,
        caution=NO_RESIDUALS if df and rank == n and tau2_method != "FE" else "",
    )


def _split_q(data: Network, consistent: Floats, full: Floats, tau2: float) -> tuple[float, float]:
    """Residual sums of squares at tau2: of the full model, and what the consistent model has on top."""
    metric = data.v + tau2 * data.spread
    within = gls(data.y, full, metric).q if full.shape[1] < full.shape[0] else 0.0
    return within, max(0.0, gls(data.y, consistent, metric).q - within)


def _by_design(data: Network) -> tuple[Floats, int]:
    """A design matrix with own effects for every set of treatments compared, and how many sets there are."""
    arms = [data.arms(number) for number in range(len(data.studies))]
    sets = sorted(set(arms), key=sorted)
    parts = []
    for chosen in sets:
        rows = np.array([arms[number] == chosen for number in data.study])
        parts.append(np.where(rows[:, None], data.incidence[:, sorted(chosen)[1:]], 0.0))
    return np.column_stack(parts), len(sets)


def node_split(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    *,
    tau2_method: str = "REML",
) -> NodeSplit:
    """Split each pair of treatments that has both into direct and indirect evidence; arguments as above.

    Studies with both treatments are direct; their disagreement with the rest is shared equally by the two
    arms, so that a study of many arms need not choose which one deviates (White 2015, symmetric side-split;
    Dias et al. 2010). A pair without indirect evidence, or whose disagreement cannot be told from the
    effects, is left out.

    >>> arms = ["b", "c", "c", "b"], ["a", "b", "a", "a"], ["1", "2", "3", "4"]
    >>> split = node_split([0.5, 0.4, 2.0, 0.6], [0.1] * 4, *arms, tau2_method="FE")
    >>> split.direct.round(3).tolist(), split.indirect.round(3).tolist()
    ([0.55, 2.0, 0.4], [1.6, 0.95, 1.45])
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    return _splits(read_network(effects, covariance, experimental, control, study), tau2_method)


def _splits(data: Network, tau2_method: str) -> NodeSplit:
    arms = [data.arms(number) for number in range(len(data.studies))]
    rows: list[tuple[float, ...]] = []
    pairs: list[tuple[str, str]] = []
    no_residuals = False
    for first in range(len(data.treatments)):
        for second in range(first):
            column = _deviation(data, arms, first, second)
            whole = np.column_stack([data.incidence[:, 1:], column])
            if not column.any() or np.linalg.matrix_rank(whole) < whole.shape[1]:
                continue
            pairs.append((data.treatments[first], data.treatments[second]))
            rows.append(_split(data, whole, first, second, tau2_method))
            no_residuals |= whole.shape[0] == whole.shape[1] and tau2_method != "FE"
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(SPLIT_FIELDS))
    return NodeSplit(
        experimental=tuple(pair[0] for pair in pairs),
        control=tuple(pair[1] for pair in pairs),
        **dict(zip(SPLIT_FIELDS, table.T, strict=True)),
        caution=NO_RESIDUALS if no_residuals else "",
    )


def _deviation(data: Network, arms: list[frozenset[int]], first: int, second: int) -> Floats:
    """What a disagreement of 1 adds to each contrast: in direct studies +1/2 to one arm, -1/2 to another."""
    half = np.zeros(len(data.treatments))
    half[first], half[second] = 0.5, -0.5
    direct = np.array([{first, second} <= arms[number] for number in data.study])
    return np.where(direct, data.incidence @ half, 0.0)


def _split(data: Network, whole: Floats, first: int, second: int, tau2_method: str) -> tuple[float, ...]:
    n, p = whole.shape
    tau2 = estimate_tau2(data.y, whole if n > p else data.incidence[:, 1:], data.v, data.spread, tau2_method)
    fit = gls(data.y, whole, data.v + tau2 * data.spread)
    indirect = np.zeros(p + 1)
    indirect[first], indirect[second] = 1.0, -1.0
    # The reference treatment, number 0, has no coefficient; the last coefficient is the disagreement.
    indirect, apart = indirect[1:], np.eye(p)[-1]
    found: list[float] = []
    for contrast in (indirect + apart, indirect, apart):
        found += [float(contrast @ fit.coefficients), float(np.sqrt(contrast @ fit.covariance @ contrast))]
    return (*found, float(2 * ndtr(-abs(found[4]) / found[5])), tau2)
