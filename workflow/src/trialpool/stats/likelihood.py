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

# Of tau2 + smallest variance: a last step this short, or one that leaves this error at most if Newton's
# method has come so near that it converges quadratically.
STEP_TOLERANCE, ERROR_LEFT, EARLY = 1e-8, 1e-13, 0.02
SCAN_FACTOR = 3.0  # growth of tau2 + smallest variance from one coarse point to the next
SCAN_POINTS = 40
TINY = float(np.finfo(np.float64).tiny)
DENSER = 6  # times as many points in the search
CLOSE = 1.5  # R at 0 from here on is asked whether it rises
NEAR = 2.0  # how far from 1 R may turn before a hidden crossing is thought possible
NEXT, FLAT = 1.07, 0.93  # how near it is next to 1, and how little it must fall there to be doubted


@dataclass(frozen=True, slots=True)
class Bracket:
    """R falls through 1 between `low` and `high`, at about `guess`."""

    low: Floats
    high: Floats
    guess: Floats


def maximise(model: Model, begin: Start, restricted: bool) -> Floats:
    """Estimate tau2 (n,) of a chunk by REML, or by ML where not `restricted`."""
    least, most, limit = spread(model)
    top = np.clip(most - 2 * least, 0.0, limit)
    at_zero = _ratio(begin.squares, begin.trace if restricted else begin.weight)
    widest = float(np.log1p((top / least).max(initial=0.0)))
    points = int(np.clip(np.ceil(widest / np.log(SCAN_FACTOR)), 0, SCAN_POINTS))
    grid, curve = _curve(model, restricted, least, top, at_zero, points)
    doubtful = _hesitates(curve[:-1], curve[1:]).any(0) & (top > 0)
    close = (at_zero > 1 / CLOSE) & (at_zero <= 1) & (top > 0)
    doubtful |= _rises_at_zero(model, restricted, close & ~doubtful)
    owner = np.flatnonzero((at_zero > 1) & ~doubtful)
    bracket = _last_above(grid, curve, limit, owner)
    sure = len(owner)
    if doubtful.any():
        unsure = np.flatnonzero(doubtful)
        part = take(model, unsure)
        which, several = _every_fall(part, restricted, at_zero[unsure], DENSER * points)
        owner, bracket = np.concatenate([owner, unsure[which]]), _joined(bracket, several)
    tau2 = np.zeros(len(top))
    if len(owner):
        found = _solve(take(model, owner), restricted, least[owner], bracket)
        tau2[owner[:sure]] = found[:sure]
        _keep_highest(model, restricted, tau2, owner[sure:], found[sure:])
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


def _last_above(
    grid: Floats, curve: Floats, limit: Floats, owner: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> Bracket:
    """Bracket the owners' only crossing: after the last grid point above 1, `limit` following the last.

    The guess is the parabola of tau2 in 1/R through the two grid points around 1, or the two last ones,
    and a third beside them; where that fails it is the lower end.
    """
    end, n = len(grid) - 1, len(limit)
    points, ratios = grid.ravel(), curve.ravel()
    last = (curve > 1).sum(0, dtype=np.intp)[owner] - 1
    low, high = points[last * n + owner], points[np.minimum(last + 1, end) * n + owner]
    high = np.where(last == end, limit[owner], high)
    if end < 2:
        return Bracket(low, high, low)
    first = np.minimum(last, end - 1)
    third = np.where(first + 2 <= end, first + 2, first - 1)
    places = (first * n + owner, (first + 1) * n + owner, third * n + owner)
    t1, t2, t3 = (points[place] for place in places)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x1, x2, x3 = (1 / ratios[place] for place in places)
        slope = (t2 - t1) / (x2 - x1)
        bend = ((t3 - t2) / (x3 - x2) - slope) / (x3 - x1)
        guess = t1 + (1 - x1) * (slope + (1 - x2) * bend)
        return Bracket(low, high, np.where((guess > low) & (guess < high), guess, low))


def _solve(model: Model, restricted: bool, least: Floats, bracket: Bracket) -> Floats:
    """Newton's method on 1/R, halving the bracket where a step leaves it or the steps do not shrink."""
    low, high, t = bracket.low, bracket.high, bracket.guess
    before, newton = high - low, np.zeros_like(t)
    answer, place = np.empty(len(low)), np.arange(len(low))
    for _ in range(200):  # bisection alone needs some 60
        squares, trace, cubes, trace2 = slopes(model, t, restricted)
        rising = squares > trace
        low, high = np.where(rising, t, low), np.where(rising, high, t)
        with np.errstate(divide="ignore", invalid="ignore"):  # such steps are not safe
            bend = 2 * cubes / squares - trace2 / trace
            new = t + (squares / trace - 1) / bend
        safe = (bend > 0) & (new >= low) & (new <= high) & (abs(new - t) <= before / 2)
        width = high - low
        new = np.where(safe, new, low + width / 2)
        step = abs(new - t)
        done = safe & _settled(step, newton, t + least) | (width <= 4e-16 * (high + least))
        answer[place] = new
        keep = np.flatnonzero(~done)
        if not len(keep):
            break
        t, before, newton = new, np.where(safe, step, width), step * safe
        if 3 * len(keep) < 2 * len(done):
            model, place, t = take(model, keep), place[keep], t[keep]
            low, high, least = low[keep], high[keep], least[keep]
            before, newton = before[keep], newton[keep]
    return answer


def _settled(step: Floats, newton: Floats, scale: Floats) -> Bools:
    """Say whether a Newton step has ended the search; `newton` is the one before, 0 if that was none.

    Convergence is quadratic, so that the error left is about step³/newton², both in shares of `scale`.
    """
    share, ahead = np.minimum(step / scale, 1.0), np.minimum(newton / scale, 1.0)
    near = (share * share * share <= ERROR_LEFT * (ahead * ahead)) & (ahead < EARLY)
    return (share <= STEP_TOLERANCE) | near


def _every_fall(
    model: Model, restricted: bool, at_zero: Floats, points: int
) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], Bracket]:
    """Bracket every maximum on a dense scan; returns whose it is, and the brackets."""
    least, most, limit = spread(model)
    top = np.clip(most - 2 * least, 0.0, limit)
    grid, curve = _curve(model, restricted, least, top, at_zero, points)
    grid = np.concatenate([grid, np.maximum(limit, top)[None]])
    curve = np.concatenate([curve, np.zeros((1, len(top)))])
    rows, owner = np.nonzero((curve[:-1] > 1) & (curve[1:] <= 1))
    low, high = grid[rows, owner], grid[rows + 1, owner]
    return owner, Bracket(low, high, low)


def _joined(one: Bracket, other: Bracket) -> Bracket:
    pairs = ((one.low, other.low), (one.high, other.high), (one.guess, other.guess))
    low, high, guess = (np.concatenate(pair) for pair in pairs)
    return Bracket(low, high, guess)


def _keep_highest(
    model: Model,
    restricted: bool,
    tau2: Floats,
    owner: np.ndarray[tuple[int], np.dtype[np.intp]],
    found: Floats,
) -> None:
    """Give each owner, where tau2 is still 0, the maximum of the highest likelihood, 0 included."""
    if not len(owner):
        return
    part = take(model, owner)
    value = log_likelihood(part, found, restricted)
    higher = np.flatnonzero(value > log_likelihood(part, np.zeros(len(owner)), restricted))
    rising = higher[np.argsort(value[higher])]  # the highest of an owner is written last
    tau2[owner[rising]] = found[rising]
