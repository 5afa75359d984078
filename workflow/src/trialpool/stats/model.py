"""The normal-normal model of a chunk of analyses and the quadratic forms its estimators are made of.

Studies run along the first axis, analyses along the second: every pass is a sum of long rows. With
W = diag(1/(v + tau2)) and P = W - WX(X'WX)^-1X'W, tau2 estimators need y'Py, y'PPy, y'PPPy, tr P and
tr PP only. An absent study has an infinite variance, hence weight 0, and costs no further bookkeeping.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialpool.stats.checks import Bools, Floats


@dataclass(frozen=True, slots=True)
class Model:
    """One chunk: `effects` (k, n) centred on `centre` (n,), `variances` (k, n) or shared (k, 1).

    `count` (n,) is the number of studies present; `present` is None when all are.
    """

    effects: Floats
    variances: Floats
    centre: Floats
    count: Floats
    present: Bools | None


@dataclass(frozen=True, slots=True)
class Start:
    """What every estimator begins with, at tau2 = 0: Q = y'Py, y'PPy, tr W and tr P, each (n,)."""

    q: Floats
    squares: Floats
    weight: Floats
    trace: Floats


def model_of(effects: Floats, variances: Floats, present: Bools | None) -> Model:
    """Centre the effects of a chunk (k, n) or (k, 1) and drop absent studies by an infinite variance.

    Centring twice, on a study and on the inverse-variance mean, keeps equal effects exactly equal and
    takes a large common shift out before anything is squared.
    """
    k, n = np.broadcast_shapes(effects.shape, variances.shape, () if present is None else present.shape)
    if present is None:
        first, count = effects[0], np.full(n, float(k))
        y = effects - first
    else:
        present = np.broadcast_to(present, (k, n))
        y = np.where(present, effects, 0.0)
        first = y[present.argmax(0), np.arange(n)]
        y = np.where(present, y - first, 0.0)
        variances = np.where(present, variances, np.inf)
        count = present.sum(0, dtype=np.float64)
    weights = 1 / variances
    mean = _dot(weights, y) / weights.sum(0)
    y = np.broadcast_to(y - mean, (k, n))
    if present is not None:
        y = y * present
    return Model(y, variances, np.broadcast_to(first + mean, n), count, present)


def take(model: Model, chosen: Bools | np.ndarray[tuple[int], np.dtype[np.intp]]) -> Model:
    """Keep the chosen analyses of a chunk."""
    index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
    shared = model.variances.shape[1] == 1
    return Model(
        model.effects.take(index, axis=1),
        model.variances if shared else model.variances.take(index, axis=1),
        model.centre[index],
        model.count[index],
        None if model.present is None else model.present.take(index, axis=1),
    )


def start(model: Model) -> Start:
    """Evaluate the forms at tau2 = 0.

    tr P is summed without its largest weight, because Σw - Σw²/Σw cancels when one study dominates.
    """
    w = np.broadcast_to(1 / model.variances, model.effects.shape).copy()
    total = w.sum(0)
    residual = model.effects - _dot(w, model.effects) / total
    weighted = w * residual
    q, squares = _dot(weighted, residual), _dot(weighted, weighted)
    columns = np.arange(w.shape[1])
    place = w.argmax(0)
    largest = w[place, columns]
    w[place, columns] = 0.0
    rest = w.sum(0)
    trace = rest - _dot(w, w) / total + largest * (rest / total)
    return Start(q, squares, total, trace)


def weights_at(model: Model, tau2: Floats) -> Floats:
    """Weights 1/(v + tau2), shape (k, n)."""
    w = model.variances + tau2
    np.reciprocal(w, out=w)
    return w


def score(model: Model, tau2: Floats, restricted: bool) -> tuple[Floats, Floats]:
    """y'PPy and tr P (or tr W where not `restricted`): the likelihood's slope is half their difference."""
    w, total, residual = _residuals(model, tau2)
    residual *= w
    trace = total - _dot(w, w) / total if restricted else total
    return _dot(residual, residual), trace


def slopes(model: Model, tau2: Floats, restricted: bool) -> tuple[Floats, Floats, Floats, Floats]:
    """y'PPy, tr P, y'PPPy and tr PP (or tr W and tr WW where not `restricted`)."""
    w, total, residual = _residuals(model, tau2)
    residual *= w
    squares = _dot(residual, residual)
    scaled = w * residual
    cubes = _dot(scaled, residual) - scaled.sum(0) ** 2 / total
    second = _dot(w, w)
    if not restricted:
        return squares, total, cubes, second
    third = np.einsum("ij,ij,ij->j", w, w, w)
    trace2 = second - 2 * third / total + (second / total) ** 2
    return squares, total - second / total, cubes, trace2


def generalised_q(model: Model, tau2: Floats) -> tuple[Floats, Floats]:
    """y'Py and its negative slope y'PPy at `tau2`."""
    w, _, residual = _residuals(model, tau2)
    weighted = w * residual
    return _dot(weighted, residual), _dot(weighted, weighted)


def log_likelihood(model: Model, tau2: Floats, restricted: bool) -> Floats:
    """Log-likelihood, without its constant, of tau2 (the mean profiled out)."""
    w, total, residual = _residuals(model, tau2)
    q = np.einsum("ij,ij,ij->j", w, residual, residual)
    with np.errstate(divide="ignore"):
        logs = np.log(w)
    if model.present is not None:
        logs = np.where(model.present, logs, 0.0)
    value: Floats = logs.sum(0) - q
    return (value - np.log(total)) / 2 if restricted else value / 2


def spread(model: Model) -> tuple[Floats, Floats, Floats]:
    """Smallest and largest variance present, and Σ(y - mean)²: no likelihood has a maximum beyond it."""
    n = model.effects.shape[1]
    least = np.broadcast_to(model.variances.min(0), n)
    finite = model.variances
    if model.present is not None:
        finite = np.where(model.present, finite, 0.0)
    return least, np.broadcast_to(finite.max(0), n), centred_squares(model)


def centred_squares(model: Model) -> Floats:
    """Σ(y - unweighted mean)², shape (n,)."""
    residual = model.effects - model.effects.sum(0) / model.count
    if model.present is not None:
        residual *= model.present
    return _dot(residual, residual)


def mean_variance(model: Model) -> Floats:
    """Unweighted mean of the variances present."""
    finite = model.variances
    if model.present is not None:
        finite = np.where(model.present, finite, 0.0)
    total: Floats = finite.sum(0)
    return total / model.count


def _residuals(model: Model, tau2: Floats) -> tuple[Floats, Floats, Floats]:
    w = weights_at(model, tau2)
    total = w.sum(0)
    return w, total, model.effects - _dot(w, model.effects) / total


def _dot(left: Floats, right: Floats) -> Floats:
    product: Floats = np.einsum("ij,ij->j", left, right)
    return product
