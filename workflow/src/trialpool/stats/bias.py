"""Small-study effects and missing studies: regression and rank tests, PET-PEESE, trim and fill, fail-safe N.

None of these tells publication bias from any other reason why small studies differ. With fewer studies than
a statistic needs `refused` says so and the numbers are NaN; with fewer than 10 they come with a `caution`
(Sterne et al. 2011; Cochrane Handbook 13.3.5.4).

Trim and fill (Duval & Tweedie 2000, JASA 95 and Biometrics 56) follows R's metafor where programs differ: the
fitted model (not the common-effect one) does the trimming, the side follows the slope of the effects on their
standard errors under that model, ties of distance keep the order of the effects, and the number of missing
studies is rounded half to even.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialpool.stats._numeric import filled, floats
from trialpool.stats.checks import Floats, check_level, comparable, finite, one_analysis, one_of
from trialpool.stats.pooling import Method, Pooled, pool
from trialpool.stats.regression import meta_regression

# Heterogeneity and interval of each form: the classic one is least squares whose residual scale is estimated.
FORMS = {"classic": ("FE", "hksj"), "random": ("", "wald"), "random_hksj": ("", "hksj")}
ADVISED_STUDIES = 10
FEWEST_STUDIES = 3
LINE = ("se", "ci_low", "ci_high", "p_value")  # of an intercept, beside the estimate
MOST_FOR_EXACT_RANKS = 500
NO_ROOT = "trimming leaves nearly all studies on one side of the centre: no solution for Q0; take L0 or R0"
CIRCLING = "the number of missing studies did not settle; the largest of its cycle is taken"
NO_TEST = "assumes the missing studies average no effect and ignores heterogeneity; not a test of bias"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Of `k` studies: `refused` says why there are no numbers, `caution` why they are weak; else empty."""

    k: int
    refused: str = ""
    caution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Egger(Judged):
    """A regression of effects on a measure of study size; the test is of the slope.

    `intercept` is the effect of an infinitely large study. `df` is infinite for a normal test, `tau2` 0 for
    the classic form.
    """

    form: str
    predictor: str
    intercept: float = np.nan
    intercept_se: float = np.nan
    intercept_ci_low: float = np.nan
    intercept_ci_high: float = np.nan
    intercept_p_value: float = np.nan
    slope: float = np.nan
    slope_se: float = np.nan
    statistic: float = np.nan
    df: float = np.nan
    p_value: float = np.nan
    tau2: float = np.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Begg(Judged):
    """Kendall's rank correlation between standardised effects and variances; `exact` says how p was found."""

    tau: float = np.nan
    p_value: float = np.nan
    exact: bool = False


@dataclass(frozen=True, slots=True)
class PetPeese:
    """The effect of an infinitely large study, by the line that the conditional rule `chosen` picks."""

    chosen: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    pet: Egger
    peese: Egger
    refused: str
    caution: str


def few_studies_caution(k: int) -> str:
    """What to say of a test of small-study effects among fewer than 10 studies; empty from 10 on."""
    words = f"with {k} studies (fewer than {ADVISED_STUDIES}) chance and bias can hardly be told apart"
    return "" if k >= ADVISED_STUDIES else words


def egger(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    form: str = "classic",
    predictor: str = "se",
    n1: ArrayLike | None = None,
    n2: ArrayLike | None = None,
    tau2_method: str = "REML",
    level: float = 0.95,
) -> Egger:
    """Egger's regression test of effects (k,) with sampling variances (k,).

    `form` "classic" is least squares with weights 1/v and t on k - 2 degrees of freedom (Egger 1997),
    "random" a mixed-effects meta-regression with a normal test (Sterne & Egger 2005), "random_hksj" the same
    with Knapp & Hartung's t. `predictor` is "se", "variance", or "sample_size": √(1/n1 + 1/n2) from the arms'
    sizes, for standardised mean differences, whose variance contains the effect (Pustejovsky & Rodgers 2019).

    >>> test = egger([0.1, 0.3, 0.2, 0.6], [0.01, 0.05, 0.03, 0.1])
    >>> round(test.slope, 3), round(test.p_value, 4), test.caution
    (1.992, 0.0266, 'with 4 studies (fewer than 10) chance and bias can hardly be told apart')
    """
    one_of("form", form, FORMS)
    one_of("predictor", predictor, ("se", "variance", "sample_size"))
    level = check_level(level)
    y, v = one_analysis(effects, variances)
    x = _size(predictor, v, n1, n2)
    return regressed(y, v, x, form, predictor, tau2_method, level)


def regressed(
    y: Floats, v: Floats, x: Floats, form: str, predictor: str, tau2_method: str, level: float
) -> Egger:
    """The line of effects (k,) with variances (k,) on x (k,), and the test of its slope."""
    result = Egger(form=form, predictor=predictor, k=y.size)
    if y.size < FEWEST_STUDIES:
        return replace(result, refused=_too_few("fit a line and judge it", y.size))
    if np.ptp(x) <= 1e-9 * x.max():
        return replace(result, refused="all studies have the same size, so effects cannot be related to it")
    method, interval = FORMS[form]
    fit = meta_regression(y, v, x, tau2_method=method or tau2_method, interval=interval, level=level)
    names = {"intercept": "coefficients"} | {f"intercept_{name}": name for name in LINE}
    line = {name: getattr(fit, of)[0] for name, of in names.items()}
    slope = {"slope": fit.coefficients[1], "slope_se": fit.se[1], "statistic": fit.statistic[1]}
    test = {"p_value": fit.p_value[1], "df": fit.df, "tau2": fit.tau2}
    return filled(result, caution=few_studies_caution(y.size), **floats(line | slope | test))


def _too_few(purpose: str, k: int) -> str:
    return f"needs at least {FEWEST_STUDIES} studies to {purpose}, there are {k}"


def _size(predictor: str, v: Floats, n1: ArrayLike | None, n2: ArrayLike | None) -> Floats:
    """The regression's predictor (k,)."""
    if predictor != "sample_size":
        return np.sqrt(v) if predictor == "se" else v
    if n1 is None or n2 is None:
        raise ValueError("n1, n2: predictor 'sample_size' needs the number of people in both arms")
    arms = {name: finite(name, n, least=1) for name, n in (("n1", n1), ("n2", n2))}
    for name, n in arms.items():
        if n.shape != v.shape:
            raise ValueError(f"{name} has shape {n.shape}: needs one number for each of the {v.size} effects")
    return np.sqrt(1 / arms["n1"] + 1 / arms["n2"])


def pet_peese(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    form: str = "classic",
    alpha: float = 0.1,
    tau2_method: str = "REML",
    level: float = 0.95,
) -> PetPeese:
    """Estimate the effect (k,) of an infinitely large study, from the line on SE (PET) or variance (PEESE).

    PEESE is chosen when PET's intercept differs from 0 at the two-sided level `alpha` (0.1 is the usual
    one-sided 0.05), PET otherwise (Stanley & Doucouliagos 2014). `form` as in `egger`. Unreliable when
    studies are few, all small or very heterogeneous (Stanley 2017).

    >>> pet_peese([0.1, 0.3, 0.2, 0.6], [0.01, 0.05, 0.03, 0.1]).chosen
    'pet'
    """
    check_level(alpha, "alpha")
    pet, peese = (
        egger(effects, variances, form=form, predictor=predictor, tau2_method=tau2_method, level=level)
        for predictor in ("se", "variance")
    )
    chosen = "peese" if pet.intercept_p_value < alpha else "pet"
    line = peese if chosen == "peese" else pet
    return PetPeese(
        chosen="" if pet.refused else chosen,
        estimate=line.intercept,
        **{name: getattr(line, f"intercept_{name}") for name in LINE},
        pet=pet,
        peese=peese,
        refused=pet.refused,
        caution=pet.caution,
    )


def begg(effects: ArrayLike, variances: ArrayLike) -> Begg:
    """Begg and Mazumdar's rank correlation test of effects (k,) and sampling variances (k,).

    Effects are standardised around the common-effect mean with the variance of the difference. The
    p-value is exact up to 500 studies without ties, otherwise normal with the variance for ties and no
    continuity correction (Kendall 1970). Source: Begg & Mazumdar 1994, Biometrics 50.

    >>> round(begg([0.1, 0.3, 0.2, 0.6], [0.01, 0.05, 0.03, 0.1]).p_value, 4)
    0.0833
    """
    y, v = one_analysis(effects, variances)
    comparable(v)
    k = y.size
    if k < FEWEST_STUDIES:
        return Begg(k=k, refused=_too_few("rank", k))
    centred = y - y[0]
    mean = (centred / v).sum() / (1 / v).sum()
    z = (centred - mean) / np.sqrt(v - 1 / (1 / v).sum())
    if np.ptp(z) == 0 or np.ptp(v) == 0:
        return Begg(k=k, refused="all effects or all variances are equal, so there is nothing to rank")
    score = float((np.sign(np.subtract.outer(z, z)) * np.sign(np.subtract.outer(v, v))).sum()) / 2
    pairs = k * (k - 1) / 2
    ties = [np.unique(part, return_counts=True)[1].astype(np.float64) for part in (z, v)]
    tied = [float((t * (t - 1)).sum()) / 2 for t in ties]
    exact = tied == [0, 0] and k <= MOST_FOR_EXACT_RANKS
    p_value = _exact_p(score, k) if exact else _normal_p(score, k, *ties)
    tau = score / np.sqrt((pairs - tied[0]) * (pairs - tied[1]))
    return Begg(tau=float(tau), p_value=p_value, exact=exact, k=k, caution=few_studies_caution(k))


def _exact_p(score: float, k: int) -> float:
    """Two-sided p-value of Kendall's score: the share of permutations at least as far from 0.

    The number of inversions of a random permutation is a sum of independent uniforms on 0 … i - 1.
    """
    fewest = round((k * (k - 1) / 2 - abs(score)) / 2)
    chances = np.ones(1)
    for i in range(2, k + 1):
        sums = np.cumsum(np.pad(chances, (0, min(i - 1, fewest + 1))))[: fewest + 1]
        sums[i:] -= sums[:-i].copy() if i < sums.size else 0
        chances = sums / i
    return float(min(1.0, 2 * chances.sum()))


def _normal_p(score: float, k: int, first: Floats, second: Floats) -> float:
    """Two-sided normal p-value; `first` and `second` count the members of each group of ties."""
    spread = k * (k - 1) * (2 * k + 5)
    twos = threes = 1.0
    for t in (first, second):
        spread -= (t * (t - 1) * (2 * t + 5)).sum()
        twos *= (t * (t - 1)).sum()
        threes *= (t * (t - 1) * (t - 2)).sum()
    variance = spread / 18 + twos / (2 * k * (k - 1)) + threes / (9 * k * (k - 1) * (k - 2))
    return float(2 * ndtr(-abs(score) / np.sqrt(variance)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimAndFill(Judged):
    """The number of studies `missing` on a `side` and the effect pooled with their mirror images filled in.

    `filled_effects`, `filled_variances` (missing,) are the added studies; `pooled` is the whole record of
    the filled data (the original data if none are missing). `missing_p_value` tests for none missing and
    exists for R0 only, NaN otherwise, as is `missing_se` where its variance by the formula is below 0.
    """

    estimator: str
    side: str
    missing: int = 0
    missing_se: float = np.nan
    missing_p_value: float = np.nan
    estimate: float = np.nan
    se: float = np.nan
    ci_low: float = np.nan
    ci_high: float = np.nan
    p_value: float = np.nan
    tau2: float = np.nan
    filled_effects: Floats = field(default_factory=lambda: np.empty(0))
    filled_variances: Floats = field(default_factory=lambda: np.empty(0))
    pooled: Pooled | None = None


@dataclass(frozen=True, slots=True)
class _Trimmed:
    """Where trimming ended: the number, its SE, the trimmed centre, and whether it ran in a circle."""

    missing: int
    se: float
    centre: float
    circled: bool


def trim_and_fill(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    estimator: str = "L0",
    side: str | None = None,
    tau2_method: str = "REML",
    interval: str = "hksj_adhoc",
    level: float = 0.95,
) -> TrimAndFill:
    """Estimate how many studies are missing among effects (k,), variances (k,), and pool with them.

    `estimator` is "L0", "R0" or "Q0"; `side` where studies are missing, by default opposite to where small
    studies lie; the rest as in `pool`. It assumes that asymmetry is due to missing studies; treat as a
    sensitivity analysis.

    >>> filled = trim_and_fill([0.1, 0.2, 0.3, 0.5, 0.9], [0.01, 0.02, 0.04, 0.09, 0.2], tau2_method="FE")
    >>> filled.missing, filled.side, round(filled.estimate, 4)
    (2, 'left', 0.1571)
    """
    one_of("estimator", estimator, ("L0", "R0", "Q0"))
    if side is not None:
        one_of("side", side, ("left", "right"))
    Method(tau2_method, interval, level)
    y, v = one_analysis(effects, variances)
    if y.size < FEWEST_STUDIES:
        refused = _too_few("see a side missing", y.size)
        return TrimAndFill(estimator=estimator, side=side or "", k=y.size, refused=refused)
    found = side
    if found is None:  # the right one if effects fall with their standard errors
        root, slope = np.sqrt(v), 0.0
        if np.ptp(root) > 1e-9 * root.max():
            slope = meta_regression(y, v, root, tau2_method=tau2_method, interval="wald").coefficients[1]
        found = "right" if slope < 0 else "left"
    result = TrimAndFill(estimator=estimator, side=found, k=y.size)
    sign = -1.0 if found == "right" else 1.0
    order = np.argsort(sign * y, kind="stable")
    trimmed = _trim(sign * y[order], v[order], estimator, tau2_method)
    if np.isinf(trimmed.se):
        return replace(result, refused=NO_ROOT)
    beyond = order[y.size - trimmed.missing :]
    added = 2 * sign * trimmed.centre - y[beyond], v[beyond]
    whole = (np.append(*pair) for pair in zip((y, v), added, strict=True))
    pooled = pool(*whole, tau2_method=tau2_method, interval=interval, level=level)
    cautions = few_studies_caution(y.size), CIRCLING if trimmed.circled else ""
    return filled(
        result,
        missing=trimmed.missing,
        missing_se=trimmed.se,
        missing_p_value=0.5 ** (trimmed.missing + 1) if estimator == "R0" else np.nan,
        **floats({name: getattr(pooled, name) for name in ("estimate", *LINE, "tau2")}),
        filled_effects=added[0],
        filled_variances=added[1],
        pooled=pooled,
        caution="; ".join(filter(None, cautions)),
    )


def _trim(y: Floats, v: Floats, estimator: str, tau2_method: str) -> _Trimmed:
    """Trim the rightmost of ascending `y` until their number settles, or take the largest of its circle."""
    rounds: dict[int, _Trimmed] = {}
    trimmed = 0
    while trimmed not in rounds:
        kept = y.size - trimmed
        centre = float(pool(y[:kept], v[:kept], tau2_method=tau2_method, interval="wald").estimate)
        missing, se = _missing(y - centre, estimator)
        rounds[trimmed] = _Trimmed(missing, se, centre, False)
        if missing == trimmed:
            return rounds[trimmed]
        trimmed = missing
    circle = [rounds[trimmed]]
    while circle[-1].missing != trimmed:
        circle.append(rounds[circle[-1].missing])
    return replace(max(circle, key=lambda end: end.missing), circled=True)


def _missing(distances: Floats, estimator: str) -> tuple[int, float]:
    """The number of missing studies and its standard error, from distances to the centre.

    With S the rank sum of the positive distances and g the number of ranks beyond the largest negative
    one: L0 = (4S - k(k + 1))/(2k - 1), R0 = g - 1, Q0 = k - 1/2 - √(2k² - 4S + 1/4).
    """
    k = distances.size
    ranks = np.empty(k)
    ranks[np.argsort(np.abs(distances), kind="stable")] = np.arange(1, k + 1)
    if estimator == "R0":
        beyond = k - ranks[distances < 0].max(initial=0.0) - 1
        count = float(beyond) if (distances < 0).any() else 0.0
        return max(0, round(count)), float(np.sqrt(2 * max(0.0, count) + 2))
    total = float(ranks[distances > 0].sum())
    if estimator == "L0":
        count, unit = (4 * total - k * (k + 1)) / (2 * k - 1), 4 / (2 * k - 1)
    else:
        # Negative only if a single study is kept and all others lie right of it.
        root = float(np.sqrt(max(0.0, 2 * k**2 - 4 * total + 0.25)))
        count, unit = k - 0.5 - root, 2 / root if root else np.inf
    variance = k * (k + 1) * (2 * k + 1) + 10 * count**3 + 27 * count**2 + 17 * count
    variance += -18 * k * count**2 - 18 * k * count + 6 * k**2 * count
    return min(k - 1, max(0, round(count))), float(unit * np.sqrt(variance / 24)) if variance >= 0 else np.nan


@dataclass(frozen=True, slots=True)
class FailSafe:
    """Number of studies (whole, or infinite); `target` is Orwin's negligible effect, else NaN."""

    method: str
    number: float
    alpha: float
    target: float
    k: int
    caution: str


def fail_safe_n(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    method: str = "rosenthal",
    alpha: float = 0.05,
    target: float | None = None,
) -> FailSafe:
    """Count the null studies that would make a result of effects (k,), variances (k,) go away.

    "rosenthal": Stouffer's combined one-sided p rises to `alpha` (Rosenthal 1979). "orwin": the plain mean
    effect falls to `target`, by default half of it; a target of the other sign is mirrored (Orwin 1983).
    "rosenberg": the two-sided common-effect p rises to `alpha`, new studies being of average weight
    (Rosenberg 2005). No test of publication bias (Cochrane Handbook 5.1, 10.4.4.3), says the `caution`.

    >>> fail_safe_n([0.4, 0.5, 0.3], [0.04, 0.05, 0.03]).number
    11.0
    """
    one_of("method", method, ("rosenthal", "orwin", "rosenberg"))
    if check_level(alpha, "alpha") >= 0.5 and method == "rosenthal":
        raise ValueError(f"alpha is {alpha}: must be below 0.5, for it is one-sided")
    y, v = one_analysis(effects, variances)
    aim = np.nan
    if method == "rosenthal":
        count = float((y / np.sqrt(v)).sum() / ndtri(1 - alpha)) ** 2 - y.size
    elif method == "rosenberg":
        weight = float((1 / v).sum())
        count = y.size * (float((y / v).sum() / ndtri(1 - alpha / 2)) ** 2 - weight) / weight
    else:
        mean = float(y.mean())
        aim = mean / 2 if target is None else float(np.copysign(finite("target", target), mean))
        count = np.inf if aim == 0 else y.size * (mean - aim) / aim
    number = max(0.0, count)
    near = np.round(number)  # a whole number with a rounding error is not rounded up
    number = float(near if near == number or abs(number - near) < 1e-8 else np.ceil(number))
    return FailSafe(method, number, alpha, aim, y.size, NO_TEST)
