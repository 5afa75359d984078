"""The linear model behind pooling and meta-regression, y ~ N(Z beta, v + tau2), and its tau2 by nine methods.

Each row of an array is one analysis. Pooling is the model of an intercept alone, meta-regression has more
columns. An absent study has an infinite variance, hence weight 0, and costs no further bookkeeping.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from operator import mul
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from trialpool.stats._numeric import Rows, root, roots
from trialpool.stats.checks import FURTHEST, Bools, Floats, check_effects, finite, plain

N = TypeVar("N", float, Floats)

LIKELIHOODS = ("REML", "ML")  # methods that have one
CHUNK_NUMBERS = 2**14  # of an array: 128 KiB, which is reused; larger ones are asked of the system each time
DOMINATED = 1e-3  # tr P as a share of the weight, below which its digits must be saved
REPEATED = 1e-9  # share of a standardised column that must be new
TINY = float(np.finfo(np.float64).tiny)
GROWTH = 2.5  # of t + smallest variance from one point of the scan for maxima to the next
FEW = 40  # studies whose sums cost less in plain numbers than by numpy
FINER = 4  # parts of a stretch where maxima may hide


@dataclass(frozen=True, slots=True)
class Design:
    """An orthonormal `basis` (k, p) of the columns, and the way `back` (p, p) from its coefficients to the
    intercept and the slopes in the moderators' own units.

    `products` (k, p·p) are those of each study's row with itself: weights (n, k) times these are Z'WZ.
    `alone` is an intercept as a column of ones.
    """

    basis: Floats
    back: Floats
    products: Floats
    alone: bool = False


def spanned_by(basis: Floats, back: Floats | None = None) -> Design:
    """The design of a basis (k, p); without `back` its own coefficients are what is asked for."""
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    return Design(basis, np.eye(basis.shape[1]) if back is None else back, products)


@lru_cache(maxsize=256)
def intercept(k: int) -> Design:
    """The design of a pooled mean, on whose basis the coefficient is the mean itself."""
    return Design(np.ones((k, 1)), np.eye(1), np.ones((k, 1)), alone=True)


def design_of(values: ArrayLike, k: int) -> Design:
    """Read moderators (k, m) or (k,) without intercept and add the intercept.

    Columns are centred and scaled first, so that years and dummies mix safely. A constant or repeated one is
    refused by its number.
    """
    columns = finite("design", values)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if columns.ndim != 2 or len(columns) != k or not columns.shape[1]:
        raise ValueError(f"design has shape {np.shape(values)}: needs one row for each of the {k} studies")
    p = columns.shape[1] + 1
    if k <= p:
        raise ValueError(f"design: {k} studies cannot carry {p} coefficients and their uncertainty")
    middle = columns.mean(0)
    centred = columns - middle
    scale = np.sqrt((centred**2).sum(0))
    size = np.abs(columns).max(0) * np.sqrt(k)
    for column in np.flatnonzero(scale <= 1e-13 * size):
        raise ValueError(f"design[:, {column}] is constant: the intercept is already in the model")
    basis, upper = np.linalg.qr(np.column_stack([np.full(k, 1 / np.sqrt(k)), centred / scale]))
    rounding = np.maximum.accumulate(np.append(0.0, 1e-15 * size / scale))  # of a column far from 0
    for column in np.flatnonzero(abs(np.diagonal(upper)) < np.maximum(REPEATED, rounding)) - 1:
        raise ValueError(f"design[:, {column}] is a combination of the intercept and the columns before it")
    back = np.linalg.inv(upper)
    back[1:] /= scale[:, None]
    back[0] /= np.sqrt(k)
    back[0] -= middle @ back[1:]
    return spanned_by(basis, back)


@dataclass(frozen=True, slots=True)
class Fit:
    """Weighted least squares with weights W (n, k), whose trace is `total` (n,): Z'WZ and its `inverse`
    (n, p, p), `coefficients` (n, p) on the basis, residuals r and `weighted` residuals Wr (n, k).

    The estimators of tau2 are made of P = W - WZ(Z'WZ)^-1Z'W; Py = Wr.
    """

    design: Design
    weights: Floats
    total: Floats
    gram: Floats
    inverse: Floats
    coefficients: Floats
    residuals: Floats
    weighted: Floats

    @property
    def q(self) -> Floats:
        """y'Py, Cochran's generalised Q."""
        return dot(self.weighted, self.residuals)

    @property
    def squares(self) -> Floats:
        """y'PPy, the negative slope of Q in tau2."""
        return dot(self.weighted, self.weighted)

    @property
    def trace(self) -> Floats:
        """tr P, summed without the largest weight where this would cancel."""
        trace = self.total - self.lost(self.weights**2)
        heavy = trace < DOMINATED * self.total
        if heavy.any():
            trace[heavy] = _dominated_trace(self.weights[heavy], self.design.basis)
        return trace

    def lost(self, diagonal: Floats) -> Floats:
        """tr (Z'WZ)^-1 Z'DZ: what fitting the coefficients takes from the trace of a diagonal D (n, k)."""
        middle = diagonal @ self.design.products
        if middle.shape[1] == 1:
            return middle[:, 0] / self.gram[:, 0, 0]
        return dot(self.inverse.reshape(middle.shape), middle)


def _dominated_trace(weights: Floats, basis: Floats) -> Floats:
    """tr P of weights (n, k) as Σw(1 - leverage): the largest weight's term is 1/(1/w + z'Gz), G the inverse
    of Z'WZ of all others, which is updated with it for theirs; 0 where they do not span the basis alone.
    """
    top = weights.argmax(-1)[:, None]
    others = weights.copy()
    np.put_along_axis(others, top, 0.0, -1)
    upper = np.linalg.qr(np.sqrt(others)[..., None] * basis, mode="r")
    size = np.abs(np.diagonal(upper, axis1=-2, axis2=-1))
    spans = size.min(-1) > REPEATED * size.max(-1)
    x = basis @ np.linalg.pinv(upper, rcond=REPEATED)  # xx' is zGz'
    own = np.take_along_axis(x, top[..., None], 1)
    largest = np.take_along_axis(weights, top, -1)[:, 0]
    gap = np.where(spans, 1 / largest + (own**2).sum((1, 2)), np.inf)
    leverage = others * ((x**2).sum(-1) - (x * own).sum(-1) ** 2 / gap[:, None])
    return np.asarray((others * (1 - leverage)).sum(-1) + 1 / gap)


@dataclass(frozen=True, slots=True)
class Model:
    """Analyses: `effects` (n, k) less their `centre` (n,), `variances` (n, k), `count` (n,) of studies.

    `freedom` (n,) are the residual degrees of freedom, studies less coefficients.
    """

    effects: Floats
    variances: Floats
    centre: Floats
    count: Floats
    design: Design
    freedom: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "freedom", self.count - self.design.basis.shape[1])

    @property
    def present(self) -> Bools:
        """Which studies are there, (n, k)."""
        return np.asarray(np.isfinite(self.variances))

    def take(self, rows: Rows) -> Model:
        """Some of the analyses, which may be repeated."""
        y, v, centre = self.effects[rows], self.variances[rows], self.centre[rows]
        return Model(y, v, centre, self.count[rows], self.design)

    def start(self) -> Fit:
        """The fit at tau2 = 0, where an intercept is exactly 0: the effects are centred on it."""
        weights, design = 1 / self.variances, self.design
        if design.basis.shape[1] > 1:
            return self.weighted(weights)
        gram = (weights @ design.products)[:, :, None]
        total, weighted = self._total(weights, gram), weights * self.effects
        return Fit(
            design, weights, total, gram, 1 / gram, np.zeros_like(total)[:, None], self.effects, weighted
        )

    def at(self, tau2: Floats) -> Fit:
        """The fit at a heterogeneity tau2 (n,)."""
        return self.weighted(1 / (self.variances + tau2[:, None]))

    def weighted(self, weights: Floats) -> Fit:
        """The fit with any weights (n, k)."""
        basis = self.design.basis
        p = basis.shape[1]
        gram = (weights @ self.design.products).reshape(-1, p, p)
        pulled = (weights * self.effects) @ basis
        total = self._total(weights, gram)
        if p == 1:
            inverse, coefficients = 1 / gram, pulled / gram[:, 0]
        else:
            inverse, coefficients = self._solved(weights, gram, pulled, total)
        residuals = self.effects - coefficients @ basis.T
        return Fit(self.design, weights, total, gram, inverse, coefficients, residuals, weights * residuals)

    def _total(self, weights: Floats, gram: Floats) -> Floats:
        return gram[:, 0, 0] if self.design.alone else weights @ np.ones(weights.shape[1])

    def _solved(self, weights: Floats, gram: Floats, pulled: Floats, total: Floats) -> tuple[Floats, Floats]:
        """The inverse of Z'WZ (n, p, p) and the coefficients (n, p) of several columns."""
        heavy, safe = np.flatnonzero(weights.max(-1) > (1 - DOMINATED) * total), gram
        if len(heavy):
            safe = gram.copy()
            safe[heavy] = np.eye(gram.shape[1])
        inverse = np.asarray(np.linalg.inv(safe), dtype=np.float64)
        inverse = (inverse + inverse.swapaxes(1, 2)) / 2
        coefficients = np.matvec(inverse, pulled)
        if len(heavy):  # one study outweighs the rest: Z'WZ would lose what they say
            root = np.sqrt(weights[heavy])
            span, upper = np.linalg.qr(root[..., None] * self.design.basis)
            back = np.linalg.inv(upper)
            inverse[heavy] = back @ back.swapaxes(1, 2)
            coefficients[heavy] = np.matvec(back, np.vecmat(root * self.effects[heavy], span))
        return inverse, coefficients


def dot(left: Floats, right: Floats) -> Floats:
    return np.asarray(np.einsum("nk,nk->n", left, right))  # not by BLAS, whose rounding varies


@dataclass(frozen=True, slots=True)
class Batch:
    """Checked input of a batched call, its leading axes (`shape`) flattened: all arrays are (n, k)."""

    effects: Floats
    variances: Floats
    present: Bools
    shape: tuple[int, ...]

    def models(self, design: Design) -> Iterator[Model]:
        """Consecutive chunks of analyses, small enough to stay in the processor's cache."""
        n, k = self.effects.shape
        length = max(1, CHUNK_NUMBERS // k)
        for begin in range(0, n, length):
            yield self._centred(slice(begin, begin + length), design)

    def _centred(self, rows: slice, design: Design) -> Model:
        """Centre the effects (n, k) and drop absent studies by an infinite variance.

        Centring twice, on a study and on the inverse-variance mean, keeps equal effects exactly equal and
        takes a large common shift out before anything is squared.
        """
        effects, variances = (
            np.ascontiguousarray(self.effects[rows]),
            np.ascontiguousarray(self.variances[rows]),
        )
        present = np.ascontiguousarray(self.present[rows])
        whole = bool(present.all())
        first = effects[np.arange(len(effects)), present.argmax(-1)]
        v = variances if whole else np.where(present, variances, np.inf)
        y = effects - first[:, None]
        y = y if whole else np.where(present, y, 0.0)
        weights = 1 / v
        mean = dot(weights, y) / weights.sum(-1)
        y = y - mean[:, None]
        y = y if whole else np.where(present, y, 0.0)
        return Model(y, v, first + mean, present.sum(-1).astype(np.float64), design)

    def analysed(self, design: Design, analyse: Callable[[Model], dict[str, Floats]]) -> dict[str, Floats]:
        """Results (n, …) of each chunk by name, joined and laid out in the batch's shape."""
        parts = [analyse(model) for model in self.models(design)]
        joined = parts[0]
        if len(parts) > 1:
            joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        if not self.shape:
            return {name: a[0] for name, a in joined.items()}
        return {name: plain(a.reshape((*self.shape, *a.shape[1:]))) for name, a in joined.items()}

    def regressed_on(self, moderators: ArrayLike) -> Design:
        """Read moderators, refusing variances too far apart, and masks that leave no rank or freedom."""
        design = design_of(moderators, self.effects.shape[1])
        highest = self.variances.max(-1, initial=0.0, where=self.present)
        spread = highest / self.variances.min(-1, initial=np.inf, where=self.present)
        if (spread > FURTHEST).any():
            ratio = f"{spread.max():.1g} times the smallest"
            raise ValueError(f"variances: the largest is {ratio}, too far apart")
        if self.present.all():
            return design
        smallest = np.linalg.svd(self.present[:, :, None] * design.basis, compute_uv=False)[:, -1]
        poor = (self.present.sum(1) <= design.basis.shape[1]) | (smallest < REPEATED)
        for row in np.flatnonzero(poor):
            place = [int(axis) for axis in np.unravel_index(row, self.shape)]
            raise ValueError(f"where{place}: too few or too similar studies are present to fit the design")
        return design


def batch_of(effects: ArrayLike, variances: ArrayLike, where: ArrayLike | None = None) -> Batch:
    """Check effects and variances (…, k) and the mask `where` (True: the study is present)."""
    y, v, mask = check_effects(effects, variances, where, batch=True)
    k = y.shape[-1]
    return Batch(y.reshape(-1, k), v.reshape(-1, k), mask.reshape(-1, k), y.shape[:-1])


def estimate_tau2(model: Model, start: Fit, method: str) -> Floats:
    """Estimate tau2 (n,) from the fit at tau2 = 0; never below 0, and 0 for one study alone.

    All are reviewed by Veroniki et al. 2016. FE 0; DL DerSimonian & Laird 1986; HE Hedges 1983 (unweighted);
    HS Hunter & Schmidt, (Q - k)/Σw; SJ Sidik & Jonkman 2005 in two steps; ML and REML the highest maximum of
    the likelihood; PM Paule & Mandel 1982, to which EB (Morris 1983) is identical (Viechtbauer et al. 2015),
    as are DL and SJ when iterated (DLIT, SJIT); HSk, GENQ and PMM see `_further_tau2`.
    """
    k = model.effects.size
    if method in ("ML", "REML") and model.design.alone and 1 < k <= FEW and k == model.count[0]:
        one = One(model.effects[0].tolist(), model.variances[0].tolist(), method == "REML")
        if (found := _likeliest_of_one(one)) is not None:
            return np.array([max(found, 0.0)])
    freedom = np.maximum(model.freedom, 1)
    if method == "FE":
        return np.zeros(len(freedom))
    if method == "DL":
        tau2 = (start.q - freedom) / np.maximum(start.trace, TINY)
    elif method == "HE":
        equal = model.weighted(model.present.astype(np.float64))
        variances = np.where(model.present, model.variances, 0.0)
        tau2 = (equal.q - (variances.sum(-1) - equal.lost(variances))) / freedom
    elif method == "HS":
        tau2 = (start.q - model.count) / start.total
    elif method == "SJ":
        middle = model.effects.sum(-1) / model.count
        apart = np.where(model.present, model.effects - middle[:, None], 0.0)
        seed = dot(apart, apart) / model.count
        tau2 = seed * model.at(seed).q / freedom
    elif method in ("EB", "PM", "DLIT", "SJIT"):
        tau2 = solve_q(model, start, freedom)
    elif method in ("HSk", "GENQ", "PMM"):
        tau2 = _further_tau2(model, start, method)
    else:
        tau2 = _likeliest(model, method == "REML")
    return np.maximum(tau2, 0.0) * (model.freedom > 0)


def _further_tau2(model: Model, start: Fit, method: str) -> Floats:
    """HSk, Q corrected for its degrees of freedom (Brannick et al. 2019); GENQ, the moment estimator with
    weights 1/√v (Jackson 2013); PMM, at which Q(tau2) has its median (Viechtbauer 2021).
    """
    freedom = np.maximum(model.freedom, 1)
    if method == "HSk":
        return np.asarray((start.q * model.count / freedom - model.count) / start.total)
    if method == "PMM":
        return solve_q(model, start, np.asarray(chdtri(freedom, 0.5), dtype=np.float64))
    fit = model.weighted(1 / np.sqrt(model.variances))
    variances = np.where(model.present, model.variances, 0.0)
    expected = dot(fit.weights, variances) - fit.lost(fit.weights**2 * variances)
    return np.asarray((fit.q - expected) / np.maximum(fit.trace, TINY))


def solve_q(model: Model, start: Fit, target: Floats) -> Floats:
    """Find the tau2 at which the generalised Q(tau2) = y'Py has fallen to `target`; 0 if it starts below.

    1/Q is concave and rising, so Newton's method from the left does not overstep the root.
    """
    rows = np.flatnonzero(start.q > target)
    part, goal, q = model.take(rows), target[rows], start.q[rows]
    least = part.variances.min(-1)
    high = np.maximum(dot(part.effects, part.effects) / goal - least, 0.0)
    first = np.minimum((q / goal - 1) * q / start.squares[rows], high)

    def share(t: Floats, active: Rows) -> tuple[Floats, Floats]:
        fit = (part if len(active) == len(rows) else part.take(active)).at(t)
        return -(fit.q / goal[active] - 1) * fit.q, fit.squares

    tau2 = np.zeros(len(model.count))
    tau2[rows] = roots(share, np.zeros_like(first), high, first, least)
    return tau2


def _likeliest(model: Model, restricted: bool) -> Floats:
    """The tau2 (n,) of the highest (restricted) likelihood.

    With R(t) = y'PPy/tr P (tr W for ML) it rises where R > 1 and falls where R < 1. In eigenvalues of the
    residual space R falls beyond largest - 2·smallest variance. Below that, with s = log(t + smallest
    variance), log R has slopes between -2 and 1 and curvatures between -3/4 and 5/4, so a scan in s tells
    where more than one crossing of 1 may hide between two points; such analyses are scanned more finely and
    their maxima compared. 1/R is nearly a straight line: Newton's method on it converges in a few steps.
    """
    least = model.variances.min(-1)
    most = np.where(model.present, model.variances, 0.0).max(-1)
    # In the residual space y'PPy = Σz²a² and tr P = Σa, with a from 1/(most + tau2) to 1/(least + tau2), and
    # Σz² is at most Σy²: above the root of a quadratic in tau2 the first is the smaller one.
    squares, freedom = dot(model.effects, model.effects), np.maximum(model.freedom, 1)
    root = squares + np.sqrt(squares * (squares + 4 * freedom * (most - least)))
    limit = np.clip(1.001 * root / (2 * freedom) - least, 0.0, squares)  # beyond it no likelihood rises
    top = np.clip(most - 2 * least, 0.0, limit)  # beyond it R falls
    width = np.log1p(top / least)
    points = int(np.ceil(np.quantile(width, 0.9) / np.log(GROWTH))) or 1
    grid = np.append(np.geomspace(least, top + least, points + 1) - least, [limit], axis=0)
    curve = _log_ratio(model, restricted, grid)
    curve[-1] = np.minimum(curve[-1], 0.0)
    before, after = curve[:-2], curve[1:-1]
    lower, upper = np.minimum(before, after), np.maximum(before, after)
    doubtful = _may_hide(lower, upper, before - after, (width / points) ** 2)
    owner, *ends = _falls(grid, curve, np.append(~doubtful, np.ones_like(doubtful[:1]), axis=0))
    if doubtful.any():
        cell, which = np.nonzero(doubtful)
        low, high = grid[cell, which], grid[cell + 1, which]
        finer = np.geomspace(low + least[which], high + least[which], FINER + 1) - least[which]
        between = _log_ratio(model.take(which), restricted, finer[1:-1])
        several, *more = _falls(
            np.concatenate([[low], finer[1:-1], [high]]),
            np.concatenate([[curve[cell, which]], between, [curve[cell + 1, which]]]),
        )
        owner = np.append(owner, which[several])
        ends = [np.append(*pair) for pair in zip(ends, more, strict=True)]
    found = _solve(model.take(owner), restricted, *ends)
    return _highest(model, restricted, owner, found, np.asarray(~doubtful.any(0)))


@dataclass(frozen=True, slots=True)
class One:
    """A single mean of few studies, centred, in plain numbers: the calls of numpy would cost far more."""

    effects: list[float]
    variances: list[float]
    restricted: bool

    def scan(self, t: float) -> tuple[list[float], list[float], float, float, float]:
        """The weights and Py; tr W, tr P (tr W for ML) and y'PPy."""
        weights = [1 / (v + t) for v in self.variances]
        total = sum(weights)
        mean = sum(map(mul, weights, self.effects)) / total
        weighted = [w * (y - mean) for w, y in zip(weights, self.effects, strict=True)]
        lost = sum(map(mul, weights, weights)) / total if self.restricted else 0.0
        return weights, weighted, total, total - lost, sum(map(mul, weighted, weighted))

    def log_ratio(self, t: float) -> float:
        """Log R."""
        *_, trace, squares = self.scan(t)
        return math.log(max(squares / max(trace, TINY), TINY))

    def excess(self, t: float) -> tuple[float, float]:
        """1 - R and its slope over R, as `_solve` has them."""
        weights, weighted, total, trace, squares = self.scan(t)
        own, scaled = list(map(mul, weights, weights)), list(map(mul, weights, weighted))
        second, cubes = sum(own), sum(map(mul, scaled, weighted)) - sum(scaled) ** 2 / total
        trace2 = second - 2 * sum(map(mul, weights, own)) / total + (second / total) ** 2
        return 1 - squares / trace, 2 * cubes / squares - (trace2 if self.restricted else second) / trace


def _likeliest_of_one(one: One) -> float | None:
    """The same of one; None where several maxima must be compared, or a study outweighs the rest."""
    *_, total, trace, start = one.scan(0.0)
    if trace < DOMINATED * total:
        return None
    least, most, freedom = min(one.variances), max(one.variances), max(len(one.effects) - 1, 1)
    squares = sum([y * y for y in one.effects])
    reach = squares + math.sqrt(squares * (squares + 4 * freedom * (most - least)))
    limit = min(max(1.001 * reach / (2 * freedom) - least, 0.0), squares)
    top = min(max(most - 2 * least, 0.0), limit)
    width = math.log1p(top / least)
    points = math.ceil(width / math.log(GROWTH)) or 1
    grid = [*(least * math.expm1(width * step / points) for step in range(1, points)), top]
    curve = [(0.0, math.log(max(start / trace, TINY))), *((t, one.log_ratio(t)) for t in grid)]
    cells = [(curve[-1], (limit, min(one.log_ratio(limit), 0.0)))] if curve[-1][1] > 0 else []
    for (low, before), (high, after) in pairwise(curve):
        ends = [(low, before), (high, after)]
        if _may_hide(min(before, after), max(before, after), before - after, (width / points) ** 2):
            ratio = (high + least) / (low + least)
            inside = [(low + least) * ratio ** (part / FINER) - least for part in range(1, FINER)]
            ends[1:1] = [(t, one.log_ratio(t)) for t in inside]
        cells += pairwise(ends)
    falls = [(low, high, a, b) for (low, a), (high, b) in cells if a > 0 >= b]
    if len(falls) != 1 or curve[0][1] <= 0:
        return None if falls else 0.0
    low, high, *logs = falls[0]  # 1/R is nearly a straight line
    above, below = (math.expm1(-value) for value in logs)
    return root(one.excess, low, high, low + (high - low) * above / (above - below), least)


def _log_ratio(model: Model, restricted: bool, grid: Floats) -> Floats:
    """Log R at each of the values of tau2 on a grid (m, n)."""
    curve, n = np.empty_like(grid), grid.shape[1]
    block = max(1, CHUNK_NUMBERS // max(1, model.effects.size))  # points of the grid evaluated at once
    for begin in range(0, len(grid), block):
        t = grid[begin : begin + block]
        fit = (model if len(t) == 1 else model.take(np.tile(np.arange(n), len(t)))).at(t.ravel())
        trace = fit.trace if restricted else fit.total
        with np.errstate(over="ignore"):  # one study alone has 0 over 0
            ratio = fit.squares / np.maximum(trace, TINY)
        curve[begin : begin + block] = np.log(np.maximum(ratio, TINY)).reshape(t.shape)
    return curve


def _may_hide(lower: N, upper: N, drop: N, squared: N) -> Any:
    """Between which points of the scan more than one fall may hide, by the curve's lower and upper end there.

    `drop` is by how much it falls, `squared` the square of the distance. On a stretch h a curve of second
    derivatives from -3/4 to 5/4 leaves its chord by 3h²/32 upwards and 5h²/32 downwards, and its slope the
    chord's by 5h/8.
    """
    dips = (lower > 0) & (lower < 5 / 32 * squared)
    rises = (upper <= 0) & (upper > -3 / 32 * squared)
    turns = (lower <= 0) & (upper > 0) & (drop < 5 / 8 * squared)
    return dips | rises | turns


def _falls(grid: Floats, curve: Floats, asked: Bools | bool = True) -> tuple[Rows, Floats, Floats]:
    """Where R falls through 1 between points of the scan: whose it is, and both ends."""
    cell, owner = np.nonzero((curve[:-1] > 0) & (curve[1:] <= 0) & asked)
    return owner, grid[cell, owner], grid[cell + 1, owner]


def _solve(model: Model, restricted: bool, low: Floats, high: Floats) -> Floats:
    """Where R falls through 1 between `low` and `high`, by Newton's method on 1/R."""

    def excess(t: Floats, rows: Rows) -> tuple[Floats, Floats]:
        fit = (model if len(rows) == len(low) else model.take(rows)).at(t)
        weights, squares, scaled = fit.weights, fit.squares, fit.weights * fit.weighted
        pulled = scaled @ model.design.basis
        cubes = dot(scaled, fit.weighted) - dot(pulled, np.matvec(fit.inverse, pulled))  # y'PPPy
        trace, trace2 = fit.total, dot(weights, weights)
        if restricted:
            once = fit.inverse @ (weights**2 @ model.design.products).reshape(fit.inverse.shape)
            trace = fit.trace
            trace2 = (
                trace2 - 2 * fit.lost(weights**2 * weights) + np.einsum("nij,nji->n", once, once)
            )  # tr PP
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return 1 - squares / trace, 2 * cubes / squares - trace2 / trace

    return roots(excess, low, high, low, model.variances.min(-1))


def _highest(model: Model, restricted: bool, owner: Rows, found: Floats, sure: Bools) -> Floats:
    """For each analysis the maximum of the highest likelihood; if not `sure`, 0 is one of them."""
    tau2 = np.zeros(len(sure))
    tau2[owner] = found
    several = ~sure[owner]
    if several.any():
        owner, found = owner[several], found[several]
        tau2[owner] = 0.0
        part = model.take(owner)
        heights = log_likelihood(part, found, restricted)
        higher = heights > log_likelihood(part, np.zeros(len(owner)), restricted)
        rising = np.flatnonzero(higher)[np.argsort(heights[higher])]  # the highest is written last
        tau2[owner[rising]] = found[rising]
    return tau2


def log_likelihood(model: Model, tau2: Floats, restricted: bool) -> Floats:
    """Log-likelihood, without its constant, of tau2 (the coefficients profiled out)."""
    fit = model.at(tau2)
    logs = np.log(fit.weights, out=np.zeros_like(fit.weights), where=model.present)
    information = -np.linalg.slogdet(fit.inverse)[1] if restricted else 0.0
    return np.asarray(logs.sum(-1) - fit.q - information) / 2
