"""The linear model behind pooling and meta-regression: effects y ~ N(Z beta, v + tau2), many at once.

Each row of an array is one analysis. Pooling is the model of an intercept alone, meta-regression has more
columns. An absent study has an infinite variance, hence weight 0, and costs no further bookkeeping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats._numeric import Rows
from trialpool.stats.checks import Bools, Floats, finite, numbers, plain, refuse, studies, usable

CHUNK_NUMBERS = 2**14  # of an array: 128 KiB, which is reused; larger ones are asked of the system each time
DOMINATED = 1e-3  # tr P as a share of the weight, below which its digits must be saved
REPEATED = 1e-9  # share of a standardised column that must be new
FURTHEST = 1e12  # between the variances of one regression


@dataclass(frozen=True, slots=True)
class Design:
    """An orthonormal `basis` (k, p) of the columns, and the `back` (p, p) that turns coefficients on the
    basis into the intercept and the slopes in the moderators' own units.

    The basis keeps the p x p systems well conditioned whatever these units are. `products` (k, p·p) are those
    of each study's row with itself: weights (n, k) times these are Z'WZ.
    """

    basis: Floats
    back: Floats
    products: Floats


def spanned_by(basis: Floats, back: Floats | None = None) -> Design:
    """The design of a basis (k, p); without `back` its own coefficients are what is asked for."""
    k, p = basis.shape
    products = (basis[:, :, None] * basis[:, None, :]).reshape(k, p * p)
    return Design(basis, np.eye(p) if back is None else back, products)


def intercept(k: int) -> Design:
    """The design of a pooled mean, on whose basis the coefficient is the mean itself."""
    return spanned_by(np.ones((k, 1)))


def design_of(values: ArrayLike, k: int) -> Design:
    """Read moderators (k, m) or (k,) without intercept and add the intercept.

    Columns are centred and scaled before they are made orthonormal, so that years and dummies mix safely.
    A constant or repeated column is refused by its number.

    >>> design_of([[1, 2], [2, 4], [3, 6], [5, 10]], 4)
    Traceback (most recent call last):
        ...
    ValueError: design[:, 1] is a combination of the intercept and the columns before it
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
    for column in np.flatnonzero(abs(np.diagonal(upper)) < REPEATED) - 1:
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

    With P = W - WZ(Z'WZ)^-1Z'W, so that Py = Wr, the estimators of tau2 are made of what follows.
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
    def cubes(self) -> Floats:
        """y'PPPy."""
        scaled = self.weights * self.weighted
        lost = scaled @ self.design.basis
        if lost.shape[1] == 1:
            return dot(scaled, self.weighted) - lost[:, 0] ** 2 / self.gram[:, 0, 0]
        return dot(scaled, self.weighted) - dot(lost, np.matvec(self.inverse, lost))

    @property
    def trace(self) -> Floats:
        """tr P; of an intercept summed without its largest weight where Σw - Σw²/Σw would cancel."""
        trace = self.total - self.lost(self.weights**2)
        heavy = np.flatnonzero(trace < DOMINATED * self.total) if self.inverse.shape[-1] == 1 else ()
        if len(heavy):
            ordered = np.sort(self.weights[heavy], -1)
            rest, largest = ordered[:, :-1], ordered[:, -1]
            others = rest.sum(-1)
            whole = others + largest
            trace[heavy] = others - dot(rest, rest) / whole + largest * (others / whole)
        return trace

    @property
    def trace_of_square(self) -> Floats:
        """tr PP."""
        squares, shape = self.weights**2, self.inverse.shape
        once = self.inverse @ (squares @ self.design.products).reshape(shape)
        twice = np.einsum("nij,nji->n", once, once)
        return np.asarray(dot(self.weights, self.weights) - 2 * self.lost(squares * self.weights) + twice)

    def lost(self, diagonal: Floats) -> Floats:
        """tr (Z'WZ)^-1 Z'DZ: what fitting the coefficients takes from the trace of a diagonal D (n, k)."""
        middle = diagonal @ self.design.products
        if middle.shape[1] == 1:
            return middle[:, 0] / self.gram[:, 0, 0]
        return dot(self.inverse.reshape(middle.shape), middle)


@dataclass(frozen=True, slots=True)
class Model:
    """Analyses: `effects` (n, k) less their `centre` (n,), `variances` (n, k), `count` (n,) of studies."""

    effects: Floats
    variances: Floats
    centre: Floats
    count: Floats
    design: Design

    @property
    def freedom(self) -> Floats:
        """Residual degrees of freedom, studies less coefficients, shape (n,)."""
        return np.asarray(self.count - self.design.basis.shape[1])

    @property
    def present(self) -> Bools:
        """Which studies are there, (n, k)."""
        return np.asarray(np.isfinite(self.variances))

    def take(self, rows: Rows) -> Model:
        """Some of the analyses, which may be repeated."""
        y, v = self.effects[rows], self.variances[rows]
        return Model(y, v, self.centre[rows], self.count[rows], self.design)

    def start(self) -> Fit:
        """The fit at tau2 = 0, where an intercept is exactly 0: the effects are centred on it."""
        fit = self.at(np.zeros(len(self.count)))
        if fit.coefficients.shape[1] > 1:
            return fit
        weighted, none = fit.weights * self.effects, np.zeros_like(fit.coefficients)
        return replace(fit, coefficients=none, residuals=self.effects, weighted=weighted)

    def at(self, tau2: Floats) -> Fit:
        """The fit at a heterogeneity tau2 (n,)."""
        return self.weighted(1 / (self.variances + tau2[:, None]))

    def weighted(self, weights: Floats) -> Fit:
        """The fit with any weights (n, k)."""
        basis = self.design.basis
        p = basis.shape[1]
        gram = (weights @ self.design.products).reshape(-1, p, p)
        inverse = 1 / gram if p == 1 else np.asarray(np.linalg.inv(gram), dtype=np.float64)
        inverse = (inverse + inverse.swapaxes(1, 2)) / 2 if p > 1 else inverse
        pulled = (weights * self.effects) @ basis
        coefficients = pulled / gram[:, 0] if p == 1 else np.matvec(inverse, pulled)
        fitted = coefficients * basis.T if p == 1 else coefficients @ basis.T
        residuals = self.effects - fitted
        total = weights @ np.ones(len(basis))
        return Fit(self.design, weights, total, gram, inverse, coefficients, residuals, weights * residuals)


def dot(left: Floats, right: Floats) -> Floats:
    product: Floats = np.einsum("nk,nk->n", left, right)  # not by BLAS, whose rounding varies
    return product


def model_of(effects: Floats, variances: Floats, present: Bools, design: Design) -> Model:
    """Centre the effects (n, k) and drop absent studies by an infinite variance.

    Centring twice, on a study and on the inverse-variance mean, keeps equal effects exactly equal and
    takes a large common shift out before anything is squared.
    """
    first = np.take_along_axis(effects, present.argmax(-1)[:, None], -1)[:, 0]
    v = np.where(present, variances, np.inf)
    y = np.where(present, effects - first[:, None], 0.0)
    weights = 1 / v
    mean = dot(weights, y) / weights.sum(-1)
    y = np.where(present, y - mean[:, None], 0.0)
    return Model(y, v, first + mean, present.sum(-1).astype(np.float64), design)


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
            rows = slice(begin, begin + length)
            y, v = np.ascontiguousarray(self.effects[rows]), np.ascontiguousarray(self.variances[rows])
            yield model_of(y, v, np.ascontiguousarray(self.present[rows]), design)

    def analysed(self, design: Design, analyse: Callable[[Model], dict[str, Floats]]) -> dict[str, Floats]:
        """Results (n, …) of each chunk by name, joined and laid out in the batch's shape."""
        parts = [analyse(model) for model in self.models(design)]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return {name: plain(a.reshape((*self.shape, *a.shape[1:]))) for name, a in joined.items()}

    def regressed_on(self, moderators: ArrayLike) -> Design:
        """Read the moderators of a meta-regression and refuse what floating-point numbers cannot regress.

        That is variances more than 12 orders of magnitude apart in one analysis, and masks under which the
        design loses rank or leaves no residual degree of freedom.
        """
        design = design_of(moderators, self.effects.shape[1])
        highest = self.variances.max(-1, initial=0.0, where=self.present)
        spread = highest / self.variances.min(-1, initial=np.inf, where=self.present)
        if (spread > FURTHEST).any():
            raise ValueError(
                f"variances: the largest is {spread.max():.1g} times the smallest, too far apart"
            )
        if self.present.all():
            return design
        p = design.basis.shape[1]
        gram = (self.present.astype(np.float64) @ design.products).reshape(-1, p, p)
        poor = (self.present.sum(1) <= p) | (np.linalg.eigvalsh(gram)[:, 0] < REPEATED**2)
        for row in np.flatnonzero(poor):
            place = [int(axis) for axis in np.unravel_index(row, self.shape)]
            raise ValueError(f"where{place}: too few or too similar studies are present to fit the design")
        return design


def batch_of(effects: ArrayLike, variances: ArrayLike, where: ArrayLike | None = None) -> Batch:
    """Check effects and variances (…, k) and the mask `where` (True: the study is present).

    Entries that are absent everywhere may be NaN. Refused with a ValueError that names argument and
    position: non-finite effects, variances that are not above 0, shapes that do not broadcast, and an
    analysis without any study.

    >>> batch_of([0.1, 0.2], [[0.1, 0.2], [0.2, 0.3]]).shape
    (2,)
    """
    y, v = numbers("effects", effects), numbers("variances", variances)
    mask: Bools = np.ones(1, dtype=bool) if where is None else np.asarray(where)
    if mask.dtype != np.bool_:
        raise ValueError(f"where has dtype {mask.dtype}: must be True or False for each study")
    shapes = {"effects": y.shape, "variances": v.shape} | ({} if where is None else {"where": mask.shape})
    for name, shape in shapes.items():
        studies(name, shape)
    try:
        whole = np.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{listed}: these shapes do not fit together") from None
    empty = np.asarray(~mask.any(-1, keepdims=True))
    refuse("where", mask.astype(float), empty, "this analysis has no study")
    usable(y, v, mask)
    y, v = (np.broadcast_to(array, whole).reshape(-1, whole[-1]) for array in (y, v))
    return Batch(y, v, np.broadcast_to(mask, whole).reshape(-1, whole[-1]), whole[:-1])
