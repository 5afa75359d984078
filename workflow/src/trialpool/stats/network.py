"""Network meta-analysis: many treatments compared at once, directly and through each other.

Contrast-based random-effects model (Lu & Ades 2006; Higgins et al. 2012): within a study the contrasts'
true effects have variance tau2 and, if they share an arm, covariance tau2/2, as in R's rma.mv with a common
heterogeneity and correlation 1/2. Whether direct evidence agrees with indirect evidence is asked by design
interaction and node splitting.

Of few studies normal quantiles promise too much. The covariance times Q/df, Q at the tau2 estimated, with
t on the residual df, is Hartung & Knapp's (2001) for a regression (Jackson & Riley 2014, Stat Med 33: 541),
here of contrasts; its floor of 1 is Röver et al.'s (2015). The Bayesian posterior is exact by quadrature over
tau, as that of one comparison (Röver 2020, J Stat Software 93(6)): given tau the effects are normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import block_diag
from scipy.special import chdtrc, gammainccinv, gammaincinv, ndtr, owens_t, stdtrit

from trialpool.stats import checks
from trialpool.stats._model import REPEATED
from trialpool.stats._numeric import Rows, infer, roots
from trialpool.stats.bayes import Mixture, tau_posterior
from trialpool.stats.checks import Bools, Floats, check_level, finite, labels, one_of, refuse

TAU2_METHODS = ("REML", "ML", "DL", "FE")
NETWORK_INTERVALS = ("wald", "t", "hksj", "hksj_adhoc", "bayes")
GRID_POINTS = 200
CONTRADICTS = 0.1  # standard errors between what two pairs of arms say and what the third does
NO_LOOPS = "no two designs can disagree: the network has no loop of different studies"
NO_RESIDUALS = "the fuller model leaves no residuals, so tau2 is that of the consistent model"


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Contrasts (n,) experimental minus control, their covariance (n, n), and labels of arms and study."""

    effects: Floats
    covariance: Floats
    experimental: tuple[str, ...]
    control: tuple[str, ...]
    study: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """Checked contrasts, turned within each study so that none depends on another: y (n,) of expectation
    `incidence` (n, treatments) times the effects has the variances 1 + tau2·roots, `roots` (n,).

    `study` (n,) numbers the studies, `arms` are the treatments each compares. `log_unit` is the logarithm of
    the determinant of the sampling covariance, `log_design` that of X'X of the consistent design as given.
    """

    y: Floats
    incidence: Floats
    roots: Floats
    study: Rows
    arms: list[frozenset[int]]
    treatments: tuple[str, ...]
    log_unit: float
    log_design: float

    @property
    def consistent(self) -> Floats:
        """The design (n, p) of one effect for each treatment but the reference, number 0."""
        return self.incidence[:, 1:]


def contrasts_from_arms(
    effects: ArrayLike, variances: ArrayLike, treatment: Sequence[str], study: Sequence[str]
) -> Contrasts:
    """Contrasts of each study's arms with its first one, from arm-level `effects` and `variances` (arms,).

    An arm's effect is its mean, log risk, log odds or risk, with its sampling variance (sd²/n, …). Contrasts
    of one study share the first arm's variance as their covariance (Gleser & Olkin 2009). Studies of one arm
    and treatments repeated within a study are refused: combine such arms first.

    >>> contrasts_from_arms([1.0, 1.5, 2.0], [0.1, 0.2, 0.3], "abc", "sss").covariance.round(9).tolist()
    [[0.3, 0.1], [0.1, 0.4]]
    """
    y, v = finite("effects", effects), finite("variances", variances, above=0)
    arms, studies = labels("treatment", treatment, y.size), labels("study", study, y.size)
    if y.ndim != 1 or v.shape != y.shape:
        raise ValueError(f"effects {y.shape}, variances {v.shape}: need one number for each arm")
    members = [np.flatnonzero(np.equal(studies, name)) for name in dict.fromkeys(studies)]
    for rows in members:
        if len(rows) < 2 or len({arms[row] for row in rows}) < len(rows):
            problem = "has one arm" if len(rows) < 2 else "has a treatment twice; combine these arms"
            raise ValueError(f"study {studies[rows[0]]!r} {problem}")
    chosen = np.concatenate([rows[1:] for rows in members])
    base = np.concatenate([np.full(len(rows) - 1, rows[0]) for rows in members])
    shared = np.equal.outer(base, base) * v[base][:, None] + np.diag(v[chosen])
    sides = ((arms, chosen), (arms, base), (studies, base))
    names = (tuple(of[row] for row in each) for of, each in sides)
    return Contrasts(y[chosen] - y[base], shared, *names)


def contrasts_from_pairs(
    effects: ArrayLike,
    variances: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
) -> Contrasts:
    """Contrasts of each study's arms with one of them, from all its pairs of arms (n,), as papers print them.

    A pair's variance is the sum of what its arms contribute, so that contrasts i and j with an arm b have the
    covariance (v_ib + v_jb - v_ij)/2 (Rücker & Schwarzer 2014). A study of m arms needs its m(m - 1)/2 pairs;
    effects of one study that contradict each other by a tenth of a standard error are refused.

    >>> arms = ["b", "c", "c"], ["a", "a", "b"], ["s", "s", "s"]
    >>> contrasts_from_pairs([0.5, 1.0, 0.5], [0.3, 0.4, 0.5], *arms).covariance.round(9).tolist()
    [[0.3, 0.1], [0.1, 0.4]]
    """
    y, v = finite("effects", effects), finite("variances", variances, above=0)
    if y.ndim != 1 or v.shape != y.shape:
        raise ValueError(f"effects {y.shape}, variances {v.shape}: need one number for each pair")
    names = {"experimental": experimental, "control": control, "study": study}
    one, other, studies = (labels(name, given, y.size) for name, given in names.items())
    rows, bases, blocks = [], [], []
    for name in dict.fromkeys(studies):
        at = np.flatnonzero(np.equal(studies, name))
        pairs = _pairs(name, [(one[row], other[row], y[row], v[row]) for row in at])
        base, *arms = dict.fromkeys(arm for pair in pairs for arm in reversed(pair))
        if len(pairs) < (len(arms) + 1) * len(arms):
            raise ValueError(
                f"study {name!r} has {len(arms) + 1} arms: give a contrast of each of their pairs"
            )
        for first, second in combinations(arms, 2):
            apart = pairs[first, second][0] - pairs[first, base][0] + pairs[second, base][0]
            if abs(apart) > CONTRADICTS * np.sqrt(pairs[first, second][1]):
                raise ValueError(f"study {name!r}: {first}, {second} and {base} contradict each other")
        own = [pairs[arm, base][1] for arm in arms]
        between = [[pairs[i, j][1] if i != j else 0.0 for j in arms] for i in arms]
        blocks.append((np.add.outer(own, own) - np.array(between)) / 2)
        if np.linalg.eigvalsh(blocks[-1])[0] <= 0:
            raise ValueError(f"study {name!r}: no arms give its pairs these standard errors; correct them")
        rows += [(pairs[arm, base][0], arm, name) for arm in arms]
        bases += [base] * len(arms)
    found, treated, of_study = zip(*rows, strict=True)
    return Contrasts(np.array(found), block_diag(*blocks), treated, tuple(bases), of_study)


def _pairs(
    name: str, rows: list[tuple[str, str, float, float]]
) -> dict[tuple[str, str], tuple[float, float]]:
    """The effects and variances of a study by their arms, either way round."""
    pairs: dict[tuple[str, str], tuple[float, float]] = {}
    for first, second, effect, variance in rows:
        if first == second:
            raise ValueError(f"study {name!r} has {first} against itself: name two arms")
        if (first, second) in pairs:
            raise ValueError(f"study {name!r} has {first} against {second} twice: combine or remove one")
        pairs |= {(first, second): (effect, variance), (second, first): (-effect, variance)}
    return pairs


def read_network(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    reference: str | None = None,
    *,
    connected: bool = True,
) -> Network:
    """Check contrasts (n,) and put `reference` first among the treatments, which are otherwise sorted.

    A network that falls apart is refused unless `connected` is False.
    """
    y = finite("effects", effects)
    if y.ndim != 1 or y.size == 0:
        raise ValueError(f"effects has shape {y.shape}: needs a list of at least one contrast")
    names = {"experimental": experimental, "control": control, "study": study}
    named = [labels(name, given, y.size) for name, given in names.items()]
    for row, (first, second) in enumerate(zip(*named[:2], strict=True)):
        if first == second:
            raise ValueError(f"experimental[{row}] is {first!r}: the same as its control")
    treatments = sorted({*named[0], *named[1]})
    if reference is not None:
        first = one_of("reference", str(reference), treatments)
        treatments.sort(key=lambda name: name != first)
    incidence = np.subtract(*(np.equal.outer(side, treatments).astype(np.float64) for side in named[:2]))
    studies = tuple(dict.fromkeys(named[2]))
    index = np.array([studies.index(name) for name in named[2]], dtype=np.intp)
    same = np.equal.outer(index, index)
    v = _covariance(covariance, same, named[2])
    rows = [np.flatnonzero(index == number) for number in range(len(studies))]
    arms = [frozenset(np.flatnonzero(incidence[row].any(axis=0)).tolist()) for row in rows]
    if connected:
        check_connected(arms, treatments)
    log_design = float(np.linalg.slogdet(incidence[:, 1:].T @ incidence[:, 1:])[1])
    turned, added, log_unit = np.column_stack([y, incidence]), np.empty(y.size), 0.0
    for name, of_study in zip(studies, rows, strict=True):
        added[of_study], turn = _apart(name, v[of_study][:, of_study], incidence[of_study])
        turned[of_study] = turn @ turned[of_study]
        log_unit -= 2 * float(np.linalg.slogdet(turn)[1])
    if added.max() > checks.FURTHEST * added.min():
        raise ValueError("covariance: the smallest and the largest variance are too far apart")
    turned_data = turned[:, 0], turned[:, 1:], added
    return Network(*turned_data, index, arms, tuple(treatments), log_unit, log_design)


def _apart(name: str, v: Floats, incidence: Floats) -> tuple[Floats, Floats]:
    """The matrix T of a study with T V T' the unit matrix and T R T' diagonal, given first; R is the
    covariance that a tau2 of 1 adds."""
    if np.linalg.matrix_rank(incidence) < len(v):
        raise ValueError(f"study {name!r}: its contrasts depend on each other; give arms - 1 of them")
    if np.linalg.eigvalsh(v)[0] <= 0:
        raise ValueError(f"covariance: the block of study {name!r} is not positive definite")
    lower = np.linalg.cholesky(v)
    middle = np.linalg.solve(lower, 0.5 * incidence)
    roots, turn = np.linalg.eigh(2 * middle @ middle.T)
    return roots, np.linalg.solve(lower.T, turn).T


def _covariance(covariance: ArrayLike, same: Bools, study: list[str]) -> Floats:
    v = checks.numbers("covariance", covariance)
    n = same.shape[0]
    if v.shape == (n,):
        for row in np.flatnonzero(same.sum(axis=0) > 1):
            raise ValueError(
                f"covariance: study {study[row]!r} has several contrasts; give the whole (n, n) matrix"
            )
        v = np.diag(v)
    if v.shape != (n, n):
        raise ValueError(f"covariance has shape {v.shape}: needs ({n}, {n}) or ({n},)")
    refuse("covariance", v, ~np.isfinite(v), "must be a finite number")
    refuse("covariance", v, np.eye(n, dtype=bool) & (v <= 0), "must be above 0 on the diagonal")
    refuse("covariance", v, ~same & (v != 0), "must be 0 between studies")
    refuse("covariance", v, np.abs(v - v.T) > 1e-12 * np.abs(v).max(), "is not symmetric")
    return (v + v.T) / 2


def check_connected(arms: list[frozenset[int]], treatments: list[str]) -> None:
    """Refuse treatments never connected."""
    reached, links = {0}, set(arms)
    for _ in treatments:
        reached = reached.union(*(link for link in links if link & reached))
    here, apart = (
        ", ".join(name for number, name in enumerate(treatments) if (number in reached) is near)
        for near in (True, False)
    )
    if apart:
        raise ValueError(f"the network falls apart: {here} are never compared with {apart}")


@dataclass(frozen=True, slots=True)
class Gls:
    """Coefficients (p,) with covariance (p, p) and residual sum of squares at a tau2."""

    tau2: float
    coefficients: Floats
    covariance: Floats
    q: float


def gls(data: Network, design: Floats, tau2: float) -> Gls:
    """Generalised least squares of the contrasts on a design (n, p) of full rank, at a heterogeneity."""
    root = 1 / np.sqrt(1 + tau2 * data.roots)
    basis, upper = np.linalg.qr(root[:, None] * design)
    projected = basis.T @ (root * data.y)
    inverse = np.linalg.inv(upper)
    rest = root * data.y - basis @ projected
    return Gls(tau2, inverse @ projected, inverse @ inverse.T, float(rest @ rest))


def _log_likelihood(data: Network, fit: Gls, restricted: bool) -> float:
    """Of the consistent model, with the constants of R's rma.mv: REML counts n - p contrasts and adds back
    log|X'X|/2."""
    n, p = data.consistent.shape
    spread = data.log_unit + float(np.log1p(fit.tau2 * data.roots).sum())
    height = -0.5 * (n * np.log(2 * np.pi) + spread + fit.q)
    own = p * np.log(2 * np.pi) + data.log_design + float(np.linalg.slogdet(fit.covariance)[1])
    return float(height + 0.5 * own * restricted)


def fitted(data: Network, design: Floats, method: str) -> Gls:
    """Fit a design with its own tau2, or that of the consistent model where it leaves no residuals."""
    spare = design.shape[1] < design.shape[0]
    return gls(data, design, _tau2(data, _free(data, design if spare else data.consistent), method))


def _free(data: Network, design: Floats) -> tuple[Floats, Floats]:
    """The matrix (n - p, n) that makes of the contrasts independent ones, free of coefficients, of variances
    1 + tau2·roots, and these roots (n - p,)."""
    free = np.linalg.qr(design, mode="complete")[0][:, design.shape[1] :]
    own, turn = np.linalg.eigh(free.T @ (data.roots[:, None] * free))
    return turn.T @ free.T, own


def _tau2(data: Network, free: tuple[Floats, Floats], method: str, column: Floats | None = None) -> float:
    """Estimate tau2 of the design that `free` contrasts leave, or of it and one more `column` (n,).

    A restricted likelihood depends on the free contrasts only. DL's E(Q) = n - p + tau2·tr(P R) (Jackson,
    White & Riley 2012) has the sum of their squares as Q and that of the roots as trace.
    """
    turn, own = free
    z, u = turn @ data.y, np.zeros(own.size) if column is None else turn @ column
    freedom = own.size - (column is not None)
    if method == "FE" or freedom < 1:
        return 0.0
    if method == "DL":
        _, rest, pulled = _regressed(np.zeros(1), z, u, own)
        return max(0.0, float((rest**2).sum() - freedom) / float((own * (1 - u**2 / pulled)).sum()))
    return _maximise(z, u, own, None if method == "REML" else data.roots, freedom)


def _regressed(tau2: Floats, z: Floats, u: Floats, own: Floats) -> tuple[Floats, Floats, Floats]:
    """Weights (m, n) at some tau2 (m,), residuals of z regressed on u, and u'Wu (m, 1), 1 without any u."""
    w = 1 / (1 + tau2[:, None] * own)
    pulled = (w * u**2).sum(1, keepdims=True) + float(not u.any())
    return w, z - u * ((w * u * z).sum(1, keepdims=True) / pulled), pulled


def _maximise(z: Floats, u: Floats, own: Floats, others: Floats | None, freedom: int) -> float:
    """The highest maximum: every fall of the slope through 0 on a grid is solved for, 0 is a candidate too.

    `own` are the roots of z, `others` for ML those of all contrasts, whose determinant is that likelihood's.
    """
    top = float((z**2).sum() / (freedom * own.min()))  # beyond it y'PRPy is below tr(P R)

    def fall(tau2: Floats, _: Rows) -> tuple[Floats, Floats]:
        """What lowers the likelihood, tr(P R) or tr(W R), less y'PRPy which raises it, and the slope."""
        w, rest, pulled = _regressed(tau2, z, u, own)
        lost, taken = own * w, (own * (w * u) ** 2).sum(1, keepdims=True) / pulled
        along = lost * rest
        gain = (lost * w * rest**2).sum(1)
        bend = 2 * ((w * along**2).sum(1) - (w * u * along).sum(1) ** 2 / pulled[:, 0])
        squares = lost**2 - 2 * lost**2 * w * u**2 / pulled
        trace, trace2 = lost.sum(1) - taken[:, 0], squares.sum(1) + taken[:, 0] ** 2
        if others is not None:
            spread = others / (1 + tau2[:, None] * others)
            trace, trace2 = spread.sum(1), (spread**2).sum(1)
        return trace - gain, bend - trace2

    grid = (
        np.append(0.0, np.geomspace(1e-3 * min(top, 1 / own.max()), top, GRID_POINTS)) if top else np.zeros(1)
    )
    falls = fall(grid, np.arange(grid.size))[0]
    low = np.flatnonzero((falls[:-1] < 0) & (falls[1:] >= 0))
    found = roots(fall, grid[low], grid[low + 1], grid[low], np.full(low.size, 1e-9 * top))
    candidates = np.append(0.0, found)
    w, rest, pulled = _regressed(candidates, z, u, own)
    spread = np.log(pulled[:, 0]) - np.log(w).sum(1)
    if others is not None:
        spread = np.log1p(candidates[:, None] * others).sum(1)
    return float(candidates[(spread + (w * rest**2).sum(1)).argmin()])


@dataclass(frozen=True, slots=True)
class NetworkFit:
    """A fitted network; the (t, t) tables are the league table: row minus column, diagonal 0.

    `p_value`, `ci_low`, `ci_high` are t on `df` degrees of freedom, normal where infinite; `pi_low`,
    `pi_high` bound a new study's true effect, with t on `q_df` degrees of freedom (NaN if there are none or
    tau2 was not estimated). `covariance` (t, t) is that of the effects against the reference, the first
    treatment. `q`, Cochran's generalised Q, tests heterogeneity and inconsistency together. `directly` (t, t)
    counts the studies comparing a pair. Of a Bayesian `interval` the effects are posterior medians, `se` and
    `covariance` the posterior's, the intervals equal-tailed, and there is no p-value.

    `grid_*` hold the mixture of normals that the effects follow: its weights (g,), the effects (g, t) against
    the reference and their covariance (g, t, t); a t distribution is a mixture of normals of many scales.
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
    interval: str
    df: float
    grid_weights: Floats
    grid_effects: Floats
    grid_covariances: Floats


@dataclass(frozen=True, slots=True)
class Ranking:
    """How treatments rank, (t,): P-score (SUCRA's equivalent), mean rank (1 is best) and its SD."""

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
    interval: str = "wald",
    tau_prior: tuple[str, float] = ("half_normal", 0.5),
    level: float = 0.95,
) -> NetworkFit:
    """Fit a network to contrasts (n,): experimental minus control treatment, each in its study.

    `covariance` (n, n) has the sampling (co)variances, 0 between studies, or is (n,) if all studies have two
    arms; `contrasts_from_arms` makes all of this from arms. A study of a arms gives a - 1 contrasts.
    `tau2_method` is REML, ML, DL or FE; `interval` wald, t (Student's on the residual df), hksj (that, times
    Q/df), hksj_adhoc (its floor 1) or bayes, which alone uses `tau_prior`, as `bayes_pool` has it.
    Two treatments are a meta-analysis and give its numbers; without residual df there is, as of one study, no
    t and no scale. Unconnected networks and faulty input
    are ValueErrors.

    >>> arms = ["b", "c", "c"], ["a", "b", "a"], ["1", "2", "3"]
    >>> fit = network_meta_analysis([0.5, 0.4, 1.0], [0.1, 0.1, 0.1], *arms)
    >>> fit.treatments, fit.effects.round(3).tolist()[2]
    (('a', 'b', 'c'), [0.967, 0.433, 0.0])
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    one_of("interval", interval, NETWORK_INTERVALS)
    level = check_level(level)
    data = read_network(effects, covariance, experimental, control, study, reference)
    design = data.consistent
    fit = fitted(data, design, tau2_method)
    q = gls(data, design, 0.0).q
    n, p = design.shape
    if interval == "bayes":
        inference = _posterior(data, tau_prior, level)
    else:
        inference = _sampling(fit, interval, n - p, tau2_method != "FE", level)
    directly = np.zeros((p + 1, p + 1))
    for arms in map(sorted, data.arms):
        directly[np.ix_(arms, arms)] += 1 - np.eye(len(arms))
    return NetworkFit(
        treatments=data.treatments,
        **inference,
        tau2=fit.tau2,
        tau2_method=tau2_method,
        log_likelihood=_log_likelihood(data, fit, tau2_method == "REML"),
        q=q,
        q_df=n - p,
        q_p_value=chance_of(n - p, q),
        i2=100 * max(0.0, (q - (n - p)) / q) if q > 0 else 0.0,
        directly=directly,
        contrasts=n,
        studies=len(data.arms),
        interval=interval,
    )


def chance_of(df: int, q: float) -> float:
    """The p-value of a χ² test, 1 of nothing to test."""
    return float(chdtrc(df, max(0.0, q))) if df else 1.0


def against_reference(fit: Gls) -> tuple[Floats, Floats]:
    """Effects (t,) and their covariance (t, t), the reference's among them, which are 0."""
    return np.append(0.0, fit.coefficients), np.pad(fit.covariance, ((1, 0), (1, 0)))


def pair_variances(covariance: Floats) -> Floats:
    """Variances (…, t, t) of all pairwise differences; the diagonal is 0."""
    own = np.diagonal(covariance, axis1=-2, axis2=-1)
    variance = np.maximum(own[..., :, None] + own[..., None, :] - 2 * covariance, 0.0)
    return np.asarray(variance * (1 - np.eye(own.shape[-1])))


def _sampling(fit: Gls, interval: str, freedom: int, new: bool, level: float) -> dict[str, Any]:
    """All pairwise differences by the sampling distribution of the effects, normal or t; `new` where the
    true effect of a new study can be bounded."""
    effects, covariance = against_reference(fit)
    df, scale = spread_of(fit.q, interval, freedom)
    covariance = covariance * scale
    weights, scales = _scales_of_t(df) if np.isfinite(df) else (np.ones(1), np.ones(1))
    difference, variance = np.subtract.outer(effects, effects), pair_variances(covariance)
    found = infer(difference, np.sqrt(variance), df, level).named()
    del found["statistic"]
    wide = float(stdtrit(freedom, (1 + level) / 2)) if freedom and new else np.nan
    predicted = wide * np.sqrt(variance + fit.tau2) * (1 - np.eye(effects.size))
    return found | {
        "effects": difference,
        "pi_low": difference - predicted,
        "pi_high": difference + predicted,
        "covariance": covariance,
        "df": df,
        "grid_weights": weights,
        "grid_effects": np.tile(effects, (scales.size, 1)),
        "grid_covariances": scales[:, None, None] * covariance,
    }


def spread_of(q: float, interval: str, freedom: int) -> tuple[float, float]:
    """The degrees of freedom of an interval, infinite if it is normal, and what multiplies the variances."""
    if interval == "wald" or not freedom:
        return np.inf, 1.0
    scale = q / freedom if interval.startswith("hksj") else 1.0
    return float(freedom), max(scale, 1.0) if interval == "hksj_adhoc" else scale


def _scales_of_t(df: float) -> tuple[Floats, Floats]:
    """Weights and variances of the normals that make up Student's t: it is one over √(χ²/df).

    The trapezoidal rule in x = log(χ²/2), whose density is analytic within π/2 of the real line and falls off
    on both sides: steps below half its standard deviation, about √(2/df), leave nothing of an error.
    """
    low, high = np.log(gammaincinv(df / 2, 1e-18)), np.log(gammainccinv(df / 2, 1e-18))
    x = np.arange(low, high, min(0.25, 0.5 * np.sqrt(2 / df)))
    height = df / 2 * x - np.exp(x)
    weights = np.exp(height - height.max())
    return weights / weights.sum(), df / 2 * np.exp(-x)


def _posterior(data: Network, tau_prior: tuple[str, float], level: float) -> dict[str, Any]:
    """All pairwise differences by their posterior under flat priors of the effects: mixtures over tau.

    Of tau the free contrasts alone tell, as in a restricted likelihood: each, over the square root of its
    root, has the variance 1/root + tau².
    """
    turn, own = _free(data, data.consistent)
    scaled = turn @ data.y / np.sqrt(own), 1 / own
    weights, taus = tau_posterior(*scaled, float(1 / np.sqrt(data.roots.max())), tau_prior)
    given = [against_reference(gls(data, data.consistent, tau**2)) for tau in taus]
    effects, covariances = (np.array(part) for part in zip(*given, strict=True))
    centre, t = weights @ effects, effects.shape[1]
    away, tails = effects - centre, np.array([0.5, (1 - level) / 2, (1 + level) / 2])
    covariance = np.tensordot(weights, covariances + away[:, :, None] * away[:, None, :], 1)
    one, other = pairs = np.nonzero(~np.eye(t, dtype=bool))
    means, variances = effects[:, one] - effects[:, other], pair_variances(covariances)[:, one, other]
    found: dict[str, Any] = {"p_value": np.full((t, t), np.nan)}
    kinds = (
        (("effects", "ci_low", "ci_high"), variances),
        (("", "pi_low", "pi_high"), variances + taus[:, None] ** 2),
    )
    for names, spread in kinds:
        mixture = Mixture(np.broadcast_to(weights, means.T.shape), means.T, np.sqrt(spread.T))
        for name, values in zip(names, mixture.quantiles(tails), strict=True):
            found[name] = np.zeros((t, t))
            found[name][pairs] = values
    del found[""]
    return found | {
        "se": np.sqrt(pair_variances(covariance)),
        "covariance": covariance,
        "df": np.inf,
        "grid_weights": weights,
        "grid_effects": effects,
        "grid_covariances": covariances,
    }


def rank_treatments(fit: NetworkFit, *, better: str) -> Ranking:
    """Rank the treatments of a fit, `better` being "lower" or "higher" effects.

    A P-score is the mean over the others of Φ(difference/se) (Rücker & Schwarzer 2015), of a t interval that
    of Student's t, of a Bayesian one the posterior probability and so SUCRA itself; the mean rank is
    t - (t - 1)·P-score. The rank's SD is exact under the mixture of normals that the effects follow, from
    the chance of beating two others at once (bivariate normal, Owen 1956).

    >>> arms = ["b", "c", "c"], ["a", "b", "a"], ["1", "2", "3"]
    >>> fit = network_meta_analysis([0.5, 0.4, 1.0], [0.1, 0.1, 0.1], *arms)
    >>> rank_treatments(fit, better="lower").p_scores.round(3).tolist()
    [0.99, 0.486, 0.023]
    """
    checks.a_fit(fit, NetworkFit)
    one_of("better", better, ("lower", "higher"))
    sign = 1.0 if better == "lower" else -1.0
    count, weights = len(fit.treatments), fit.grid_weights
    p_scores, spread = np.empty(count), np.empty(count)
    every = np.sqrt(pair_variances(fit.grid_covariances))
    for own in range(count):
        others = np.flatnonzero(np.arange(count) != own)
        se = every[:, own, others]
        ahead = -sign * (fit.grid_effects[:, own, None] - fit.grid_effects[:, others])
        against = np.eye(count)[others] - np.eye(count)[own]
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(ahead == 0, 0.0, ahead / se)
            correlation = against @ fit.grid_covariances @ against.T / (se[:, :, None] * se[:, None, :])
        correlation = np.where(np.isfinite(correlation), correlation, 0.5)  # without any error: as of equals
        wins = weights @ ndtr(z)
        both = np.tensordot(weights, _both_below(z[:, :, None], z[:, None, :], correlation), 1)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistency:
    """Design-by-treatment interaction: a Wald test `q` on `df`, with the tau2 of the inconsistent model, or
    where this leaves no residuals that of the consistent one, which `caution` says.

    `q_within` (heterogeneity within designs) and `q_between` (inconsistency) split Cochran's Q at tau2 = 0.
    """

    q: float = np.nan
    df: int
    p_value: float = np.nan
    tau2: float
    designs: int
    q_within: float
    q_within_df: int
    q_within_p_value: float = 1.0
    q_between: float = np.nan
    q_between_p_value: float = np.nan
    refused: str = ""
    caution: str = ""


@dataclass(frozen=True, slots=True)
class NodeSplit:
    """Direct against indirect evidence for each pair (m,) that has both; effects are first minus second.

    `difference` is direct minus indirect, its p-value normal; `tau2` that of the split model.
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
    al. 2012; White et al. 2012), `refused` where there are none. Q is split as in Krahn, Binder & König 2013.

    >>> y, v = [0.5, 0.4, 2.0, 0.6], [0.1, 0.1, 0.1, 0.1]
    >>> test = network_inconsistency(y, v, ["b", "c", "c", "b"], ["a", "b", "a", "a"], ["1", "2", "3", "4"])
    >>> round(test.q, 4), test.df, round(test.p_value, 4)
    (4.41, 1, 0.0357)
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    data = read_network(effects, covariance, experimental, control, study)
    full, designs = by_design(data)
    n, rank = full.shape
    df = rank - data.consistent.shape[1]
    within, between = _split_q(data, full, 0.0)
    result = Inconsistency(
        df=df,
        tau2=fitted(data, full, tau2_method).tau2,
        designs=designs,
        q_within=within,
        q_within_df=n - rank,
        q_within_p_value=chance_of(n - rank, within),
        refused="" if df else NO_LOOPS,
        caution=NO_RESIDUALS if df and rank == n and tau2_method != "FE" else "",
    )
    if not df:
        return result
    q = _split_q(data, full, result.tau2)[1]
    tested = replace(result, q=q, p_value=chance_of(df, q))
    return replace(tested, q_between=between, q_between_p_value=chance_of(df, between))


def _split_q(data: Network, full: Floats, tau2: float) -> tuple[float, float]:
    """Residual sums of squares at tau2: of the full model, and what the consistent model has on top."""
    within = gls(data, full, tau2).q if full.shape[1] < full.shape[0] else 0.0
    return within, max(0.0, gls(data, data.consistent, tau2).q - within)


def by_design(data: Network) -> tuple[Floats, int]:
    """A design matrix with own effects for every set of treatments compared, and how many sets there are."""
    arms = data.arms
    sets = sorted(set(arms), key=sorted)
    of = np.array([sets.index(each) for each in arms])[data.study, None]
    parts = [np.where(of == i, data.incidence[:, sorted(each)[1:]], 0.0) for i, each in enumerate(sets)]
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
    arms (White 2015, symmetric side-split; Dias et al. 2010). A pair without indirect evidence, or whose
    disagreement cannot be told from the effects, is left out.

    >>> arms = ["b", "c", "c", "b"], ["a", "b", "a", "a"], ["1", "2", "3", "4"]
    >>> node_split([0.5, 0.4, 2.0, 0.6], [0.1] * 4, *arms, tau2_method="FE").difference.round(3).tolist()
    [-1.05, 1.05, -1.05]
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    data = read_network(effects, covariance, experimental, control, study)
    free, rows, pairs = _free(data, data.consistent), [], []
    saturated = free[1].size == 1 and tau2_method != "FE"  # the split takes the only residual
    for first, second in ((one, two) for one in range(len(data.treatments)) for two in range(one)):
        # What a disagreement of 1 adds to each contrast: in direct studies 1/2 to one arm, -1/2 to the other.
        half = np.zeros(len(data.treatments))
        half[[first, second]] = 0.5, -0.5
        direct = np.array([{first, second} <= arms for arms in data.arms])[data.study]
        apart = np.where(direct, data.incidence @ half, 0.0)
        if np.linalg.norm(free[0] @ apart) <= REPEATED * np.linalg.norm(apart):
            continue
        pairs.append((data.treatments[first], data.treatments[second]))
        tau2 = _tau2(data, free, tau2_method, None if saturated else apart)
        rows.append(_split(gls(data, np.column_stack([data.consistent, apart]), tau2), half))
    names = [each.name for each in fields(NodeSplit)[2:-1]]
    table = np.array(rows, dtype=np.float64).reshape(-1, len(names)).T
    return NodeSplit(
        tuple(pair[0] for pair in pairs),
        tuple(pair[1] for pair in pairs),
        **dict(zip(names, table, strict=True)),
        caution=NO_RESIDUALS if saturated and pairs else "",
    )


def _split(fit: Gls, half: Floats) -> tuple[float, ...]:
    """The numbers of one pair; the last coefficient of the fit is the disagreement."""
    indirect, apart = np.append(2 * half[1:], 0.0), np.eye(half.size)[-1]
    found: list[float] = []
    for contrast in (indirect + apart, indirect, apart):
        found += [float(contrast @ fit.coefficients), float(np.sqrt(contrast @ fit.covariance @ contrast))]
    return (*found, float(2 * ndtr(-abs(found[4]) / found[5])), fit.tau2)
