"""Effects that depend on each other: three-level models, and cluster-robust inference for few clusters.

Within a cluster (a trial) the effects' covariance is M = diag((1 - rho)v + s2w) + rho·√v√v' + s2b·11': a
diagonal plus two columns, so its inverse, determinant and traces come from a 2 x 2 matrix a cluster
(Woodbury). The components are climbed by average-information steps (Gilmour, Thompson & Cullis 1995) with
zero as a genuine boundary, from every local maximum of a coarse grid.

Cluster-robust standard errors are CR2 with Satterthwaite degrees of freedom, exact if the working model,
whose inverse covariances are the weights, holds (Bell & McCaffrey 2002; Tipton 2015).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, chdtri, fdtrc

from trialpool.stats import checks
from trialpool.stats._model import LIKELIHOODS, design_of, intercept
from trialpool.stats._numeric import Likelihood, N, Rows, Tested, climb, floats, infer
from trialpool.stats.checks import Bools, Floats, check_level, one_analysis, one_of
from trialpool.stats.pooling import pool
from trialpool.stats.regression import WaldTest, meta_regression

INTERVALS = ("wald", "t")
SETTLED = 1e-13
GRID = (0.0, 3e-3, 0.03, 0.2, 1.0, 6.0, 50.0)
FEWEST_DF = 4
LARGE_CLUSTER = 100  # effects, from which on its square root is an integral instead of eigenvectors
DIGITS = 1e-12  # share of a sum that must be left for its digits to mean something
DETERMINED = 1e-8  # share of its covariance that a cluster keeps, below which it determines a coefficient
STEP, TAIL = 0.27, 36.0  # of the integral in log t: an error of 1e-15
C = TypeVar("C", np.float64, np.complex128)


@dataclass(frozen=True, slots=True)
class Robust:
    """A pooled effect with cluster-robust inference; `tau2` and `weights` (per cent) of the working model.

    The robust numbers are NaN, as `caution` says, where one cluster alone determines the estimate.
    """

    estimate: float
    tau2: float
    robust_se: float
    robust_df: float
    robust_statistic: float
    robust_p_value: float
    robust_ci_low: float
    robust_ci_high: float
    clusters: int
    weights: Floats
    caution: str


def cluster_numbers(cluster: ArrayLike, k: int, argument: str = "cluster") -> tuple[Rows, int]:
    """Number the clusters 0, 1, … in order of appearance; labels may be numbers or text, none missing."""
    names = checks.labels(argument, cluster, k)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    if len(numbers) < 2:
        raise ValueError(f"{argument}: needs at least 2 different labels, there is {len(numbers)}")
    return np.array([numbers[name] for name in names], dtype=np.intp), len(numbers)


def few_df_caution(df: float) -> str:
    """What to say when the Satterthwaite approximation is not to be trusted (Tipton 2015)."""
    if np.isnan(df):
        return "one cluster alone determines a coefficient, so its robust numbers do not exist"
    words = f"the robust interval and p-value rest on {df:.1f} degrees of freedom"
    return "" if df >= FEWEST_DF else f"{words}; below {FEWEST_DF} they are not trustworthy"


@dataclass(frozen=True, slots=True)
class Sandwich:
    """What CR2 inference on generalised least squares coefficients is made of, a cluster at a time.

    `scores` (m, p) are what each cluster says of each coefficient, `own` (m, p, p) their covariance under the
    working model without what fitting takes, `across` (m, q, p) and `bread` (q, q) the latter: the covariance
    of clusters i and j is own where i = j, less across_i' bread across_j.
    """

    scores: Floats
    own: Floats
    across: Floats
    bread: Floats

    def tested(self) -> tuple[Floats, Floats]:
        """The covariance (p, p), and the Satterthwaite degrees of freedom (p,) of each coefficient.

        Source: Pustejovsky & Tipton 2018, equations 6 to 10; Satterthwaite df of Bell & McCaffrey 2002.
        """
        products = np.einsum("cii->ci", self.own)
        squares = np.einsum("cai,ab,cbi->ci", self.across, self.bread, self.across)
        gram = np.einsum("cai,cbi->iab", self.across, self.across) @ self.bread
        total = (products - squares).sum(axis=0)
        spread = (products**2 - 2 * products * squares).sum(axis=0) + np.einsum("iab,iba->i", gram, gram)
        known = spread > DIGITS * (products**2).sum(axis=0)  # else one cluster alone determines it
        freedom = np.divide(total**2, spread, out=np.full(spread.size, np.nan), where=known)
        return np.where(known, self.scores.T @ self.scores, np.nan), freedom

    def together(self, coefficients: Floats, contrast: Floats) -> WaldTest:
        """The approximate Hotelling's T² test (HTZ) that `contrast` (q, p) times the coefficients are 0.

        NaN where the clusters are too few for it. The sandwich is taken for a Wishart matrix whose degrees of
        freedom match the total variance of its elements. Source: Tipton & Pustejovsky 2015, J Educ Behav Stat
        40: 604; Pustejovsky & Tipton 2018, equation 16.
        """
        q = len(contrast)
        across = self.across @ contrast.T
        own = contrast @ self.own @ contrast.T
        taken = np.einsum("cai,ab,cbj->cij", across, self.bread, across)
        root = np.linalg.cholesky((own - taken).sum(axis=0))
        unit = np.linalg.inv(root)  # the covariance of what is tested becomes the identity
        across, own, taken = across @ unit.T, unit @ own @ unit.T, unit @ taken @ unit.T
        flat = across.reshape(len(across), -1)
        both = (flat.T @ flat) @ np.kron(self.bread, np.eye(q))
        sums = np.einsum("cas,cbt->stab", across, across) @ self.bread
        spread = np.einsum("ij,ji->", both, both) + np.einsum("stab,stba->", sums, sums)
        alone = own - taken
        spread += (np.einsum("cii->c", alone) ** 2 - np.einsum("cii->c", taken) ** 2).sum()
        spread += np.einsum("cij,cji->", alone, alone) - np.einsum("cij,cji->", taken, taken)
        known = spread > DIGITS * (own**2).sum()  # else one cluster alone determines what is tested
        freedom = q * (q + 1) / float(spread) if known else np.nan
        asked = unit @ (contrast @ coefficients)
        seen = unit @ contrast @ (self.scores.T @ self.scores) @ contrast.T @ unit.T
        left = freedom - q + 1
        if not left > 0 or np.linalg.matrix_rank(seen) < q:
            return WaldTest(np.nan, float(q), np.nan, np.nan)
        statistic = left / (freedom * q) * float(asked @ np.linalg.solve(seen, asked))
        return WaldTest(statistic, float(q), left, float(fdtrc(q, left, statistic)))


def sandwich(
    design: Floats, residuals: Floats, cluster: Rows, diagonal: Floats, columns: Floats, back: Floats
) -> Sandwich:
    """The CR2 sandwich of generalised least squares coefficients.

    `design` (n, p), `residuals` (n,); the working covariance F of a cluster's effects, whose inverse are the
    weights, is a `diagonal` (n,) and the product of `columns` (n, q) with themselves; asked for are `back`
    (p, p) times the coefficients. The adjustment of a cluster is A = D'(D(F - XBX')D')^(-1/2)D, D'D = F.
    """
    rows = np.split(np.argsort(cluster, kind="stable"), np.cumsum(np.bincount(cluster))[:-1])
    blocks = [(diagonal[row], columns[row]) for row in rows]
    weighted = [_inverted(*block, design[row]) for block, row in zip(blocks, rows, strict=True)]
    own_information = [design[row].T @ part for row, part in zip(rows, weighted, strict=True)]
    bread = np.asarray(np.linalg.inv(np.sum(own_information, axis=0)), dtype=np.float64)
    score, self_products, cross_products = [], [], []
    for block, row, part, own in zip(blocks, rows, weighted, own_information, strict=True):
        adjusted = _adjusted(*block, design[row], part, own, bread) @ (bread @ back.T)
        score.append(adjusted.T @ residuals[row])
        pulled = block[1].T @ adjusted
        self_products.append(adjusted.T @ (block[0][:, None] * adjusted) + pulled.T @ pulled)
        cross_products.append(design[row].T @ adjusted)
    return Sandwich(np.array(score), np.array(self_products), np.array(cross_products), bread)


def cr2(
    design: Floats, residuals: Floats, cluster: Rows, diagonal: Floats, columns: Floats, back: Floats
) -> tuple[Floats, Floats]:
    """CR2 covariance (p, p) and Satterthwaite df (p,) of each coefficient; arguments as `sandwich`."""
    return sandwich(design, residuals, cluster, diagonal, columns, back).tested()


def _inverted(diagonal: NDArray[C], columns: Floats, right: Floats) -> NDArray[C]:
    """(diag + columns columns')^-1 times `right` (n, p), by Woodbury."""
    scaled, pulled = right / diagonal[:, None], columns / diagonal[:, None]
    inner = np.eye(columns.shape[1]) + columns.T @ pulled
    solved: NDArray[C] = scaled - pulled @ np.linalg.solve(inner, columns.T @ scaled)
    return solved


def _adjusted(
    diagonal: Floats, columns: Floats, design: Floats, weighted: Floats, own: Floats, bread: Floats
) -> Floats:
    """A F^-1 X of a cluster, of which `weighted` is F^-1 X and `own` X'F^-1 X."""
    half = np.linalg.cholesky(bread)
    left = 1 - float(np.linalg.eigvalsh(half.T @ own @ half).max())  # F - XBX' is at least this share of F
    if len(design) > LARGE_CLUSTER and left > DETERMINED:
        return _adjusted_large(diagonal, columns, design, bread, left)
    block = np.diag(diagonal) + columns @ columns.T
    upper = np.linalg.cholesky(block).T
    middle = upper @ (block - design @ bread @ design.T) @ upper.T
    values, vectors = np.linalg.eigh((middle + middle.T) / 2)
    # A cluster that alone determines a coefficient leaves a zero: its direction is left out.
    kept = values > 1e-12 * max(values.max(), 0.0)
    powers = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    return np.asarray(upper.T @ ((vectors * powers) @ (vectors.T @ (upper @ weighted))))


def _adjusted_large(diagonal: Floats, columns: Floats, design: Floats, bread: Floats, left: float) -> Floats:
    """The same as (F(F - XBX'))^(-1/2) X = 2/π ∫(F² + t² - FXBX')^-1 X dt, by the trapezoid rule in log t.

    The real part of (F - it)^-1 is F(F² + t²)^-1 and the imaginary one t(F² + t²)^-1, so all is Woodbury's
    formula. The rule's error falls as exp(-π²/step) (Trefethen & Weideman 2014).
    """
    information, answer = np.linalg.inv(bread), np.zeros_like(design)
    least, most = diagonal.min() * np.sqrt(left), diagonal.max() + (columns**2).sum()
    for t in np.exp(np.arange(np.log(least) - TAIL, np.log(most) + TAIL, STEP)):
        both = _inverted(diagonal - 1j * t, columns, design)
        inner = information - design.T @ both.real
        answer += both.imag + both.real @ np.linalg.solve(inner, design.T @ both.imag)
    return np.asarray(answer * (2 * STEP / np.pi))


def robust_pool(
    effects: ArrayLike,
    variances: ArrayLike,
    cluster: ArrayLike | None = None,
    *,
    tau2_method: str = "REML",
    level: float = 0.95,
) -> Robust:
    """Pool effects (k,) as `pool` does and give the estimate a CR2 standard error.

    `cluster` (k,) labels effects that belong together, of at least 2 clusters; None makes each effect its
    own, which guards against misstated variances only. Source: Tipton 2015, Psychological Methods 20(3).

    >>> round(robust_pool([0.1, 0.4, 0.3, 0.6], [0.04, 0.05, 0.03, 0.06]).robust_se, 4)
    0.0891
    """
    y, v = one_analysis(effects, variances)
    numbers, clusters = cluster_numbers(np.arange(y.size) if cluster is None else cluster, y.size)
    tau2 = float(pool(y, v, tau2_method=tau2_method).tau2)
    return _robust(y, 1 / (v + tau2), tau2, numbers, clusters, level)


def correlated_effects(
    effects: ArrayLike, variances: ArrayLike, cluster: ArrayLike, *, rho: float = 0.8, level: float = 0.95
) -> Robust:
    """Pool effects (k,) within clusters by the correlated-effects working model, with CR2 inference.

    An effect of a cluster of m effects with mean variance u has weight 1/(m(u + tau2)); tau2 is the
    moment estimate assuming sampling errors within a cluster correlate by `rho`, 0 to 1. Source: Hedges,
    Tipton & Johnson 2010, Research Synthesis Methods 1(1), section 3.2; Tipton 2015.

    >>> fit = correlated_effects([0.1, 0.4, 0.3, 0.6, 0.2], [0.04, 0.05, 0.03, 0.06, 0.05], [1, 1, 2, 3, 3])
    >>> round(fit.estimate, 4), round(fit.robust_df, 3)
    (0.3096, 1.872)
    """
    y, v = one_analysis(effects, variances)
    numbers, clusters = cluster_numbers(cluster, y.size)
    correlation = checks.number("rho", rho, least=0, most=1)
    size = np.bincount(numbers)
    mean_variance = np.bincount(numbers, weights=v) / size
    checks.comparable(size * mean_variance)
    w = 1 / (size * mean_variance)
    estimate = (w[numbers] @ y) / (w @ size)
    q = w[numbers] @ (y - estimate) ** 2
    # E(Q) = sum of w tr(S) - sum of w² 1'S1 / sum of w, S the cluster's covariance: linear in tau2.
    sampling, total = w / size * (correlation * size**2 + (1 - correlation) * size), w @ size
    excess = q - clusters + sampling.sum() / total
    tau2 = max(0.0, float(excess / (total - (w**2 @ size**2) / total)))
    weights = 1 / (size * (mean_variance + tau2))
    return _robust(y, weights[numbers], tau2, numbers, clusters, level)


def _robust(y: Floats, w: Floats, tau2: float, numbers: Rows, clusters: int, level: float) -> Robust:
    check_level(level)
    checks.comparable(1 / w)
    estimate = float(w @ y / w.sum())
    variance, freedom = cr2(
        np.ones((y.size, 1)), y - estimate, numbers, 1 / w, np.empty((y.size, 0)), np.eye(1)
    )
    df = float(freedom[0])
    return Robust(
        estimate=estimate,
        tau2=tau2,
        **floats(infer(estimate, float(np.sqrt(variance[0, 0])), df, level).named("robust_")),
        robust_df=df,
        clusters=clusters,
        weights=100 * w / w.sum(),
        caution=few_df_caution(df),
    )


@dataclass(frozen=True, slots=True)
class _ThreeLevels(Tested[N]):
    """What a three-level model says of its one coefficient, or of each of several."""

    df: float
    sigma2_between: float
    sigma2_within: float
    log_likelihood: float
    q: float
    q_df: int
    q_p_value: float
    robust_se: N
    robust_statistic: N
    robust_df: N
    robust_p_value: N
    robust_ci_low: N
    robust_ci_high: N
    k: int
    clusters: int
    caution: str


@dataclass(frozen=True, slots=True)
class Multilevel(_ThreeLevels[float]):
    """A three-level pooled effect.

    `se … ci_high` are model-based; `robust_*` are CR2 with Satterthwaite degrees of freedom, right even if
    `rho` or the levels are not, and the ones to report (NaN where one cluster alone determines a
    coefficient). `sigma2_between` is the variance of the clusters' true effects, `sigma2_within` that of
    effects within a cluster; `i2_*` are their shares of the total in per cent. `pi_low pi_high` bound the
    true effect of one outcome in a new cluster. `q` tests both components at once. `caution` says what not
    to trust, and is empty otherwise.
    """

    estimate: float
    pi_low: float
    pi_high: float
    i2_between: float
    i2_within: float


@dataclass(frozen=True, slots=True)
class MultilevelRegression(_ThreeLevels[Floats]):
    """A three-level meta-regression: coefficients (p,), intercept first; other fields as `Multilevel`.

    `omnibus` tests all moderators together (HTZ, see `Sandwich`), NaN without any.
    """

    coefficients: Floats
    omnibus: WaldTest


def multilevel(
    effects: ArrayLike,
    variances: ArrayLike,
    cluster: ArrayLike,
    *,
    rho: float = 0.0,
    method: str = "REML",
    interval: str = "wald",
    level: float = 0.95,
) -> Multilevel:
    """Pool effects (k,) that are nested in clusters (trials), their sampling errors correlated by `rho`.

    `cluster` (k,) are labels. `rho` in [0, 1) is the correlation of sampling errors within a cluster, the
    same for all pairs. `interval` "wald" is normal, "t" uses clusters - 1 degrees of freedom. The numbers
    are those of R's rma.mv and clubSandwich. Source: Konstantopoulos 2011; Pustejovsky & Tipton 2022 for
    correlated and hierarchical effects; Tipton 2015 for CR2; Cheung 2014 for the shares of variance.

    >>> fit = multilevel([0.1, 0.3, 0.6, 0.5, -0.1, 0.2], [0.04] * 6, ["a", "a", "b", "b", "c", "c"])
    >>> round(fit.estimate, 4), round(fit.sigma2_between, 4), fit.sigma2_within
    (0.2667, 0.0458, 0.0)
    """
    nested, back = _read(effects, variances, cluster, None, rho, method, interval)
    fit = _report(nested, back, interval, check_level(level))
    # The typical sampling variance (Higgins & Thompson 2002), from P without heterogeneity.
    typical = (fit.k - 1) / float(traces(gaussian(nested, 0.0, 0.0), restricted=True)[1])
    total = typical + fit.sigma2_between + fit.sigma2_within
    spread = np.sqrt(fit.se[0] ** 2 + fit.sigma2_between + fit.sigma2_within)
    new = infer(fit.coefficients[0], spread, fit.df, level)
    shared = {each.name: getattr(fit, each.name) for each in fields(_ThreeLevels)}
    only = {name: float(value[0]) for name, value in shared.items() if isinstance(value, np.ndarray)}
    return Multilevel(
        estimate=float(fit.coefficients[0]),
        pi_low=float(new.ci_low),
        pi_high=float(new.ci_high),
        i2_between=100 * fit.sigma2_between / total,
        i2_within=100 * fit.sigma2_within / total,
        **(shared | only),
    )


def multilevel_regression(
    effects: ArrayLike,
    variances: ArrayLike,
    cluster: ArrayLike,
    design: ArrayLike | None,
    *,
    rho: float = 0.0,
    method: str = "REML",
    interval: str = "wald",
    level: float = 0.95,
) -> MultilevelRegression:
    """Regress effects (k,) nested in clusters on a `design` (k, m) without intercept; None has no moderator.

    Other arguments and sources as `multilevel`; `interval` "t" uses clusters - p degrees of freedom.

    >>> y, v, study = [0.1, 0.3, 0.6, 0.5, -0.1, 0.2], [0.04] * 6, [1, 1, 2, 2, 3, 3]
    >>> multilevel_regression(y, v, study, [0, 1, 0, 1, 0, 1]).coefficients.round(4)
    array([0.2   , 0.1333])
    """
    nested, back = _read(effects, variances, cluster, design, rho, method, interval)
    return _report(nested, back, interval, check_level(level))


def _read(
    effects: ArrayLike,
    variances: ArrayLike,
    cluster: ArrayLike,
    design: ArrayLike | None,
    rho: float,
    method: str,
    interval: str,
) -> tuple[Nested, Floats]:
    """Check the arguments; the data by cluster, and the way `back` to the moderators' own units."""
    one_of("method", method, LIKELIHOODS)
    one_of("interval", interval, INTERVALS)
    y, v = one_analysis(effects, variances)
    numbers, _ = cluster_numbers(cluster, y.size)
    correlation = checks.number("rho", rho, least=0, most=1)
    if correlation > 1 - 1e-6:
        raise ValueError(f"rho is {rho}: the sampling errors of a cluster cannot be the same; below 1 - 1e-6")
    return nest(y, v, numbers, design, correlation, method == "REML")


def nest(
    y: Floats, v: Floats, numbers: Rows, design: ArrayLike | None, rho: float, restricted: bool
) -> tuple[Nested, Floats]:
    """Sort checked data by cluster number; the way `back` as of `_read`."""
    checks.comparable(np.append(v.max(), (1 - rho) * v), float(np.ptp(y)))
    # Effects that differ far less than they lie from 0 would lose their digits in sums of squares.
    centre = float(y[0]) if np.ptp(y) < 1e-3 * abs(y).max() else 0.0
    columns = intercept(y.size) if design is None else design_of(design, y.size)
    order = np.argsort(numbers, kind="stable")
    first = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    data = (y[order] - centre, columns.basis[order], v[order], numbers[order], first)
    return Nested(*data, centre, rho, restricted), columns.back


def _report(nested: Nested, back: Floats, interval: str, level: float) -> MultilevelRegression:
    """Fit, then say everything about the fit, its coefficients taken `back` to the moderators' own units."""
    s2_between, s2_within, fit = best_components(nested)
    (k, p), clusters = nested.design.shape, nested.first.size
    coefficients = back @ fit.coefficients
    coefficients[0] += nested.centre
    df = float(clusters - p) if interval == "t" else np.inf
    model = infer(coefficients, np.sqrt(np.diag(back @ fit.covariance @ back.T)), df, level)
    residuals = nested.y - nested.design @ fit.coefficients
    parts = sandwich(nested.design, residuals, nested.cluster, fit.diagonal, fit.columns, back)
    variance, freedom = parts.tested()
    robust = infer(coefficients, np.sqrt(np.diag(variance)), freedom, level)
    q = max(0.0, float(nested.y @ gaussian(nested, 0.0, 0.0).weighted_residual))
    alone = "no cluster has two effects, so all heterogeneity is put between clusters"
    cautions = (alone if nested.alone else "", few_df_caution(float(freedom.min())))
    return MultilevelRegression(
        coefficients=coefficients,
        **model.named(),
        df=df,
        sigma2_between=s2_between,
        sigma2_within=s2_within,
        log_likelihood=fit.log_likelihood,
        q=q,
        q_df=k - p,
        q_p_value=float(chdtrc(k - p, q)),
        **robust.named("robust_"),
        robust_df=freedom,
        omnibus=_omnibus(parts, coefficients),
        k=k,
        clusters=clusters,
        caution="; ".join(filter(None, cautions)),
    )


def _omnibus(parts: Sandwich, coefficients: Floats, terms: ArrayLike | None = None) -> WaldTest:
    """The HTZ test of the coefficients numbered `terms`, by default of all but the intercept."""
    p = len(coefficients)
    chosen = np.arange(1, p) if terms is None else coefficient_numbers(terms, p)
    if not len(chosen):
        return WaldTest(np.nan, 0.0, np.nan, np.nan)
    return parts.together(coefficients, np.eye(p)[chosen])


def coefficient_numbers(terms: ArrayLike, p: int) -> Rows:
    """Read which of p coefficients are meant, the intercept being number 0."""
    numbers = np.atleast_1d(checks.finite("terms", terms, least=0, most=p - 1, whole=True))
    if numbers.ndim != 1 or not numbers.size or len(set(numbers.tolist())) < numbers.size:
        raise ValueError(f"terms: name each coefficient once by its number, 0 to {p - 1}")
    return numbers.astype(np.intp)


@dataclass(frozen=True, slots=True)
class RobustRegression:
    """A meta-regression with cluster-robust (CR2) tests: fields of coefficients are (p,), intercept first.

    Robust numbers are NaN, as `caution` says, where one cluster alone determines a coefficient. `omnibus`
    tests the chosen coefficients together (HTZ), NaN where the clusters are too few for it.
    """

    coefficients: Floats
    tau2: float
    robust_covariance: Floats
    robust_se: Floats
    robust_df: Floats
    robust_statistic: Floats
    robust_p_value: Floats
    robust_ci_low: Floats
    robust_ci_high: Floats
    omnibus: WaldTest
    clusters: int
    caution: str


def robust_regression(
    effects: ArrayLike,
    variances: ArrayLike,
    design: ArrayLike,
    cluster: ArrayLike | None = None,
    *,
    terms: ArrayLike | None = None,
    tau2_method: str = "REML",
    level: float = 0.95,
) -> RobustRegression:
    """Regress effects (k,) on a `design` (k, m) as `meta_regression` does, with CR2 standard errors.

    `cluster` (k,) labels effects that belong together; None makes each its own. `terms` are the numbers of
    the coefficients that are tested together, the intercept being 0; by default all moderators. The numbers
    are those of clubSandwich's `coef_test` and `Wald_test(test = "HTZ")`; sources as there.

    >>> y, x = [0.1, 0.4, 0.3, 0.6, 0.2, 0.5], [1, 2, 3, 4, 1, 5]
    >>> fit = robust_regression(y, [0.04] * 6, x)
    >>> fit.coefficients.round(4).tolist(), round(fit.omnibus.df2, 2)
    ([0.09, 0.0975], 2.58)
    """
    y, v = one_analysis(effects, variances)
    numbers, clusters = cluster_numbers(np.arange(y.size) if cluster is None else cluster, y.size)
    columns = design_of(design, y.size)
    tau2 = float(meta_regression(y, v, design, tau2_method=tau2_method).tau2)
    w = 1 / (v + tau2)
    checks.comparable(1 / w)
    root = np.sqrt(w)
    fitted = np.linalg.lstsq(root[:, None] * columns.basis, root * y, rcond=None)[0]
    coefficients, residuals = columns.back @ fitted, y - columns.basis @ fitted
    parts = sandwich(columns.basis, residuals, numbers, 1 / w, np.empty((y.size, 0)), columns.back)
    variance, freedom = parts.tested()
    robust = infer(coefficients, np.sqrt(np.diag(variance)), freedom, check_level(level))
    return RobustRegression(
        coefficients=coefficients,
        tau2=tau2,
        robust_covariance=variance,
        **robust.named("robust_"),
        robust_df=freedom,
        omnibus=_omnibus(parts, coefficients, terms),
        clusters=clusters,
        caution=few_df_caution(float(freedom.min())),
    )


@dataclass(frozen=True, slots=True)
class ComponentIntervals:
    """Intervals of `sigma2_between` and `sigma2_within`: infinite if nothing bounds them, NaN if the second
    does not exist, without any cluster of two effects."""

    between_low: float
    between_high: float
    within_low: float
    within_high: float


def component_intervals(
    effects: ArrayLike,
    variances: ArrayLike,
    cluster: ArrayLike,
    *,
    rho: float = 0.0,
    method: str = "REML",
    level: float = 0.95,
) -> ComponentIntervals:
    """Intervals of the variance components of `multilevel`, from where the profile likelihood drops by χ²/2.

    Arguments as `multilevel`. Each component is fixed in turn and the other re-estimated (Hardy & Thompson
    1996; Viechtbauer 2007).

    >>> y = [0.1, 0.3, 0.9, 1.1, -0.4, -0.1]
    >>> round(component_intervals(y, [0.02] * 6, ["a", "a", "b", "b", "c", "c"]).between_high, 2)
    7.01
    """
    drop = float(chdtri(1, 1 - check_level(level))) / 2
    nested, _ = _read(effects, variances, cluster, None, rho, method, "wald")
    within = (np.nan, np.nan) if nested.alone else _profile(nested, 1, drop)
    return ComponentIntervals(*_profile(nested, 0, drop), *within)


def _profile(nested: Nested, which: int, drop: float) -> tuple[float, float]:
    """Limits of one component, where the other's best log-likelihood lies `drop` below the maximum."""
    # Imported here: it would double the time that importing the statistics takes.
    from scipy.optimize import brentq

    *best, fit = best_components(nested)
    free = np.array([which == 1, which == 0 and not nested.alone])
    scale = float(np.var(nested.y)) + float(nested.variances.mean())

    def excess(value: float) -> float:
        ends = []
        for start in {best[1 - which], 0.0 if nested.alone else 0.1 * scale}:
            at = np.array([value, start]) if which == 0 else np.array([start, value])
            ends.append(highest_near(nested, at, free)[1].log_likelihood)
        return fit.log_likelihood - drop - max(ends)

    if excess(best[which]) >= 0:  # so small a drop is lost in rounding
        return best[which], best[which]
    low, high = 0.0, max(best[which], 1e-3 * scale)
    if best[which] > 0 and excess(0.0) > 0:
        low = brentq(excess, 0.0, best[which], xtol=1e-13 * scale, rtol=1e-11)
    while high < checks.FURTHEST * nested.variances.mean():  # beyond it the data say nothing
        if excess(high) > 0:
            return low, brentq(excess, best[which], high, xtol=1e-13 * scale, rtol=1e-11)
        high *= 2
    return low, np.inf


@dataclass(frozen=True, slots=True)
class Nested:
    """Data of effects (n, …) sorted by cluster number, and where each cluster begins, `first` (clusters,).

    The effects are given less a `centre`.
    """

    y: Floats
    design: Floats
    variances: Floats
    cluster: Rows
    first: Rows
    centre: float
    rho: float
    restricted: bool

    @property
    def alone(self) -> bool:
        """No cluster has two effects."""
        return self.first.size == self.y.size


@dataclass(frozen=True, slots=True)
class Gaussian(Likelihood):
    """The model at given components: M as a diagonal and two columns, coefficients, likelihood."""

    nested: Nested
    diagonal: Floats
    columns: Floats
    inner: Floats
    coefficients: Floats
    covariance: Floats
    weighted_design: Floats
    weighted_residual: Floats


def by_cluster(nested: Nested, rows: Floats) -> Floats:
    """Sum rows (n, q) within clusters to (clusters, q)."""
    return np.asarray(np.add.reduceat(rows, nested.first, axis=0))


def _solve(nested: Nested, diagonal: Floats, columns: Floats, inner: Floats, right: Floats) -> Floats:
    """M^-1 times the columns of `right` (n, q)."""
    scaled = right / diagonal[:, None]
    pulled = inner @ by_cluster(nested, columns[:, :, None] * scaled[:, None, :])
    solved: Floats = scaled - np.einsum("ni,niq->nq", columns, pulled[nested.cluster]) / diagonal[:, None]
    return solved


def gaussian(nested: Nested, between: float, within: float) -> Gaussian:
    """Generalised least squares at given components; the log-likelihood has the constants of R's rma.mv."""
    diagonal = (1 - nested.rho) * nested.variances + within
    common = np.full(nested.y.size, np.sqrt(between))
    columns = np.column_stack([np.sqrt(nested.rho * nested.variances), common])
    gram = np.eye(2) + by_cluster(nested, columns[:, :, None] * columns[:, None, :] / diagonal[:, None, None])
    inner = np.asarray(np.linalg.inv(gram), dtype=np.float64)
    log_determinant = float(np.log(diagonal).sum() + np.linalg.slogdet(gram)[1].sum())
    weighted = _solve(nested, diagonal, columns, inner, np.column_stack([nested.design, nested.y]))
    weighted_design, weighted_y = weighted[:, :-1], weighted[:, -1]
    information = nested.design.T @ weighted_design
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    coefficients = covariance @ (nested.design.T @ weighted_y)
    weighted_residual = weighted_y - weighted_design @ coefficients
    n, p = nested.design.shape
    height = -0.5 * (n * np.log(2 * np.pi) + log_determinant + float(nested.y @ weighted_residual))
    if nested.restricted:
        own = np.linalg.slogdet(nested.design.T @ nested.design)[1]
        height += 0.5 * (p * np.log(2 * np.pi) + own - np.linalg.slogdet(information)[1])
    solved = (diagonal, columns, inner, coefficients, covariance, weighted_design, weighted_residual)
    return Gaussian(float(height), nested, *solved)


def traces(fit: Gaussian, restricted: bool) -> Floats:
    """Tr(PJ) and tr(P), J the block matrix of ones; P is M^-1 unless `restricted`, then it spans X out."""
    nested, ones = fit.nested, np.ones((fit.nested.y.size, 1))
    inverse_ones = _solve(nested, fit.diagonal, fit.columns, fit.inner, ones)[:, 0]
    scaled = fit.columns / fit.diagonal[:, None]
    taken = np.einsum("ni,nij,nj->", scaled, fit.inner[nested.cluster], scaled)
    found = np.array([inverse_ones.sum(), (1 / fit.diagonal).sum() - taken])
    if restricted:
        sums = by_cluster(nested, fit.weighted_design)
        found[0] -= np.einsum("ij,ci,cj->", fit.covariance, sums, sums)
        found[1] -= np.einsum("ij,ni,nj->", fit.covariance, fit.weighted_design, fit.weighted_design)
    return found


def slope(fit: Gaussian) -> tuple[Floats, Floats]:
    """Score of (between, within) and its average information matrix (2, 2)."""
    nested, residual = fit.nested, fit.weighted_residual
    spread = by_cluster(nested, residual[:, None])[nested.cluster, 0]
    directions = np.column_stack([spread, residual])
    score = 0.5 * (residual @ directions - traces(fit, nested.restricted))
    solved = _solve(nested, fit.diagonal, fit.columns, fit.inner, directions)
    along = fit.weighted_design.T @ directions
    return score, 0.5 * (directions.T @ solved - along.T @ fit.covariance @ along)


def highest_near(nested: Nested, start: Floats, free: Bools) -> tuple[Floats, Gaussian]:
    """Climb from `start` to a maximum over the `free` components, each of at least 0."""

    def step(at: Floats, fit: Gaussian) -> Floats:
        score, information = slope(fit)
        moving = free & ((at > 0) | (score > 0))
        found = np.zeros(2)
        if moving.any():
            part = information[np.ix_(moving, moving)]
            found[moving] = np.linalg.lstsq(part, score[moving], rcond=None)[0]
        return found

    unit = float(nested.variances.mean()) * SETTLED
    at, fit, _ = climb(lambda at: gaussian(nested, *at), step, start.astype(float), 0.0, unit, SETTLED)
    return at, fit


def best_components(nested: Nested, within: bool = True) -> tuple[float, float, Gaussian]:
    """The components of greatest likelihood, by climbs from every local maximum of a grid.

    When no cluster has two effects only the sum of the two is identified; it is all put between, as it is
    without a component `within` clusters.
    """
    free = np.array([True, within and not nested.alone])
    scale = max(float(np.var(nested.y)), 1e-3 * float(nested.variances.mean()))
    values = scale * np.array(GRID)
    columns = values if free[1] else values[:1]
    heights = np.array([[gaussian(nested, b, w).log_likelihood for w in columns] for b in values])
    padded = np.pad(heights, 1, constant_values=-np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).max(axis=(2, 3))
    peaks = np.argwhere(heights >= around)
    climbed = [highest_near(nested, np.array([values[i], columns[j]]), free) for i, j in peaks]
    (between, within), fit = max(climbed, key=lambda end: end[1].log_likelihood)
    return float(between), float(within), fit
