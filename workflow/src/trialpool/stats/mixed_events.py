"""Events in two arms, or in one, by generalised linear mixed models, without any correction of empty cells.

Four models, named as in R's metafor (Stijnen, Hamza & Özdemir 2010; Jackson et al. 2018).

With θ a trial's log ratio, normal with mean `estimate` and variance `tau2`, and α the middle of both arms'
log odds (log rates):
- "UM.FS" arms at α ± θ/2, every trial with an α of its own;
- "UM.RS" the same with α normal, independent of θ, its variance `sigma2`;
- "CM.EL" given the events of both arms together, which leaves θ alone: of people the noncentral
  hypergeometric distribution, of person-time the binomial one;
- "CM.AL" of people, that distribution taken as binomial, which it is where events are few.

All are fitted by maximum likelihood. Integrals over θ and α are by adaptive Gauss-Hermite quadrature with so
many nodes that more change nothing; metafor takes 7, and of UM.RS one, the Laplace approximation, which is
coarser. Standard errors come from the observed information, the variances being estimated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, expit, gammaln, xlogy

from trialpool.measures import LOGS_OF_COUNTS, RATIOS_OF_COUNTS
from trialpool.stats import checks
from trialpool.stats._model import TINY
from trialpool.stats._numeric import Likelihood, Tested, climb, infer
from trialpool.stats.checks import Floats, check_level, one_of
from trialpool.stats.effect_sizes import HALF, of_events, of_rates, rates, tables

MODELS = ("UM.FS", "UM.RS", "CM.EL", "CM.AL")
NODES = {1: 61, 2: 31}  # along each axis of the integral, by its number of axes
MODES = 100  # Newton steps to the top of an integrand, of which a concave one needs ten
STARTS = (0.2, 1.0)  # of τ, as the likelihood may have two maxima
VANISHED = 1e-5  # a τ below this, to which the likelihood falls quadratically, is 0
FURTHEST_EVENTS = 20_000  # of a table whose every possible split is summed


@dataclass(frozen=True, slots=True)
class Glmm(Tested[float]):
    """A pooled log ratio (of one arm a log odds or log rate) of `k` trials by one of MODELS.

    `q` is the likelihood-ratio statistic of heterogeneity on `q_df` degrees of freedom, NaN for UM.RS, where
    it has no such distribution; `sigma2` is NaN but for UM.RS. `i2` (per cent) and `h2` compare tau2 with the
    typical variance of the log ratios. `left_out` is the number of trials without information.
    """

    model: str
    measure: str
    estimate: float
    tau2: float
    sigma2: float
    log_likelihood: float
    q: float
    q_df: float
    q_p_value: float
    i2: float
    h2: float
    k: int
    left_out: int


def glmm(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    measure: str = "OR",
    model: str = "UM.FS",
    common: bool = False,
    level: float = 0.95,
) -> Glmm:
    """Pool events (k,) in two arms as log odds ratio or, with person-time in `n1` and `n2`, log rate ratio.

    Trials without any event, or of people with nothing else, tell nothing and are left out. `common` fixes
    tau2 at 0. A ValueError where one arm has no event in any trial: the likelihood has no maximum.

    >>> fit = glmm([0, 0, 1, 3], [116, 44, 40, 103], [3, 3, 2, 7], [117, 35, 42, 100], model="CM.EL")
    >>> round(fit.estimate, 4), round(fit.tau2, 4)
    (-1.4074, 0.0)
    """
    one_of("measure", measure, RATIOS_OF_COUNTS)
    one_of("model", model, MODELS if measure == "OR" else MODELS[:3])
    common, level = checks.yes_or_no("common", common), check_level(level)
    of_people = measure == "OR"
    read = tables if of_people else rates
    counts = read(events1, n1, events2, n2)
    _one_analysis(counts[0])
    a, size1, c, size2 = counts
    informative = (a + c > 0) & (~np.full(a.shape, of_people) | (a + c < size1 + size2))
    kept = tuple(part[informative] for part in counts)
    _estimable(kept, of_people)
    trials = _trials(kept, measure, model)
    effects = (of_events if of_people else of_rates)(measure, kept, HALF)
    return _fitted(trials, model, measure, common, level, effects.variance, int((~informative).sum()))


def glmm_single(
    events: ArrayLike, n: ArrayLike, *, measure: str = "PLO", common: bool = False, level: float = 0.95
) -> Glmm:
    """Pool events (k,) in single groups as log odds of n people (PLO), or log rate over person-time (IRLN).

    >>> fit = glmm_single([0, 1, 3, 2], [50, 60, 40, 80], measure="PLO")
    >>> round(fit.estimate, 4), round(fit.tau2, 4)
    (-3.6211, 0.0035)
    """
    one_of("measure", measure, LOGS_OF_COUNTS)
    common, level = checks.yes_or_no("common", common), check_level(level)
    of_people = measure == "PLO"
    x, size = checks.read({"events": "events", "n": "people" if of_people else "positive"}, events, n)
    _one_analysis(x, "events")
    checks.refuse("events", x, (x > size) & of_people, "more events than people (n)")
    if x.sum() == 0 or (of_people and x.sum() == size.sum()):
        raise ValueError("events: nobody or everybody has the event, the logarithm is infinite")
    whole = (gammaln(size + 1) - gammaln(x + 1) - gammaln(size - x + 1)) if of_people else -gammaln(x + 1)
    trials = _OneArm(x, size, np.zeros_like(x), np.asarray(whole), not of_people)
    y = np.where(x == 0, HALF, x)
    rest = np.where(size - x == 0, HALF, size - x)
    variance = 1 / y + 1 / rest if of_people else 1 / y
    return _fitted(trials, "CM.AL", measure, common, level, variance, 0)


def _one_analysis(events: Floats, name: str = "events1") -> None:
    if events.ndim != 1 or not events.size:
        raise ValueError(f"{name} has shape {events.shape}: one analysis at a time here, shape (k,)")


def _estimable(counts: tuple[Floats, ...], of_people: bool) -> None:
    a, size1, c, size2 = counts
    every = of_people and (a.sum() == size1.sum() or c.sum() == size2.sum())
    if not a.size or not a.sum() or not c.sum() or every:
        raise ValueError(
            "events1: no events (or nothing else) in one arm of all trials, the ratio is undefined"
        )


class Slopes(NamedTuple):
    """A log-likelihood and its derivatives by θ and α, at the places asked."""

    value: Floats
    theta: Floats
    alpha: Floats
    theta2: Floats
    both: Floats
    alpha2: Floats


def _arm(events: Floats, size: Floats, eta: Floats, poisson: bool) -> tuple[Floats, Floats, Floats]:
    """The log-likelihood of events at log odds (log rates) eta, and two derivatives by it."""
    if poisson:
        expected = size * np.exp(np.minimum(eta, 300.0))
        return events * eta - expected + events * np.log(size), events - expected, -expected
    risk = expit(eta)
    value = events * eta - size * np.logaddexp(0.0, eta)
    return value, events - size * risk, -size * risk * expit(-eta)


@dataclass(frozen=True, slots=True)
class _OneArm:
    """Events among a size with log odds (log rate) offset + θ; also events given those of both arms."""

    events: Floats
    size: Floats
    offset: Floats
    whole: Floats  # what the log-likelihood has besides
    poisson: bool

    def at(self, alpha: Floats, theta: Floats) -> Slopes:
        """The slopes at θ (k, m)."""
        del alpha
        eta = theta + self.offset[:, None]
        value, first, second = _arm(self.events[:, None], self.size[:, None], eta, self.poisson)
        none = np.zeros_like(first)
        return Slopes(value + self.whole[:, None], first, none, second, none, none)

    def saturated(self) -> Floats:
        """The highest log-likelihood of every trial by itself."""
        return _saturated(self.events, self.size, self.poisson) + self.whole


@dataclass(frozen=True, slots=True)
class _TwoArms:
    """Events of two arms at α ± θ/2."""

    counts: tuple[Floats, ...]
    whole: Floats
    poisson: bool

    def at(self, alpha: Floats, theta: Floats) -> Slopes:
        """The slopes at α and θ (k, m)."""
        a, size1, c, size2 = (part[:, None] for part in self.counts)
        one = _arm(a, size1, alpha + theta / 2, self.poisson)
        two = _arm(c, size2, alpha - theta / 2, self.poisson)
        second = (one[2] + two[2]) / 4
        return Slopes(
            one[0] + two[0] + self.whole[:, None],
            (one[1] - two[1]) / 2,
            one[1] + two[1],
            second,
            (one[2] - two[2]) / 2,
            4 * second,
        )

    def saturated(self) -> Floats:
        """The highest log-likelihood of every trial by itself."""
        a, size1, c, size2 = self.counts
        return _saturated(a, size1, self.poisson) + _saturated(c, size2, self.poisson) + self.whole


@dataclass(frozen=True, slots=True)
class _Splits:
    """Events of arm 1 given those of both: the noncentral hypergeometric distribution over all splits."""

    events: Floats
    splits: Floats  # (k, s)
    logs: Floats  # log of the number of ways of each, -inf where a trial has fewer splits

    def at(self, alpha: Floats, theta: Floats) -> Slopes:
        """The slopes at θ (k, m)."""
        del alpha
        value, mean, variance = np.empty((3, *theta.shape))
        for row, (x, logs) in enumerate(zip(self.splits, self.logs, strict=True)):
            known = np.isfinite(logs)
            x, terms = x[known], logs[known] + theta[row][:, None] * x[known]
            top = terms.max(1, keepdims=True)
            shares = np.exp(terms - top)
            total = shares.sum(1, keepdims=True)
            shares /= total
            mean[row] = shares @ x
            variance[row] = (shares * (x - mean[row][:, None]) ** 2).sum(1)
            own = logs[known][x == self.events[row]][0]
            value[row] = own + self.events[row] * theta[row] - top[:, 0] - np.log(total[:, 0])
        none = np.zeros_like(value)
        return Slopes(value, self.events[:, None] - mean, none, -variance, none, none)

    def saturated(self) -> Floats:
        """The highest log-likelihood of every trial by itself: 0 where its split is the last."""
        known = np.isfinite(self.logs)
        least = np.where(known, self.splits, np.inf).min(1)
        most = np.where(known, self.splits, -np.inf).max(1)
        inner = (self.events > least) & (self.events < most)
        theta, none = np.zeros((len(self.events), 1)), np.zeros(1)
        for _ in range(MODES):
            slopes = self.at(none, theta)
            step = np.where(inner[:, None], slopes.theta / np.maximum(-slopes.theta2, TINY), 0.0)
            theta = theta + np.clip(step, -2, 2)
            if abs(step).max() < 1e-12:
                break
        return np.where(inner, self.at(none, theta).value[:, 0], 0.0)


Trials = _OneArm | _TwoArms | _Splits


def _trials(counts: tuple[Floats, ...], measure: str, model: str) -> Trials:
    a, size1, c, size2 = counts
    poisson = measure == "IRR"
    if model in ("UM.FS", "UM.RS"):
        whole = -gammaln(a + 1) - gammaln(c + 1)
        if not poisson:
            for events, size in ((a, size1), (c, size2)):
                whole = whole + gammaln(size + 1) - gammaln(size - events + 1)
        return _TwoArms(counts, np.asarray(whole), poisson)
    total = a + c
    if model == "CM.EL" and not poisson:
        return _splits(a, size1, total, size2)
    ways = gammaln(total + 1) - gammaln(a + 1) - gammaln(c + 1)
    return _OneArm(a, total, np.log(size1 / size2), np.asarray(ways), False)


def _splits(a: Floats, size1: Floats, total: Floats, size2: Floats) -> _Splits:
    least, most = np.maximum(0.0, total - size2), np.minimum(size1, total)
    checks.refuse(
        "events1", total, most - least > FURTHEST_EVENTS, "too many events to sum over their splits"
    )
    splits = least[:, None] + np.arange((most - least).max() + 1.0)
    inside = splits <= most[:, None]
    x, rest = np.where(inside, splits, least[:, None]), total[:, None]
    logs = gammaln(size1[:, None] + 1) - gammaln(x + 1) - gammaln(size1[:, None] - x + 1)
    logs = logs + gammaln(size2[:, None] + 1) - gammaln(rest - x + 1) - gammaln(size2[:, None] - rest + x + 1)
    return _Splits(a, splits, np.where(inside, logs, -np.inf))


def _saturated(events: Floats, size: Floats, poisson: bool) -> Floats:
    if poisson:
        return np.asarray(xlogy(events, events) - events)
    rest = size - events
    return np.asarray(xlogy(events, events / size) + xlogy(rest, rest / size))


@dataclass(frozen=True, slots=True)
class _Place(Likelihood):
    """The likelihood at some parameters, with its gradient (P,) and matrix of second derivatives (P, P)."""

    gradient: Floats
    curvature: Floats


@dataclass(frozen=True, slots=True)
class _Mixed:
    """A model of trials as a function of its parameters: the mean of θ, τ if `random`, then what α needs.

    That is nothing, its mean and standard deviation (`spread`), or every trial's own (`own`).
    """

    trials: Trials
    random: bool
    spread: bool = False
    own: bool = False

    def __call__(self, at: Floats) -> _Place:
        """The place of some parameters."""
        k = len(self.trials.saturated()) if not self.own else at.size - 1 - self.random
        shift = 1 + self.random
        tau = at[1] if self.random else 0.0
        sigma = at[shift + 1] if self.spread else 0.0
        alpha = at[shift:] if self.own else np.full(k, at[shift] if self.spread else 0.0)
        scales = [scale for scale, used in ((tau, self.random), (sigma, self.spread)) if used]

        def slopes(b: Floats) -> Slopes:  # of standard normal places (k, m, axes)
            theta = at[0] + (tau * b[..., 0] if self.random else np.zeros(b.shape[:2]))
            return self.trials.at(alpha[:, None] + (sigma * b[..., -1] if self.spread else 0.0), theta)

        b, logs = _nodes(slopes, k, scales, self.random)
        found = slopes(b)
        heights = logs + found.value
        top = heights.max(1, keepdims=True)
        shares = np.exp(heights - top)
        total = shares.sum(1, keepdims=True)
        shares = shares / total
        values = top[:, 0] + np.log(total[:, 0])
        gradient, curvature = self._derivatives(found, b, shares)
        return _Place(float(values.sum()), *self._gathered(gradient, curvature, at.size))

    def _derivatives(self, at: Slopes, b: Floats, shares: Floats) -> tuple[Floats, Floats]:
        """Of each trial by its own parameters: means over its integrand (Louis 1982)."""
        one = np.ones(b.shape[:2])
        of_theta = [one, *([b[..., 0]] if self.random else [])]
        of_alpha = [one] if self.own else [one, b[..., -1]] if self.spread else []
        first = np.stack([at.theta * x for x in of_theta] + [at.alpha * x for x in of_alpha], -1)
        weights = np.stack([*of_theta, *of_alpha], -1)
        kinds = np.array([0] * len(of_theta) + [1] * len(of_alpha))
        second = np.stack([at.theta2, at.both, at.alpha2], -1)[..., kinds[:, None] + kinds]
        second = second * weights[..., :, None] * weights[..., None, :]
        second = second + first[..., :, None] * first[..., None, :]
        mean = np.einsum("km,kmp->kp", shares, first)
        return mean, np.einsum("km,kmpq->kpq", shares, second) - mean[:, :, None] * mean[:, None, :]

    def _gathered(self, gradient: Floats, curvature: Floats, size: int) -> tuple[Floats, Floats]:
        """Of all trials together; where each has an α of its own, that is one parameter each."""
        if not self.own:
            return gradient.sum(0), curvature.sum(0)
        shift = size - len(gradient)
        whole, bent = np.zeros(size), np.zeros((size, size))
        whole[:shift], whole[shift:] = gradient[:, :shift].sum(0), gradient[:, shift]
        bent[:shift, :shift] = curvature[:, :shift, :shift].sum(0)
        bent[:shift, shift:] = curvature[:, :shift, shift].T
        bent[shift:, :shift] = curvature[:, shift, :shift]
        bent[shift:, shift:] = np.diag(curvature[:, shift, shift])
        return whole, bent


@cache
def _rule(axes: int) -> tuple[Floats, Floats]:
    """Places (m, axes) and logarithms of weights of an integral over standard normal axes."""
    x, w = np.polynomial.hermite.hermgauss(NODES[axes])
    places = np.stack(np.meshgrid(*([x] * axes), indexing="ij"), -1).reshape(-1, axes)
    logs = np.stack(np.meshgrid(*([np.log(w) + x**2] * axes), indexing="ij"), -1).reshape(-1, axes).sum(-1)
    return np.sqrt(2) * places, logs + axes * np.log(2) / 2


def _nodes(
    slopes: Callable[[Floats], Slopes], k: int, scales: list[float], random: bool
) -> tuple[Floats, Floats]:
    """Where (k, m, axes) every trial's integrand is asked, with the logarithm of weight times prior."""
    axes = len(scales)
    if not axes:
        return np.zeros((k, 1, 1)), np.zeros((k, 1))
    scale = np.array(scales)
    kinds = np.array([0, 1] if axes == 2 else [0 if random else 1])
    mode = np.zeros((k, axes))
    for _ in range(MODES):
        at = slopes(mode[:, None, :])
        first = np.stack([at.theta[:, 0], at.alpha[:, 0]], -1)[:, kinds] * scale - mode
        second = np.stack([at.theta2, at.both, at.alpha2], -1)[:, 0][:, kinds[:, None] + kinds]
        precision = np.eye(axes) - second * scale[:, None] * scale
        step = np.linalg.solve(precision, first[..., None])[..., 0]
        mode = mode + np.clip(step, -3.0, 3.0)
        if np.abs(step).max() < 1e-11:
            break
    lower = np.linalg.cholesky(np.linalg.inv(precision))
    places, logs = _rule(axes)
    b = mode[:, None, :] + places @ lower.swapaxes(1, 2)
    volume = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(-1)
    prior = -(b**2).sum(-1) / 2 - axes * np.log(2 * np.pi) / 2
    return b, logs + volume[:, None] + prior


def _uphill(at: Floats, here: _Place) -> Floats:
    """Newton's step, made to lead uphill, of moderate length."""
    del at
    roots, axes = np.linalg.eigh(-here.curvature)
    step = axes @ ((axes.T @ here.gradient) / np.maximum(abs(roots), 1e-10))
    return np.asarray(step * min(1.0, 3.0 / max(float(abs(step).max()), TINY)))


def _fitted(
    trials: Trials, model: str, measure: str, common: bool, level: float, variances: Floats, left_out: int
) -> Glmm:
    k = len(variances)
    kind = {"spread": model == "UM.RS", "own": model == "UM.FS"}
    start = np.zeros(1)
    if kind["own"] or kind["spread"]:
        start = np.append(start, _middles(trials) if kind["own"] else [np.median(_middles(trials)), 0.5])
    fixed = _climbed(_Mixed(trials, False, **kind), start)
    best, tau = fixed, 0.0
    for first in () if common or k < 2 else STARTS:
        found = _climbed(_Mixed(trials, True, **kind), np.insert(fixed[0], 1, first))
        if found[1].log_likelihood > best[1].log_likelihood and abs(found[0][1]) > VANISHED:
            best, tau = found, float(found[0][1])
    at, here = best
    se = float(np.sqrt(np.linalg.inv(-here.curvature)[0, 0]))
    inference = infer(at[0], se, np.inf, level)
    q, df = np.nan, float(k - 1)
    if model != "UM.RS":
        q = max(2 * float(trials.saturated().sum() - fixed[1].log_likelihood), 0.0) if k > 1 else 0.0
    weights = 1 / variances
    lost = float(weights.sum() - (weights**2).sum() / weights.sum())
    relative = tau**2 * lost / df if df else 0.0
    return Glmm(
        **{name: float(value) for name, value in inference.named().items()},
        model=model,
        measure=measure,
        estimate=float(at[0]),
        tau2=tau**2,
        sigma2=float(at[-1] ** 2) if kind["spread"] else np.nan,
        log_likelihood=here.log_likelihood,
        q=q,
        q_df=df,
        q_p_value=float(chdtrc(df, q)) if df else 1.0,
        i2=100 * relative / (1 + relative),
        h2=1 + relative,
        k=k,
        left_out=left_out,
    )


def _middles(trials: Trials) -> Floats:
    """Roughly every trial's log odds (log rate), in the middle of its arms."""
    assert isinstance(trials, _TwoArms)
    a, size1, c, size2 = trials.counts
    if trials.poisson:
        return np.asarray(np.log((a + c) / (size1 + size2)))
    return np.asarray(np.log((a + c + HALF) / (size1 + size2 - a - c + HALF)))


def _climbed(model: _Mixed, start: Floats) -> tuple[Floats, _Place]:
    at, here, rests = climb(model, _uphill, start, -np.inf, 1.0, 1e-9)
    if not rests:
        raise ValueError("events1: the likelihood of this model has no maximum that could be found")
    return at, here
