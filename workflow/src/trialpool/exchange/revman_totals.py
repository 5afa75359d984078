"""RevMan's stored totals beside totals pooled anew from the imported data, each by the file's own method.

Methods as in RevMan 5 (Deeks & Higgins 2010): Mantel-Haenszel, inverse variance or Peto, fixed or
DerSimonian-Laird random effects (for Mantel-Haenszel with Q around the Mantel-Haenszel estimate), normal
intervals. They prove the import; the project's own analyses use other defaults.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from trialpool.exchange.candidates import number
from trialpool.exchange.revman import Datum, Outcome, Review
from trialpool.stats.checks import one_of
from trialpool.stats.effect_sizes import (
    mean_difference,
    odds_ratio,
    risk_difference,
    risk_ratio,
    standardized_mean_difference,
)
from trialpool.stats.pooling import pool
from trialpool.stats.sparse import PooledTables, mantel_haenszel, peto

Floats = NDArray[np.float64]
Total = tuple[float, float, float, float, float]  # estimate and bounds on the analysis scale, tau2, Q
COLUMNS = (
    *("analysis", "outcome", "subgroup", "kind", "measure", "method", "model", "studies"),
    *("stored_estimate", "pooled_estimate", "stored_ci_low", "pooled_ci_low", "stored_ci_high"),
    *("pooled_ci_high", "stored_q", "pooled_q", "stored_tau2", "pooled_tau2", "agree", "remark"),
)
STORED = ("EFFECT_SIZE", "CI_START", "CI_END", "CHI2", "TAU2")
TOLERANCE = 1e-6  # relative; RevMan stores about 15 digits


def totals_table(review: Review) -> str:
    """CSV text: a row for the total of each subgroup and of each outcome.

    >>> totals_table(Review("", "", (), (), (), ())).startswith("analysis,outcome,subgroup")
    True
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for outcome in review.outcomes:
        if outcome.kind != "OTHER":
            writer.writerows(total_row(part, name) for name, part in parts_of(outcome))
            writer.writerow(total_row(outcome))
    return buffer.getvalue()


def parts_of(outcome: Outcome) -> Iterator[tuple[str, Outcome]]:
    """The subgroups of an outcome, each as an outcome of its own with the totals stored for it.

    >>> list(parts_of(Outcome("DICH", "1.1", "", "", "RR", ("", ""), ("", ""), {}, "", (), {})))
    []
    """
    for name, values in outcome.subgroups.items():
        data = tuple(datum for datum in outcome.data if datum.subgroup == name)
        shown = "NO" if outcome.values.get("TOTALS") == "NO" else "YES"
        settings = {key: value for key, value in outcome.values.items() if key not in STORED}
        yield name, replace(outcome, values={**settings, **values, "TOTALS": shown}, data=data)


def total_row(outcome: Outcome, subgroup: str = "") -> dict[str, str]:
    """The stored total and the one pooled anew; `agree` is yes, no, or empty where none is stored.

    >>> total_row(Outcome("DICH", "1.1", "", "", "RR", ("", ""), ("", ""), {}, "", (), {}))["remark"]
    'not pooled: no study has people in both groups'
    """
    ratio = _is_ratio(outcome)
    row = {
        "analysis": outcome.number,
        "outcome": outcome.name,
        "subgroup": subgroup,
        "kind": outcome.kind,
        "measure": outcome.measure,
        "method": outcome.values.get("METHOD", "IV"),
        "model": "random" if outcome.values.get("RANDOM") == "YES" else "fixed",
    }
    stored = [number(outcome.values.get(name)) for name in STORED]
    try:
        used, total = pooled_total(outcome)
    except ValueError as error:
        return row | {"remark": f"not pooled: {error}"}
    natural = [math.exp(value) if ratio else value for value in total[:3]]
    anew = [*natural, total[4], total[3]]
    for name, old, new in zip(("estimate", "ci_low", "ci_high", "q", "tau2"), stored, anew, strict=True):
        row |= {f"stored_{name}": old, f"pooled_{name}": f"{new:.10g}"}
    shown = outcome.values.get("TOTALS", "YES") == "YES" and all(stored[:3])
    if shown:
        close = [
            math.isclose(float(old), new, rel_tol=TOLERANCE, abs_tol=1e-9)
            for old, new in zip(stored, anew, strict=True)
            if old
        ]
        row["agree"] = "yes" if all(close) else "no"
    return row | {
        "studies": str(used),
        "remark": "" if shown else "the file stores no total for this outcome",
    }


def _is_ratio(outcome: Outcome) -> bool:
    name = outcome.measure.casefold()
    return name in ("or", "rr", "hr", "peto_or") or "ratio" in name


def pooled_total(outcome: Outcome) -> tuple[int, Total]:
    """Pool an outcome's data by its own method: number of studies used, and the total on the analysis scale.

    Raises ValueError where the data do not allow it.

    >>> cells = {"MEAN_1": "5", "SD_1": "2", "TOTAL_1": "20", "MEAN_2": "6", "SD_2": "2", "TOTAL_2": "20"}
    >>> data = (Datum("STD-Lu", cells, "", ""),)
    >>> used, total = pooled_total(Outcome("CONT", "1.1", "", "", "MD", ("", ""), ("", ""), {}, "", data, {}))
    >>> used, round(total[0], 2), round(total[1], 2)
    (1, -1.0, -2.24)
    """
    level = float(number(outcome.values.get("CI_TOTAL")) or "95") / 100
    random = outcome.values.get("RANDOM") == "YES"
    if outcome.kind == "DICH":
        return _tables(outcome, level, random)
    found = list(_effects(outcome))
    if not found:
        raise ValueError("no study has an effect with its variance")
    effects, variances = zip(*found, strict=True)
    fit = pool(effects, variances, tau2_method="DL" if random else "FE", interval="wald", level=level)
    tau2 = float(fit.tau2) if random else 0.0
    return len(effects), (float(fit.estimate), float(fit.ci_low), float(fit.ci_high), tau2, float(fit.q))


standardised = partial(standardized_mean_difference, variance="revman5")


def _effects(outcome: Outcome) -> Iterator[tuple[float, float]]:
    for datum in outcome.data:
        if outcome.kind == "CONT":
            cells = _cells(datum, ("MEAN_1", "SD_1", "TOTAL_1", "MEAN_2", "SD_2", "TOTAL_2"))
            if cells and min(cells[2], cells[5]) > 0 and max(cells[1], cells[4]) > 0:
                smd = outcome.measure.casefold() in ("smd", "std. mean difference")
                effect = standardised(*cells) if smd else mean_difference(*cells)
                yield float(effect.effect), float(effect.variance)
        else:
            cells = _cells(datum, ("ESTIMATE", "SE")) or _from_logrank(datum)
            if cells and cells[1] > 0:
                yield cells[0], cells[1] ** 2


def _cells(datum: Datum, names: Sequence[str]) -> list[float] | None:
    texts = [number(datum.values.get(name)) for name in names]
    return [float(text) for text in texts] if all(texts) else None


def _from_logrank(datum: Datum) -> list[float] | None:
    """Log hazard ratio (O - E)/V with SE 1/sqrt(V) (Yusuf et al. 1985)."""
    cells = _cells(datum, ("O_E", "VAR"))
    return [cells[0] / cells[1], 1 / math.sqrt(cells[1])] if cells and cells[1] > 0 else None


def _tables(outcome: Outcome, level: float, random: bool) -> tuple[int, Total]:
    names = ("EVENTS_1", "TOTAL_1", "EVENTS_2", "TOTAL_2")
    found = [cells for datum in outcome.data if (cells := _cells(datum, names))]
    kept = [cells for cells in found if min(cells[1], cells[3]) > 0]
    if not kept:
        raise ValueError("no study has people in both groups")
    events1, n1, events2, n2 = np.array(kept, dtype=np.float64).T
    if outcome.values.get("SWAP_EVENTS") == "YES":
        events1, events2 = n1 - events1, n2 - events2
    measure = "OR" if "OR" in outcome.measure.upper() else outcome.measure.upper()
    one_of("measure", measure, ("OR", "RR", "RD"))
    method = outcome.values.get("METHOD", "MH")
    if measure != "RD":  # a trial without events, or with nothing else, says nothing about a ratio
        informative = (events1 + events2 > 0) & (events1 + events2 < n1 + n2)
        events1, n1, events2, n2 = (part[informative] for part in (events1, n1, events2, n2))
    if method == "PETO":
        return len(n1), _fixed(peto(events1, n1, events2, n2, level=level))
    compute = {"OR": odds_ratio, "RR": risk_ratio, "RD": risk_difference}[measure]
    own = compute(events1, n1, events2, n2)
    if method == "MH":
        fixed = mantel_haenszel(events1, n1, events2, n2, measure=measure, level=level)
        return len(n1), _random(own.effect, own.variance, float(fixed.q), level) if random else _fixed(fixed)
    fit = pool(own.effect, own.variance, tau2_method="DL" if random else "FE", interval="wald", level=level)
    tau2 = float(fit.tau2) if random else 0.0
    return len(n1), (float(fit.estimate), float(fit.ci_low), float(fit.ci_high), tau2, float(fit.q))


def _fixed(fit: PooledTables) -> Total:
    return float(fit.estimate), float(fit.ci_low), float(fit.ci_high), 0.0, float(fit.q)


def _random(effects: Floats, variances: Floats, q: float, level: float) -> Total:
    """DerSimonian & Laird 1986 with a given Q: here the one around the Mantel-Haenszel estimate."""
    weights = 1 / variances
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    tau2 = max(0.0, (q - (len(effects) - 1)) / scale) if scale > 0 else 0.0
    fit = pool(effects, variances + tau2, tau2_method="FE", interval="wald", level=level)
    return float(fit.estimate), float(fit.ci_low), float(fit.ci_high), tau2, q
