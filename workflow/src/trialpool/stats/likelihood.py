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
from trialpool.stats.model import Model, Start, log_likelihood, score, slopes, spread, take

STEP_TOLERANCE = 1e-8  # of tau2 + smallest variance; the error after a Newton step is of its square
SCAN_FACTOR = 3.0  # growth of tau2 + smallest variance from one coarse point to the next
SCAN_POINTS = 12
DENSE_POINTS = 96
NEAR = 1.6  # how far from 1 R may turn before a hidden crossing is thought possible


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
    points = _points(least, top)
    at_zero = _ratio(begin.squares, begin.trace if restricted else begin.weight)
    bracket, doubtful = _scan(model, restricted, at_zero, least, top, limit, points)
    rising = (at_zero > 1 / NEAR) & (at_zero <= 1) & (top > 0) & ~doubtful
    doubtful |= _rises_at_zero(model, rising, restricted)
    tau2 = np.zeros(len(top))
    simple = (bracket.at_low > 1) & ~doubtful
    if simple.any():
        tau2[simple] = _solve(model, restricted, least, bracket, simple)
    if doubtful.any():
        tau2[doubtful] = _search(take(model, doubtful), restricted, at_zero[doubtful])
    return tau2


def _ratio(squares: Floats, trace: Floats) -> Floats:
    return np.divide(squares, trace, out=np.zeros_like(squares), where=trace > 0)


def _points(least: Floats, top: Floats) -> int:
    widest = float((top / least).max(initial=0.0))
    return int(np.clip(np.ceil(np.log1p(widest) / np.log(SCAN_FACTOR)), 0, SCAN_POINTS))


def _at(least: Floats, top: Floats, share: float) -> Floats:
    return least * np.expm1(np.log1p(top / least) * share) if share < 1 else top


def _scan(
    model: Model, restricted: bool, at_zero: Floats, least: Floats, top: Floats, limit: Floats, points: int
) -> tuple[Bracket, Bools]:
    low, at_low = np.zeros_like(top), at_zero.copy()
    high, at_high = limit.copy(), np.zeros_like(top)
    doubtful = np.zeros(len(top), dtype=bool)
    t, ratio = np.zeros_like(top), at_zero
    for point in range(1, points + 1):
        ratio_before = ratio
        t = _at(least, top, point / points)
        ratio = _ratio(*score(model, t, restricted))
        doubtful |= (ratio > ratio_before) & (ratio > 1 / NEAR) & (ratio_before < NEAR)
        above = ratio > 1
        falls = ~above & (ratio_before > 1)
        np.copyto(low, t, where=above)
        np.copyto(at_low, ratio, where=above)
        np.copyto(high, t, where=falls)
        np.copyto(at_high, ratio, where=falls)
    return Bracket(low, high, at_low, at_high), doubtful & (top > 0)


def _rises_at_zero(model: Model, chosen: Bools, restricted: bool) -> Bools:
    rises = np.zeros_like(chosen)
    if chosen.any():
        part = take(model, chosen)
        squares, trace, cubes, trace2 = slopes(part, np.zeros(len(part.count)), restricted)
        rises[chosen] = 2 * trace * cubes < trace2 * squares
    return rises


def _solve(model: Model, restricted: bool, least: Floats, bracket: Bracket, chosen: Bools) -> Floats:
    index = np.flatnonzero(chosen)
    low, high, least = bracket.low[index], bracket.high[index], least[index]
    t = _first_guess(low, high, bracket.at_low[index], bracket.at_high[index])
    answer = np.empty(len(index))
    place = np.arange(len(index))
    part = model if len(index) == len(chosen) else take(model, index)
    before = high - low
    for _ in range(200):  # bisection alone needs some 60
        squares, trace, cubes, trace2 = slopes(part, t, restricted)
        rising = squares > trace
        low, high = np.where(rising, t, low), np.where(rising, high, t)
        bend = 2 * trace * cubes - trace2 * squares
        with np.errstate(divide="ignore", invalid="ignore"):
            step = (squares - trace) * squares / bend
        new = t + step
        unsafe = ~((bend > 0) & (new >= low) & (new <= high) & (abs(step) <= before / 2))
        middle = low + (high - low) / 2
        new = np.where(unsafe, middle, new)
        step = abs(new - t)
        done = (step <= STEP_TOLERANCE * (t + least)) & ~unsafe
        done |= high - low <= 4e-16 * (high + least)
        answer[place] = new
        if done.all():
            break
        keep = ~done
        before, t = np.where(unsafe, high - low, step), new
        if 3 * keep.sum() < 2 * len(keep):
            part = take(part, keep)
            place, t, before = place[keep], t[keep], before[keep]
            low, high, least = low[keep], high[keep], least[keep]
    return answer


def _first_guess(low: Floats, high: Floats, at_low: Floats, at_high: Floats) -> Floats:
    """Draw the straight line of 1/R through both ends; without a value at the upper end take the lower."""
    with np.errstate(divide="ignore"):
        here, there = 1 / at_low, 1 / at_high
    share = np.where(at_high > 0, (1 - here) / np.where(at_high > 0, there - here, 1.0), 0.0)
    return low + (high - low) * share


def _search(model: Model, restricted: bool, at_zero: Floats) -> Floats:
    """Find every maximum on a dense scan and keep the one of the highest likelihood, 0 included."""
    least, most, limit = spread(model)
    top = np.clip(most - 2 * least, 0.0, limit)
    n = len(top)
    grid, ratios = [np.zeros(n)], [at_zero]
    for point in range(1, DENSE_POINTS + 1):
        grid.append(_at(least, top, point / DENSE_POINTS))
        ratios.append(_ratio(*score(model, grid[-1], restricted)))
    grid.append(np.maximum(limit, top))
    ratios.append(np.zeros(n))
    best, height = np.zeros(n), log_likelihood(model, np.zeros(n), restricted)
    for low, high, at_low, at_high in zip(grid[:-1], grid[1:], ratios[:-1], ratios[1:], strict=True):
        falls = (at_low > 1) & (at_high <= 1)
        if not falls.any():
            continue
        found = _solve(model, restricted, least, Bracket(low, high, at_low, at_high), falls)
        value = log_likelihood(take(model, falls), found, restricted)
        higher = value > height[falls]
        index = np.flatnonzero(falls)[higher]
        best[index], height[index] = found[higher], value[higher]
    return best
