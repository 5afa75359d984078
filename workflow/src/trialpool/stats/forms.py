"""The quadratic forms that estimators of tau2 are made of, for a whole chunk of analyses at once.

With W = diag(1/(v + tau2)) and P = W - WX(X'WX)^-1X'W these are y'Py, y'PPy, y'PPPy, tr P and tr PP. For
the mean alone they are sums; a design is dealt with in `design`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialpool.stats import design
from trialpool.stats.checks import Floats
from trialpool.stats.model import Model, buffers

DOMINATED = 1e-3  # tr P as a share of the weight, below which its digits must be saved


@dataclass(frozen=True, slots=True)
class Start:
    """What every estimator begins with, at tau2 = 0: Q = y'Py, y'PPy, tr W and tr P, each (n,)."""

    q: Floats
    squares: Floats
    weight: Floats
    trace: Floats


def start(model: Model) -> Start:
    """Evaluate the forms at tau2 = 0."""
    w, weighted, _ = buffers(model)
    np.divide(1, model.variances, out=w)
    total = w.sum(0)
    if model.basis is not None:
        inverse, residual = design.residuals(model.basis, w, model.effects)
        np.multiply(w, residual, out=weighted)
        trace = total - design.trace_lost(inverse, design.gram(model.basis, w * w))
        return Start(_dot(weighted, residual), _dot(weighted, weighted), total, trace)
    np.multiply(w, model.effects, out=weighted)  # which are centred on their mean under these very weights
    q, squares, second = _dot(weighted, model.effects), _dot(weighted, weighted), _dot(w, w)
    trace = total - second / total
    heavy = np.flatnonzero(trace < DOMINATED * total)
    if len(heavy):
        trace[heavy] = _trace_without_largest(w[:, heavy])
    return Start(q, squares, total, trace)


def _trace_without_largest(w: Floats) -> Floats:
    """tr P summed without its largest weight, because Σw - Σw²/Σw cancels where one study dominates."""
    columns = np.arange(w.shape[1])
    place = w.argmax(0)
    largest = w[place, columns]
    w[place, columns] = 0.0
    rest: Floats = w.sum(0)
    total = rest + largest
    trace: Floats = rest - _dot(w, w) / total + largest * (rest / total)
    return trace


def weights_at(model: Model, tau2: Floats) -> Floats:
    """Weights 1/(v + tau2), shape (k, n), in the model's first buffer."""
    w = np.add(model.variances, tau2, out=buffers(model)[0])
    return np.reciprocal(w, out=w)


def score(model: Model, tau2: Floats, restricted: bool) -> tuple[Floats, Floats]:
    """y'PPy and tr P (or tr W where not `restricted`): the likelihood's slope is half their difference."""
    w, total, residual, inverse = _residuals(model, tau2)
    residual *= w
    squares = _dot(residual, residual)
    if not restricted:
        return squares, total
    if model.basis is not None and inverse is not None:
        return squares, total - design.trace_lost(inverse, design.gram(model.basis, w * w))
    return squares, total - _dot(w, w) / total


def slopes(model: Model, tau2: Floats, restricted: bool) -> tuple[Floats, Floats, Floats, Floats]:
    """y'PPy, tr P, y'PPPy and tr PP (or tr W and tr WW where not `restricted`)."""
    w, total, residual, inverse = _residuals(model, tau2)
    residual *= w
    squares = _dot(residual, residual)
    second = _dot(w, w)
    if model.basis is not None and inverse is not None:
        cubes = design.cubes(model.basis, w, residual, inverse)
        if not restricted:
            return squares, total, cubes, second
        trace = total - design.trace_lost(inverse, design.gram(model.basis, w * w))
        return squares, trace, cubes, design.second_trace(model.basis, w, inverse)
    scaled = np.multiply(w, residual, out=buffers(model)[2])
    cubes = _dot(scaled, residual) - scaled.sum(0) ** 2 / total
    if not restricted:
        return squares, total, cubes, second
    third = np.einsum("ij,ij,ij->j", w, w, w)
    trace2 = second - 2 * third / total + (second / total) ** 2
    return squares, total - second / total, cubes, trace2


def generalised_q(model: Model, tau2: Floats) -> tuple[Floats, Floats]:
    """y'Py and its negative slope y'PPy at `tau2`."""
    w, _, residual, _ = _residuals(model, tau2)
    weighted = np.multiply(w, residual, out=buffers(model)[2])
    return _dot(weighted, residual), _dot(weighted, weighted)


def log_likelihood(model: Model, tau2: Floats, restricted: bool) -> Floats:
    """Log-likelihood, without its constant, of tau2 (the coefficients profiled out)."""
    w, total, residual, inverse = _residuals(model, tau2)
    q = np.einsum("ij,ij,ij->j", w, residual, residual)
    with np.errstate(divide="ignore"):
        logs = np.log(w)
    if model.present is not None:
        logs = np.where(model.present, logs, 0.0)
    value: Floats = logs.sum(0) - q
    if not restricted:
        return value / 2
    information = np.log(total) if inverse is None else -np.linalg.slogdet(inverse)[1]
    return (value - information) / 2


def spread(model: Model) -> tuple[Floats, Floats, Floats]:
    """Smallest and largest variance present, and a tau2 beyond which no likelihood rises.

    In the residual space y'PPy = Σz²a² and tr P = Σa with a between 1/(largest + tau2) and 1/(smallest +
    tau2) and Σz² at most S = Σy²: above the root of a quadratic in tau2 the first is the smaller one.
    """
    n = model.effects.shape[1]
    least = np.broadcast_to(model.variances.min(0), n)
    most = np.broadcast_to(_finite_variances(model).max(0), n)
    squares, freedom = _dot(model.effects, model.effects), np.maximum(model.freedom, 1)
    root = squares + np.sqrt(squares * (squares + 4 * freedom * (most - least)))
    limit = 1.001 * root / (2 * freedom) - least
    return least, most, np.minimum(np.maximum(limit, 0.0), squares)


def centred_squares(model: Model) -> Floats:
    """Σ(y - unweighted mean)², shape (n,)."""
    residual = model.effects - model.effects.sum(0) / model.count
    if model.present is not None:
        residual *= model.present
    return _dot(residual, residual)


def unweighted(model: Model) -> tuple[Floats, Floats]:
    """Residual sum of squares of the unweighted fit, and its expectation from sampling error alone."""
    variances = _finite_variances(model)
    if model.basis is None:
        total: Floats = variances.sum(0)
        return centred_squares(model), total * (model.count - 1) / model.count
    one = np.ones_like(model.effects) if model.present is None else model.present.astype(np.float64)
    inverse, residual = design.residuals(model.basis, one, model.effects)
    residual *= one
    kept = variances.sum(0) - design.trace_lost(inverse, design.gram(model.basis, one * variances))
    return _dot(residual, residual), kept


def _finite_variances(model: Model) -> Floats:
    if model.present is None:
        return model.variances
    return np.where(model.present, model.variances, np.zeros_like(model.variances))


def _residuals(model: Model, tau2: Floats) -> tuple[Floats, Floats, Floats, Floats | None]:
    w = weights_at(model, tau2)
    total = w.sum(0)
    if model.basis is None:
        mean = _dot(w, model.effects) / total
        return w, total, np.subtract(model.effects, mean, out=buffers(model)[1]), None
    inverse, residual = design.residuals(model.basis, w, model.effects)
    return w, total, residual, inverse


def _dot(left: Floats, right: Floats) -> Floats:
    product: Floats = np.einsum("ij,ij->j", left, right)
    return product
