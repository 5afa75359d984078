"""Between-study variance tau2 by nine methods, for a whole chunk of analyses at once.

Names and numbers are those of the literature's reference software: Veroniki et al. 2016 review them all.

REML and ML take the highest maximum of the likelihood. With R(t) = y'PPy/tr P (tr W for ML) it rises where
R > 1 and falls where R < 1. In eigenvalues of the residual space R falls beyond largest - 2·smallest
variance. Below that, with s = log(t + smallest variance), log R has slopes between -2 and 1 and curvatures
between -3/4 and 5/4, so that a scan in s tells where more than one crossing of 1 may hide between two points;
such analyses are scanned more finely and their maxima compared. 1/R is a straight line when all variances
are equal and nearly one otherwise: Newton's method on it converges in a few steps.
"""

from __future__ import annotations

import numpy as np

from trialpool.stats._model import CHUNK_NUMBERS, Fit, Model, dot
from trialpool.stats._numeric import Rows, roots
from trialpool.stats.checks import Bools, Floats

TAU2_METHODS = ("FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")
TINY = float(np.finfo(np.float64).tiny)
GROWTH = 2.5  # of t + smallest variance from one point of the scan to the next
FINER = 4  # parts of a stretch where maxima may hide


def estimate_tau2(model: Model, start: Fit, method: str) -> Floats:
    """Estimate tau2 (n,) from the fit at tau2 = 0; never below 0, and 0 for one study alone.

    FE 0; DL DerSimonian & Laird 1986; HE Hedges 1983 (unweighted); HS Hunter & Schmidt, (Q - k)/Σw;
    SJ Sidik & Jonkman 2005 in two steps; ML and REML the highest maximum of the likelihood; PM Paule &
    Mandel 1982, to which EB (Morris 1983) is identical (Viechtbauer et al. 2015).
    """
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
    elif method in ("EB", "PM"):
        tau2 = solve_q(model, start, freedom)
    else:
        tau2 = _likeliest(model, method == "REML")
    return np.maximum(tau2, 0.0) * (model.freedom > 0)


def solve_q(model: Model, start: Fit, target: Floats) -> Floats:
    """Find the tau2 at which the generalised Q(tau2) = y'Py has fallen to `target`; 0 if it starts below.

    1/Q is concave and rising, so Newton's method from the left does not overstep the root; Q is at most
    Σy²/(smallest variance + tau2).
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
    """The tau2 (n,) of the highest (restricted) likelihood."""
    least, top, limit = _span(model)
    width = np.log1p(top / least)
    points = int(np.ceil(np.quantile(width, 0.9) / np.log(GROWTH))) or 1
    grid = np.append(np.geomspace(least, top + least, points + 1) - least, [limit], axis=0)
    curve = _log_ratio(model, restricted, grid)
    curve[-1] = np.minimum(curve[-1], 0.0)
    doubtful = _may_hide(curve[:-1], (width / points) ** 2)
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


def _span(model: Model) -> tuple[Floats, Floats, Floats]:
    """Smallest variance, the tau2 beyond which R falls, and one beyond which no likelihood rises.

    In the residual space y'PPy = Σz²a² and tr P = Σa with a between 1/(largest + tau2) and 1/(smallest +
    tau2) and Σz² at most S = Σy²: above the root of a quadratic in tau2 the first is the smaller one.
    """
    least = model.variances.min(-1)
    most = np.where(model.present, model.variances, 0.0).max(-1)
    squares, freedom = dot(model.effects, model.effects), np.maximum(model.freedom, 1)
    root = squares + np.sqrt(squares * (squares + 4 * freedom * (most - least)))
    limit = np.clip(1.001 * root / (2 * freedom) - least, 0.0, squares)
    return least, np.clip(most - 2 * least, 0.0, limit), limit


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


def _may_hide(curve: Floats, squared: Floats) -> Bools:
    """Between which points (m, n) of the scan, whose distance `squared` is (n,), more than one fall may hide.

    On a stretch h a curve of second derivatives from -3/4 to 5/4 leaves its chord by 3h²/32 upwards and
    5h²/32 downwards, and its slope the chord's by 5h/8.
    """
    before, after = curve[:-1], curve[1:]
    above, below = (before > 0) & (after > 0), (before <= 0) & (after <= 0)
    dips = above & (np.minimum(before, after) < 5 / 32 * squared)
    rises = below & (np.maximum(before, after) > -3 / 32 * squared)
    turns = ~above & ~below & (before - after < 5 / 8 * squared)
    return dips | rises | turns


def _falls(grid: Floats, curve: Floats, asked: Bools | bool = True) -> tuple[Rows, Floats, Floats]:
    """Where R falls through 1 between points of the scan: whose it is, and both ends."""
    cell, owner = np.nonzero((curve[:-1] > 0) & (curve[1:] <= 0) & asked)
    return owner, grid[cell, owner], grid[cell + 1, owner]


def _solve(model: Model, restricted: bool, low: Floats, high: Floats) -> Floats:
    """Where R falls through 1 between `low` and `high`, by Newton's method on 1/R."""

    def excess(t: Floats, rows: Rows) -> tuple[Floats, Floats]:
        fit = (model if len(rows) == len(low) else model.take(rows)).at(t)
        trace, trace2 = fit.total, dot(fit.weights, fit.weights)
        if restricted:
            trace, trace2 = fit.trace, fit.trace_of_square
        squares = fit.squares
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return 1 - squares / trace, 2 * fit.cubes / squares - trace2 / trace

    return roots(excess, low, high, low, model.variances.min(-1))


def _highest(model: Model, restricted: bool, owner: Rows, found: Floats, sure: Bools) -> Floats:
    """For each analysis the maximum of the highest likelihood; if not `sure`, 0 is one of them."""
    tau2 = np.zeros(len(sure))
    tau2[owner] = found
    several = np.flatnonzero(~sure[owner])
    if several.size:
        owner, found = owner[several], found[several]
        part = model.take(owner)
        heights = _log_likelihood(part, found, restricted)
        tau2[owner] = 0.0
        higher = np.flatnonzero(heights > _log_likelihood(part, np.zeros(len(owner)), restricted))
        rising = higher[np.argsort(heights[higher])]  # the highest of an owner is written last
        tau2[owner[rising]] = found[rising]
    return tau2


def _log_likelihood(model: Model, tau2: Floats, restricted: bool) -> Floats:
    """Log-likelihood, without its constant, of tau2 (the coefficients profiled out)."""
    fit = model.at(tau2)
    logs = np.log(fit.weights, out=np.zeros_like(fit.weights), where=model.present)
    information = -np.linalg.slogdet(fit.inverse)[1] if restricted else 0.0
    return np.asarray(logs.sum(-1) - fit.q - information) / 2
