"""Network meta-analysis: many treatments compared at once, directly and through each other.

Contrast-based random-effects model (Lu & Ades 2006; Higgins et al. 2012): within a study the contrasts'
true effects have variance tau2 and, if they share an arm, covariance tau2/2. The numbers are those of R's
rma.mv with a common heterogeneity and correlation 1/2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri, owens_t, stdtrit

from trialpool.stats.checks import Floats, check_level, one_of
from trialpool.stats.network_data import Network, read_network
from trialpool.stats.network_fit import TAU2_METHODS, Gls, estimate_tau2, gls


@dataclass(frozen=True, slots=True)
class NetworkFit:
    """A fitted network; the (t, t) tables are the league table: row minus column, diagonal 0.

    `p_value`, `ci_low`, `ci_high` are normal; `pi_low`, `pi_high` bound a new study's true effect, with t on
    `q_df` degrees of freedom (NaN if there are none or tau2 was not estimated). `covariance` (t, t) is that
    of the treatments' effects against the reference, the first treatment. `q` is Cochran's generalised Q: it
    tests heterogeneity and inconsistency together. `directly` (t, t) counts the studies comparing a pair.
    """

    treatments: tuple[str, ...]
    effects: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    p_value: Floats
    pi_low: Floats
    pi_high: Floats
    covariance: Floats
    tau2: float
    tau2_method: str
    log_likelihood: float
    q: float
    q_df: int
    q_p_value: float
    i2: float
    directly: Floats
    contrasts: int
    studies: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """How treatments rank, each field (t,): the P-score (mean chance of beating another treatment; SUCRA's
    equivalent), the mean rank (1 is best) and the rank's standard deviation."""

    treatments: tuple[str, ...]
    p_scores: Floats
    mean_rank: Floats
    sd_rank: Floats


def network_meta_analysis(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    *,
    reference: str | None = None,
    tau2_method: str = "REML",
    level: float = 0.95,
) -> NetworkFit:
    """Fit a network to contrasts (n,): experimental minus control treatment, each in its study.

    `covariance` (n, n) has the sampling (co)variances, 0 between studies, or is (n,) if all studies have two
    arms; `contrasts_from_arms` makes all of this from arms. A study of a arms gives a - 1 contrasts.
    `tau2_method` is REML, ML, DL or FE. Unconnected networks and faulty input are ValueErrors.

    >>> arms = ["b", "c", "c"], ["a", "b", "a"], ["1", "2", "3"]
    >>> fit = network_meta_analysis([0.5, 0.4, 1.0], [0.1, 0.1, 0.1], *arms)
    >>> fit.treatments, fit.effects.round(3).tolist()[2]
    (('a', 'b', 'c'), [0.967, 0.433, 0.0])
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    level = check_level(level)
    data = read_network(effects, covariance, experimental, control, study, reference)
    return _fit(data, tau2_method, level)


def _fit(data: Network, tau2_method: str, level: float) -> NetworkFit:
    design = data.incidence[:, 1:]
    tau2 = estimate_tau2(data.y, design, data.v, data.spread, tau2_method)
    fit = gls(data.y, design, data.v + tau2 * data.spread)
    q = gls(data.y, design, data.v).q
    n, p = design.shape
    whole = np.zeros((p + 1, p + 1))
    whole[1:, 1:] = fit.covariance
    table = _league(np.append(0.0, fit.coefficients), whole, tau2, level, 0 if tau2_method == "FE" else n - p)
    return NetworkFit(
        treatments=data.treatments,
        **table,
        covariance=whole,
        tau2=tau2,
        tau2_method=tau2_method,
        log_likelihood=_log_likelihood(fit, design, tau2_method == "REML"),
        q=q,
        q_df=n - p,
        q_p_value=float(chdtrc(n - p, q)) if n > p else 1.0,
        i2=100 * max(0.0, (q - (n - p)) / q) if q > 0 else 0.0,
        directly=_compared(data),
        contrasts=n,
        studies=len(data.studies),
    )


def _log_likelihood(fit: Gls, design: Floats, restricted: bool) -> float:
    """With the constants of R's rma.mv: REML counts n - p contrasts and adds back log|X'X|/2."""
    n, p = design.shape
    value = -0.5 * (n * np.log(2 * np.pi) + fit.log_determinant + fit.q)
    if restricted:
        own = np.linalg.slogdet(design.T @ design)[1] + np.linalg.slogdet(fit.covariance)[1]
        value += 0.5 * (p * np.log(2 * np.pi) + float(own))
    return float(value)


def _compared(data: Network) -> Floats:
    """How many studies compare each pair of treatments."""
    counts = np.zeros((len(data.treatments),) * 2)
    for number in range(len(data.studies)):
        arms = sorted(data.arms(number))
        counts[np.ix_(arms, arms)] += 1 - np.eye(len(arms))
    return counts


def _league(effects: Floats, covariance: Floats, tau2: float, level: float, df: int) -> dict[str, Floats]:
    """All pairwise differences of the treatments' effects with their inference."""
    difference = np.subtract.outer(effects, effects)
    own = np.diag(covariance)
    variance = np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0.0)
    np.fill_diagonal(variance, 0.0)
    se = np.sqrt(variance)
    half = float(ndtri((1 + level) / 2)) * se
    with np.errstate(invalid="ignore"):
        z = np.where(se > 0, difference / np.where(se > 0, se, 1.0), 0.0)
    wide = float(stdtrit(df, (1 + level) / 2)) if df else np.nan
    predicted = wide * np.sqrt(variance + tau2) * (1 - np.eye(effects.size))
    return {
        "effects": difference,
        "se": se,
        "ci_low": difference - half,
        "ci_high": difference + half,
        "p_value": np.asarray(2 * ndtr(-np.abs(z)), dtype=np.float64),
        "pi_low": difference - predicted,
        "pi_high": difference + predicted,
    }


def rank_treatments(fit: NetworkFit, *, better: str) -> Ranking:
    """Rank the treatments of a fit, `better` being "lower" or "higher" effects.

    A P-score is the mean over the others of Φ(difference/se) (Rücker & Schwarzer 2015); the mean rank is
    t - (t - 1)·P-score. The rank's SD is exact under the normal distribution of the estimates, from the
    chance of beating two others at once (bivariate normal, Owen 1956).

    >>> arms = ["b", "c", "c"], ["a", "b", "a"], ["1", "2", "3"]
    >>> fit = network_meta_analysis([0.5, 0.4, 1.0], [0.1, 0.1, 0.1], *arms)
    >>> ranking = rank_treatments(fit, better="lower")
    >>> ranking.p_scores.round(3).tolist(), ranking.mean_rank.round(3).tolist()
    ([0.99, 0.486, 0.023], [1.02, 2.027, 2.953])
    """
    one_of("better", better, ("lower", "higher"))
    sign = 1.0 if better == "lower" else -1.0
    count = len(fit.treatments)
    p_scores, spread = np.empty(count), np.empty(count)
    for own in range(count):
        others = np.flatnonzero(np.arange(count) != own)
        z = -sign * fit.effects[own, others] / fit.se[own, others]
        against = np.eye(count)[others] - np.eye(count)[own]
        correlation = (
            against @ fit.covariance @ against.T / np.outer(fit.se[own, others], fit.se[own, others])
        )
        wins = ndtr(z)
        both = _both_below(z[:, None], z[None, :], correlation)
        np.fill_diagonal(both, wins)
        p_scores[own] = wins.mean()
        spread[own] = np.sqrt(max(0.0, (both - np.outer(wins, wins)).sum()))
    return Ranking(fit.treatments, p_scores, count - (count - 1) * p_scores, spread)


def _both_below(h: Floats, k: Floats, correlation: Floats) -> Floats:
    """P(X < h and Y < k) of standard normals with a correlation (Owen 1956)."""
    h, k = np.broadcast_arrays(h, k)
    tiny = 1e-200
    h, k = np.where(h == 0, tiny, h), np.where(k == 0, tiny, k)
    rest = np.sqrt(np.maximum(1 - correlation**2, 1e-30))
    found = 0.5 * (ndtr(h) + ndtr(k)) - owens_t(h, (k / h - correlation) / rest)
    found = found - owens_t(k, (h / k - correlation) / rest) - 0.5 * (h * k < 0)
    return np.asarray(np.clip(found, 0.0, 1.0), dtype=np.float64)
