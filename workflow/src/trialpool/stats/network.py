"""Network meta-analysis: many treatments compared at once, directly and through each other.

Contrast-based random-effects model (Lu & Ades 2006; Higgins et al. 2012): within a study the contrasts'
true effects have variance tau2 and, if they share an arm, covariance tau2/2, as in R's rma.mv with a common
heterogeneity and correlation 1/2. Whether direct evidence agrees with indirect evidence is asked by design
interaction and node splitting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, owens_t, stdtrit

from trialpool.stats._numeric import Rows, infer, roots
from trialpool.stats.checks import Bools, Floats, check_level, finite, labels, numbers, one_of, refuse

TAU2_METHODS = ("REML", "ML", "DL", "FE")
GRID_POINTS = 200
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
    """Checked data: `incidence` (n, treatments) of +1 and -1, heterogeneity's correlation `spread` (n, n)."""

    y: Floats
    v: Floats
    incidence: Floats
    spread: Floats
    study: Rows
    studies: tuple[str, ...]
    treatments: tuple[str, ...]

    @property
    def arms(self) -> list[frozenset[int]]:
        """The treatments that each study compares."""
        rows = (self.incidence[self.study == number] for number in range(len(self.studies)))
        return [frozenset(np.flatnonzero(np.any(row != 0, axis=0)).tolist()) for row in rows]

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


def read_network(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    reference: str | None = None,
) -> Network:
    """Check contrasts (n,) and put `reference` first among the treatments, which are otherwise sorted."""
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
        if reference not in treatments:
            raise ValueError(f"reference is {reference!r}: must be one of {', '.join(treatments)}")
        treatments.sort(key=lambda name: name != reference)
    incidence = np.subtract(*(np.equal.outer(side, treatments).astype(np.float64) for side in named[:2]))
    studies = tuple(dict.fromkeys(named[2]))
    index = np.array([studies.index(name) for name in named[2]], dtype=np.intp)
    same = np.equal.outer(index, index)
    v = _covariance(covariance, same, named[2])
    spread = 0.5 * (incidence @ incidence.T) * same
    network = Network(y, v, incidence, spread, index, studies, tuple(treatments))
    _check_structure(network)
    return network


def _covariance(covariance: ArrayLike, same: Bools, study: list[str]) -> Floats:
    v = numbers("covariance", covariance)
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


def _check_structure(network: Network) -> None:
    """Refuse dependent contrasts of a study, an impossible covariance, and treatments never connected."""
    for number, name in enumerate(network.studies):
        rows = network.study == number
        if np.linalg.matrix_rank(network.incidence[rows]) < rows.sum():
            raise ValueError(f"study {name!r}: its contrasts depend on each other; give arms - 1 of them")
        if np.linalg.eigvalsh(network.v[np.ix_(rows, rows)])[0] <= 0:
            raise ValueError(f"covariance: the block of study {name!r} is not positive definite")
    reached, links = {0}, set(network.arms)
    for _ in network.treatments:
        reached = reached.union(*(link for link in links if link & reached))
    names = dict(enumerate(network.treatments))
    here, apart = (", ".join(names[n] for n in names if (n in reached) is near) for near in (True, False))
    if apart:
        raise ValueError(f"the network falls apart: {here} are never compared with {apart}")


@dataclass(frozen=True, slots=True)
class _Gls:
    """Coefficients (p,) with covariance (p, p), residual sum of squares and log-likelihoods at a tau2."""

    tau2: float
    coefficients: Floats
    covariance: Floats
    q: float
    log_likelihood: float
    restricted: float


def _gls(data: Network, design: Floats, tau2: float) -> _Gls:
    """Generalised least squares of the contrasts on a design (n, p) of full rank, at a heterogeneity.

    The likelihood has the constants of R's rma.mv: REML counts n - p contrasts and adds back log|X'X|/2.
    """
    lower = np.linalg.cholesky(data.v + tau2 * data.spread)
    whole = np.linalg.solve(lower, np.column_stack([design, data.y]))
    basis, upper = np.linalg.qr(whole[:, :-1])
    projected = basis.T @ whole[:, -1]
    inverse = np.linalg.inv(upper)
    covariance = inverse @ inverse.T
    rest = whole[:, -1] - basis @ projected
    q, (n, p) = float(rest @ rest), design.shape
    height = -0.5 * (n * np.log(2 * np.pi) + 2 * float(np.log(np.diag(lower)).sum()) + q)
    own = np.linalg.slogdet(design.T @ design)[1] + np.linalg.slogdet(covariance)[1]
    restricted = height + 0.5 * (p * np.log(2 * np.pi) + float(own))
    return _Gls(tau2, inverse @ projected, covariance, q, float(height), float(restricted))


def _fit(data: Network, design: Floats, method: str) -> _Gls:
    """Fit a design with its own tau2, or that of the consistent model where it leaves no residuals."""
    spare = design.shape[1] < design.shape[0]
    return _gls(data, design, estimate_tau2(data, design if spare else data.consistent, method))


def estimate_tau2(data: Network, design: Floats, method: str) -> float:
    """Estimate tau2 by one of REML, ML, DL (the generalised moment estimate) or FE (0).

    A restricted likelihood depends on n - p contrasts free of the coefficients only. In the basis in which
    their sampling covariance is the unit matrix and the heterogeneity's diagonal they are z, of variances
    1 + tau2·roots. There DL's E(Q) = n - p + tau2·tr(P R) (Jackson, White & Riley 2012) has the sum of z² as
    Q and that of the roots as trace.
    """
    n, p = int(design.shape[0]), int(design.shape[1])
    if method == "FE" or n == p:
        return 0.0
    free = np.linalg.qr(design, mode="complete")[0][:, p:]
    own, turn = _relative_roots(free.T @ data.spread @ free, free.T @ data.v @ free)
    z = turn @ (free.T @ data.y)
    if method == "DL":
        return max(0.0, (float((z**2).sum()) - float(n - p)) / float(own.sum()))
    return _maximise(z, own, own if method == "REML" else _relative_roots(data.spread, data.v)[0])


def _relative_roots(r: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues of R against V, and the matrix T with T V T' the unit matrix and T R T' diagonal."""
    lower = np.linalg.cholesky(v)
    middle = np.linalg.solve(lower, np.linalg.solve(lower, r).T)
    roots, turn = np.linalg.eigh((middle + middle.T) / 2)
    return np.maximum(roots, 0.0), np.linalg.solve(lower.T, turn).T


def _maximise(z: Floats, own: Floats, determinant: Floats) -> float:
    """The highest maximum: every fall of the slope through 0 on a grid is solved for, 0 is a candidate too.

    `own` are the roots of z, `determinant` those of the likelihood's determinant. The slope is negative
    wherever all z² < 1 + tau2·root, and (for ML) the other roots only lower it.
    """
    positive = own > 1e-12 * own.max()
    top = float(((z**2 - 1)[positive] / own[positive]).max())
    if top <= 0:
        return 0.0

    def fall(tau2: Floats, _: Rows) -> tuple[Floats, Floats]:
        """What lowers the likelihood less what raises it, and the slope of this."""
        lost = determinant / (1 + tau2[:, None] * determinant)
        spread = own / (1 + tau2[:, None] * own)
        gain = spread * z**2 / (1 + tau2[:, None] * own)
        return lost.sum(1) - gain.sum(1), 2 * (gain * spread).sum(1) - (lost**2).sum(1)

    grid = np.append(0.0, top * np.geomspace(1e-9, 1.0, GRID_POINTS))
    falls = fall(grid, np.arange(grid.size))[0]
    low = np.flatnonzero((falls[:-1] < 0) & (falls[1:] >= 0))
    found = roots(fall, grid[low], grid[low + 1], grid[low], np.full(low.size, 1e-9 * top))
    candidates = np.append(0.0, found)[:, None]
    lost = np.log1p(candidates * determinant).sum(1)
    return float(candidates[(lost + (z**2 / (1 + candidates * own)).sum(1)).argmin(), 0])


@dataclass(frozen=True, slots=True)
class NetworkFit:
    """A fitted network; the (t, t) tables are the league table: row minus column, diagonal 0.

    `p_value`, `ci_low`, `ci_high` are normal; `pi_low`, `pi_high` bound a new study's true effect, with t on
    `q_df` degrees of freedom (NaN if there are none or tau2 was not estimated). `covariance` (t, t) is that
    of the effects against the reference, the first treatment. `q`, Cochran's generalised Q, tests
    heterogeneity and inconsistency together. `directly` (t, t) counts the studies comparing a pair.
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
    design = data.consistent
    fit = _fit(data, design, tau2_method)
    q = _gls(data, design, 0.0).q
    n, p = design.shape
    whole = np.zeros((p + 1, p + 1))
    whole[1:, 1:] = fit.covariance
    df = 0 if tau2_method == "FE" else n - p
    directly = np.zeros(whole.shape)
    for arms in map(sorted, data.arms):
        directly[np.ix_(arms, arms)] += 1 - np.eye(len(arms))
    return NetworkFit(
        treatments=data.treatments,
        **_league(np.append(0.0, fit.coefficients), whole, fit.tau2, level, df),
        covariance=whole,
        tau2=fit.tau2,
        tau2_method=tau2_method,
        log_likelihood=fit.restricted if tau2_method == "REML" else fit.log_likelihood,
        q=q,
        q_df=n - p,
        q_p_value=float(chdtrc(n - p, q)) if n > p else 1.0,
        i2=100 * max(0.0, (q - (n - p)) / q) if q > 0 else 0.0,
        directly=directly,
        contrasts=n,
        studies=len(data.studies),
    )


def _league(effects: Floats, covariance: Floats, tau2: float, level: float, df: int) -> dict[str, Floats]:
    """All pairwise differences of the treatments' effects with their inference."""
    difference = np.subtract.outer(effects, effects)
    own = np.diag(covariance)
    variance = np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0.0)
    np.fill_diagonal(variance, 0.0)
    found = infer(difference, np.sqrt(variance), np.inf, level).named()
    del found["statistic"]
    wide = float(stdtrit(df, (1 + level) / 2)) if df else np.nan
    predicted = wide * np.sqrt(variance + tau2) * (1 - np.eye(effects.size))
    return found | {
        "effects": difference,
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
    >>> rank_treatments(fit, better="lower").p_scores.round(3).tolist()
    [0.99, 0.486, 0.023]
    """
    one_of("better", better, ("lower", "higher"))
    sign = 1.0 if better == "lower" else -1.0
    count = len(fit.treatments)
    p_scores, spread = np.empty(count), np.empty(count)
    for own in range(count):
        others = np.flatnonzero(np.arange(count) != own)
        z = -sign * fit.effects[own, others] / fit.se[own, others]
        against, se = np.eye(count)[others] - np.eye(count)[own], fit.se[own, others]
        wins = ndtr(z)
        both = _both_below(z[:, None], z, against @ fit.covariance @ against.T / np.outer(se, se))
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
    """Design-by-treatment interaction: a Wald test `q` on `df`, with the tau2 of the inconsistent model.

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
    full, designs = _by_design(data)
    n, rank = full.shape
    df = rank - data.consistent.shape[1]
    within, between = _split_q(data, full, 0.0)
    result = Inconsistency(
        df=df,
        tau2=_fit(data, full, tau2_method).tau2,
        designs=designs,
        q_within=within,
        q_within_df=n - rank,
        q_within_p_value=float(chdtrc(n - rank, within)) if rank < n else 1.0,
        refused="" if df else NO_LOOPS,
        caution=NO_RESIDUALS if df and rank == n and tau2_method != "FE" else "",
    )
    if not df:
        return result
    q = _split_q(data, full, result.tau2)[1]
    tested = replace(result, q=q, p_value=float(chdtrc(df, q)))
    return replace(tested, q_between=between, q_between_p_value=float(chdtrc(df, between)))


def _split_q(data: Network, full: Floats, tau2: float) -> tuple[float, float]:
    """Residual sums of squares at tau2: of the full model, and what the consistent model has on top."""
    within = _gls(data, full, tau2).q if full.shape[1] < full.shape[0] else 0.0
    return within, max(0.0, _gls(data, data.consistent, tau2).q - within)


def _by_design(data: Network) -> tuple[Floats, int]:
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
    arms, rows, pairs, no_residuals = data.arms, [], [], False
    for first, second in ((one, two) for one in range(len(data.treatments)) for two in range(one)):
        # What a disagreement of 1 adds to each contrast: in direct studies 1/2 to one arm, -1/2 to the other.
        half = np.zeros(len(data.treatments))
        half[[first, second]] = 0.5, -0.5
        direct = np.array([{first, second} <= arms[number] for number in data.study])
        whole = np.column_stack([data.consistent, np.where(direct, data.incidence @ half, 0.0)])
        if not whole[:, -1].any() or np.linalg.matrix_rank(whole) < whole.shape[1]:
            continue
        pairs.append((data.treatments[first], data.treatments[second]))
        rows.append(_split(data, whole, half, tau2_method))
        no_residuals |= whole.shape[0] == whole.shape[1] and tau2_method != "FE"
    names = [each.name for each in fields(NodeSplit)[2:-1]]
    table = np.array(rows, dtype=np.float64).reshape(-1, len(names)).T
    return NodeSplit(
        tuple(pair[0] for pair in pairs),
        tuple(pair[1] for pair in pairs),
        **dict(zip(names, table, strict=True)),
        caution=NO_RESIDUALS if no_residuals else "",
    )


def _split(data: Network, whole: Floats, half: Floats, tau2_method: str) -> tuple[float, ...]:
    """The numbers of one pair; the last column of the design `whole` is the disagreement."""
    fit = _fit(data, whole, tau2_method)
    indirect, apart = np.append(2 * half[1:], 0.0), np.eye(whole.shape[1])[-1]
    found: list[float] = []
    for contrast in (indirect + apart, indirect, apart):
        found += [float(contrast @ fit.coefficients), float(np.sqrt(contrast @ fit.covariance @ contrast))]
    return (*found, float(2 * ndtr(-abs(found[4]) / found[5])), fit.tau2)
