"""Several experimental arms against one control arm: effects and the covariance that the control makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats.checks import Floats, counts, finite, not_negative, one_of, positive, refuse, together
from trialpool.stats.effects import hedges_factor
from trialpool.stats.events import tables


@dataclass(frozen=True, slots=True)
class SharedControl:
    """Effects (…, m) of m experimental arms and their covariance (…, m, m); unpacks in that order."""

    effect: Floats
    covariance: Floats

    def __iter__(self) -> Iterator[Floats]:
        """Unpack as effect, covariance."""
        return iter((self.effect, self.covariance))


def shared_control_means(
    measure: str,
    mean: ArrayLike,
    sd: ArrayLike,
    n: ArrayLike,
    mean_control: ArrayLike,
    sd_control: ArrayLike,
    n_control: ArrayLike,
) -> SharedControl:
    """MD, SMD or ROM (log) of m arms (…, m) against one control (…), with their covariance (…, m, m).

    Off the diagonal stands what the control contributes: sc²/nc for MD, sc²/(nc·mc²) for ROM, 1/nc +
    gi·gj/(2N) for SMD, whose J (N - m - 1 df) and SD pool all N people of the trial (Gleser & Olkin 2009).

    >>> effect, covariance = shared_control_means("MD", [1.0, 2.0], [1, 1], [10, 10], 0.0, 2.0, 20)
    >>> covariance.round(3).tolist()
    [[0.3, 0.2], [0.2, 0.3]]
    """
    one_of("measure", measure, ("MD", "SMD", "ROM"))
    m, s, a = _arms(mean=finite("mean", mean), sd=not_negative("sd", sd), n=counts("n", n, least=1))
    mc, sc, ac = together(
        mean_control=finite("mean_control", mean_control),
        sd_control=not_negative("sd_control", sd_control),
        n_control=counts("n_control", n_control, least=1),
    )
    mc, sc, ac = mc[..., None], sc[..., None], ac[..., None]
    if measure == "MD":
        return _joined(m - mc, s**2 / a, sc**2 / ac)
    if measure == "ROM":
        refuse("mean", m, m * mc <= 0, "a ratio needs both means other than 0 and of one sign")
        return _joined(np.log(m / mc), s**2 / (a * m**2), sc**2 / (ac * mc**2))
    total = a.sum(-1, keepdims=True) + ac
    freedom = total - a.shape[-1] - 1
    refuse("n", a, freedom < 2, "too few people for a pooled SD")
    variance = (((a - 1) * s**2).sum(-1, keepdims=True) + (ac - 1) * sc**2) / freedom
    refuse("sd", s, variance <= 0, "every SD is 0, nothing to standardise by")
    g = hedges_factor(freedom) * (m - mc) / np.sqrt(variance)
    joined = _joined(g, 1 / a, 1 / ac)
    products = g[..., :, None] * g[..., None, :] / (2 * total[..., None])
    return SharedControl(joined.effect, joined.covariance + products)


def shared_control_events(
    measure: str,
    events: ArrayLike,
    n: ArrayLike,
    events_control: ArrayLike,
    n_control: ArrayLike,
    *,
    zero_cells: float = 0.5,
) -> SharedControl:
    """RR, OR (log) or RD of m arms (…, m) against one control (…), with their covariance (…, m, m).

    Off the diagonal stands the control's part of the variance: 1/c - 1/nc for RR, 1/c + 1/d for OR,
    p(1 - p)/nc for RD (Gleser & Olkin 2009). If any cell of a trial is empty, `zero_cells` is added to
    every cell of every arm of that trial, so that the arms keep one common control.

    >>> effect, covariance = shared_control_events("RD", [5, 10], [20, 20], 10, 20)
    >>> covariance.round(6).tolist()
    [[0.021875, 0.0125], [0.0125, 0.025]]
    """
    one_of("measure", measure, ("RR", "OR", "RD"))
    e, a = _arms(events=counts("events", events), n=counts("n", n, least=1))
    add = not_negative("zero_cells", zero_cells)
    names = ("events", "n", "events_control", "n_control")
    a1, size1, c1, size2 = tables(
        e, a, np.asarray(events_control)[..., None], np.asarray(n_control)[..., None], names
    )
    b1, d1 = size1 - a1, size2 - c1
    empty = ((a1 == 0) | (b1 == 0) | (c1 == 0) | (d1 == 0)).any(-1, keepdims=True)
    a1, b1, c1, d1 = (cell + np.where(empty, add, 0.0) for cell in (a1, b1, c1, d1))
    size1, size2 = a1 + b1, c1 + d1
    if measure == "RD":
        return _joined(a1 / size1 - c1 / size2, a1 * b1 / size1**3, (c1 * d1 / size2**3)[..., :1])
    refuse("events", a1, (a1 * c1 == 0) | ((measure == "OR") & (b1 * d1 == 0)), "empty cell: set zero_cells")
    if measure == "RR":
        effect = np.log(a1 / size1) - np.log(c1 / size2)
        return _joined(effect, 1 / a1 - 1 / size1, (1 / c1 - 1 / size2)[..., :1])
    return _joined(np.log(a1 / b1) - np.log(c1 / d1), 1 / a1 + 1 / b1, (1 / c1 + 1 / d1)[..., :1])


def _arms(**arrays: Floats) -> tuple[Floats, ...]:
    values = together(**arrays)
    if values[0].ndim == 0:
        name = next(iter(arrays))
        raise ValueError(f"{name} has no axis: give the experimental arms along the last axis")
    return values


def _joined(effect: Floats, own: Floats, control: Floats) -> SharedControl:
    covariance = np.eye(effect.shape[-1]) * own[..., None, :] + control[..., None]
    spread = np.diagonal(covariance, axis1=-2, axis2=-1)
    positive("variance", spread)
    return SharedControl(effect, covariance)
