"""The data of a network meta-analysis: contrasts within studies, their covariances, and how they connect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.stats.checks import Floats, finite, numbers, positive, refuse


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Contrasts (n,) experimental minus control, their covariance (n, n), and labels of arms and study."""

    effects: Floats
    covariance: Floats
    experimental: tuple[str, ...]
    control: tuple[str, ...]
    study: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """Checked data: `incidence` (n, treatments) of +1 and -1, heterogeneity's correlation `spread` (n, n)."""

    y: Floats
    v: Floats
    incidence: Floats
    spread: Floats
    study: NDArray[np.intp]
    studies: tuple[str, ...]
    treatments: tuple[str, ...]

    def arms(self, number: int) -> frozenset[int]:
        """The treatments that a study compares."""
        return frozenset(np.flatnonzero(np.abs(self.incidence[self.study == number]).sum(axis=0)).tolist())


def contrasts_from_arms(
    effects: ArrayLike, variances: ArrayLike, treatment: Sequence[str], study: Sequence[str]
) -> Contrasts:
    """Contrasts of each study's arms with its first one, from arm-level `effects` and `variances` (arms,).

    An arm's effect is its mean, log risk, log odds or risk, with its sampling variance (sd²/n, …). Contrasts
    of one study share the first arm's variance as their covariance (Gleser & Olkin 2009). Studies of one arm
    and treatments repeated within a study are refused: combine such arms first.

    >>> made = contrasts_from_arms([1.0, 1.5, 2.0], [0.1, 0.2, 0.3], ["a", "b", "c"], ["s", "s", "s"])
    >>> made.effects.tolist(), made.covariance.round(9).tolist()
    ([0.5, 1.0], [[0.3, 0.1], [0.1, 0.4]])
    """
    y, v = finite("effects", effects), positive("variances", variances)
    arms, studies = _labels("treatment", treatment, y.size), _labels("study", study, y.size)
    if y.ndim != 1 or v.shape != y.shape:
        raise ValueError(f"effects {y.shape}, variances {v.shape}: need one number for each arm")
    members: dict[str, list[int]] = {}
    for row, name in enumerate(studies):
        members.setdefault(name, []).append(row)
    chosen, base = [], []
    for name, rows in members.items():
        if len(rows) < 2 or len({arms[row] for row in rows}) < len(rows):
            problem = "has one arm" if len(rows) < 2 else "has a treatment twice; combine these arms"
            raise ValueError(f"study {name!r} {problem}")
        chosen += rows[1:]
        base += [rows[0]] * (len(rows) - 1)
    shared = np.equal.outer(base, base) * v[base][:, None] + np.diag(v[chosen])
    names = [tuple(labels[row] for row in rows) for labels, rows in ((arms, chosen), (arms, base))]
    return Contrasts(y[chosen] - y[base], shared, names[0], names[1], tuple(studies[row] for row in chosen))


def read_network(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    reference: str | None = None,
) -> Network:
    """Check contrasts (n,) and put `reference` first among the treatments, which are otherwise sorted.

    `covariance` is (n, n), zero between studies, or (n,) variances if every study has a single contrast.
    Each study gives arms - 1 independent contrasts. Faults and unconnected treatments are ValueErrors.
    """
    y = finite("effects", effects)
    if y.ndim != 1 or y.size == 0:
        raise ValueError(f"effects has shape {y.shape}: needs a list of at least one contrast")
    named = [
        _labels(name, labels, y.size)
        for name, labels in (("experimental", experimental), ("control", control), ("study", study))
    ]
    for row, (first, second, _) in enumerate(zip(*named, strict=True)):
        if first == second:
            raise ValueError(f"experimental[{row}] is {first!r}: the same as its control")
    treatments = sorted({*named[0], *named[1]})
    if reference is not None:
        if reference not in treatments:
            raise ValueError(f"reference is {reference!r}: must be one of {', '.join(treatments)}")
        treatments.sort(key=lambda name: name != reference)
    incidence = np.subtract(*(np.equal.outer(labels, treatments).astype(np.float64) for labels in named[:2]))
    studies = tuple(dict.fromkeys(named[2]))
    index = np.array([studies.index(name) for name in named[2]], dtype=np.intp)
    same = np.equal.outer(index, index)
    v = _covariance(covariance, same, named[2])
    spread = 0.5 * (incidence @ incidence.T) * same
    network = Network(y, v, incidence, spread, index, studies, tuple(treatments))
    _check_blocks(network)
    _check_connected(network)
    return network


def _labels(name: str, labels: Sequence[str], count: int) -> list[str]:
    found = [str(label) for label in np.asarray(labels, dtype=object).ravel()]
    if len(found) != count:
        raise ValueError(f"{name} has {len(found)} labels: needs {count}, one for each effect")
    for row, label in enumerate(found):
        if label in ("", "None", "nan"):
            raise ValueError(f"{name}[{row}] is {label!r}: every effect needs a label")
    return found


def _covariance(covariance: ArrayLike, same: NDArray[np.bool_], study: list[str]) -> Floats:
    v = numbers("covariance", covariance)
    n = same.shape[0]
    if v.shape == (n,):
        if same.sum() > n:
            name = study[int(np.flatnonzero(same.sum(axis=0) > 1)[0])]
            raise ValueError(
                f"covariance: study {name!r} has several contrasts; give the whole (n, n) matrix"
            )
        v = np.diag(v)
    if v.shape != (n, n):
        raise ValueError(f"covariance has shape {v.shape}: needs ({n}, {n}) or ({n},)")
    refuse("covariance", v, ~np.isfinite(v), "must be a finite number")
    refuse("covariance", v, np.eye(n, dtype=bool) & (v <= 0), "must be above 0 on the diagonal")
    refuse("covariance", v, ~same & (v != 0), "must be 0 between studies")
    refuse("covariance", v, np.abs(v - v.T) > 1e-12 * np.abs(v).max(), "is not symmetric")
    return (v + v.T) / 2


def _check_blocks(network: Network) -> None:
    """A study's contrasts must be independent of each other, and its covariance a possible one."""
    for number, name in enumerate(network.studies):
        rows = network.study == number
        block = np.ix_(rows, rows)
        if np.linalg.matrix_rank(network.incidence[rows]) < rows.sum():
            raise ValueError(f"study {name!r}: its contrasts depend on each other; give arms - 1 of them")
        if np.linalg.eigvalsh(network.v[block])[0] <= 0:
            raise ValueError(f"covariance: the block of study {name!r} is not positive definite")


def _check_connected(network: Network) -> None:
    reached = {0}
    for _ in network.treatments:
        for row in network.incidence != 0:
            ends = set(np.flatnonzero(row).tolist())
            if ends & reached:
                reached |= ends
    if len(reached) < len(network.treatments):
        apart = [name for number, name in enumerate(network.treatments) if number not in reached]
        here = [network.treatments[number] for number in sorted(reached)]
        raise ValueError(
            f"the network falls apart: {', '.join(here)} are never compared with {', '.join(apart)}"
        )
