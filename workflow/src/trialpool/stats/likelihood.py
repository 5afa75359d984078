"""REML and ML estimates of tau2: the highest maximum of the likelihood, found for a whole chunk at once.

With R(t) = y'PPy/tr P (tr W for ML) the likelihood rises where R > 1 and falls where R < 1. 1/R is a
straight line when all variances are equal and nearly one otherwise, so that Newton's method on it
converges in a few steps. In eigenvalues of the residual space R has one crossing at most beyond
largest - 2·smallest variance; below, a coarse scan finds the bracket, and analyses whose R is not clearly
falling there are searched densely for a second maximum and compared by their likelihoods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialpool.stats.checks import Bools, Floats
from trialpool.stats.forms import Start, log_likelihood, score, slopes, spread
from trialpool.stats.model import CHUNK_NUMBERS, Model, repeat, take

STEP_TOLERANCE = 1e-8  # of tau2 + smallest variance; the error after a Newton step is of its square
SCAN_FACTOR = 3.0  # growth of tau2 + smallest variance from one coarse point to the next
SCAN_POINTS = 40
TINY = float(np.finfo(np.float64).tiny)
DENSE_POINTS = 64
NEAR = 2.0  # how far from 1 R may turn before a hidden crossing is thought possible
NEXT, FLAT = 1.1, 0.9  # how near it is next to 1, and how little it must fall there to be doubted


@dataclass(frozen=True, slots=True)
class Bracket:
    """Where R falls through 1: between `low` and `high`, R being `at_low` and `at_high` (0: not known)."""

    low: Floats
    high: Floats
    at_low: Floats
    at_high: Floats


def maximise(model: Model, begin: Start, restricted: bool) -> Floats:
    """Estimate tau2 (n,) of a chunk by REML, or by ML where not `restricted`."""
    least, most, limit = spread(model)
    top = np.clip(most - 2 * least, 0.0, limit)
    at_zero = _ratio(begin.squares, begin.trace if restricted else begin.weight)
    widest = float(np.log1p((top / least).max(initial=0.0)))
    points = int(np.clip(np.ceil(widest / np.log(SCAN_FACTOR)), 0, SCAN_POINTS))
    grid, curve = _curve(model, restricted, least, top, at_zero, points)
    doubtful = _hesitates(curve[:-1], curve[1:]).any(0) & (top > 0)
    doubtful |= _rises_at_zero(
        model, restricted, (at_zero > 1 / NEAR) & (at_zero <= 1) & (top > 0) & ~doubtful
    )
    tau2 = np.zeros(len(top))
    simple = np.flatnonzero((at_zero > 1) & ~doubtful)
    if len(simple):
        bracket = _last_above(grid.take(simple, 1), curve.take(simple, 1), limit[simple])
        part = model if len(simple) == len(top) else take(model, simple)
        tau2[simple] = _solve(part, restricted, least[simple], bracket)
    if doubtful.any():
        tau2[doubtful] = _search(take(model, doubtful), restricted, at_zero[doubtful])
    return tau2


def _hesitates(before: Floats, after: Floats) -> Bools:
    """Say where R rises while near 1, or hardly falls while next to 1."""
    rises = (after > before) & (after > 1 / NEAR) & (before < NEAR)
    rests = (after > FLAT * before) & (after > 1 / NEXT) & (before < NEXT)
    return rises | rests


def _ratio(squares: Floats, trace: Floats) -> Floats:
    with np.errstate(over="ignore"):
        ratio: Floats = squares / np.maximum(trace, TINY)  # one study alone has 0 over 0
    return ratio


def _curve(
    model: Model, restricted: bool, least: Floats, top: Floats, at_zero: Floats, points: int
) -> tuple[Floats, Floats]:
    """R on a grid from 0 to `top`, geometric in tau2 + smallest variance: both of shape (points + 1, n)."""
    if not points:
        return np.zeros((1, len(top))), at_zero[None]
    shares = np.linspace(0, 1, points + 1)[:, None]
    grid = np.minimum(least * np.expm1(np.log1p(top / least) * shares), top)
    grid[-1] = top
    curve = np.empty_like(grid)
    curve[0] = at_zero
    rows = max(1, CHUNK_NUMBERS // model.effects.size)  # of the grid at once
    for begin in range(1, points + 1, rows):
        part = grid[begin : begin + rows]
        beside = model if len(part) == 1 else repeat(model, len(part))
        curve[begin : begin + rows] = _ratio(*score(beside, part.ravel(), restricted)).reshape(part.shape)
    return grid, curve


def _rises_at_zero(model: Model, restricted: bool, chosen: Bools) -> Bools:
    rises = np.zeros_like(chosen)
    if chosen.any():
        part = take(model, chosen)
        squares, trace, cubes, trace2 = slopes(part, np.zeros(len(part.count)), restricted)
        rises[chosen] = 2 * cubes / squares < trace2 / trace
    return rises


def _last_above(grid: Floats, curve: Floats, limit: Floats) -> Bracket:
    """Bracket the only crossing: after the last grid point above 1, `limit` following the last."""
    end = len(grid) - 1
    last = (curve > 1).sum(0) - 1
    below, above = last * len(limit), np.minimum(last + 1, end) * len(limit)
    below += np.arange(len(limit))
    above += np.arange(len(limit))
    open_end = last == end
    high = np.where(open_end, limit, grid.ravel()[above])
    at_high = curve.ravel()[above] * ~open_end
    return Bracket(grid.ravel()[below], high, curve.ravel()[below], at_high)


def _solve(model: Model, restricted: bool, least: Floats, bracket: Bracket) -> Floats:
    low, high = bracket.low, bracket.high
    t, before = _first_guess(bracket), high - low
    answer = np.empty(len(low))
    place = np.arange(len(low))
    for _ in range(200):  # bisection alone needs some 60
        squares, trace, cubes, trace2 = slopes(model, t, restricted)
        rising = squares > trace
        low, high = np.where(rising, t, low), np.where(rising, high, t)
        with np.errstate(divide="ignore", invalid="ignore"):  # such steps are not safe
            bend = 2 * cubes / squares - trace2 / trace
            new = t + (squares / trace - 1) / bend
        safe = (bend > 0) & (new >= low) & (new <= high) & (abs(new - t) <= before / 2)
        new = np.where(safe, new, low + (high - low) / 2)
        step = abs(new - t)
        done = safe & (step <= STEP_TOLERANCE * (t + least)) | (high - low <= 4e-16 * (high + least))
        answer[place] = new
        keep = np.flatnonzero(~done)
        if not len(keep):
            break
        before, t = np.where(safe, step, high - low), new
        if 3 * len(keep) < 2 * len(done):
            model, place, t, before = take(model, keep), place[keep], t[keep], before[keep]
            low, high, least = low[keep], high[keep], least[keep]
    return answer


def _first_guess(bracket: Bracket) -> Floats:
    """Draw the straight line of 1/R through both ends; without a value at the upper end take the lower."""
    here, there = 1 / bracket.at_low, 1 / np.maximum(bracket.at_high, 1e-200)
    return bracket.low + (bracket.high - bracket.low) * ((1 - here) / (there - here))


def _search(model: Model, restricted: bool, at_zero: Floats) -> Floats:
    """Find every maximum on a dense scan and keep the one of the highest likelihood, 0 included."""
    least, most, limit = spread(model)
    top = np.clip(most - 2 * least, 0.0, limit)
    grid, curve = _curve(model, restricted, least, top, at_zero, DENSE_POINTS)
    grid = np.concatenate([grid, np.maximum(limit, top)[None]])
    curve = np.concatenate([curve, np.zeros((1, len(top)))])
    rows, owner = np.nonzero((curve[:-1] > 1) & (curve[1:] <= 1))
    best = np.zeros(len(top))
    height = log_likelihood(model, best, restricted)
    if len(rows):
        part = take(model, owner)
        ends = Bracket(grid[rows, owner], grid[rows + 1, owner], curve[rows, owner], curve[rows + 1, owner])
        found = _solve(part, restricted, least[owner], ends)
        value = log_likelihood(part, found, restricted)
        for candidate in np.argsort(value):  # the highest of an analysis is written last
            if value[candidate] > height[owner[candidate]]:
                best[owner[candidate]] = found[candidate]
    return best
