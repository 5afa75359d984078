"""Small-study effects: the tests and adjustments that k allows, or the sentence that says why not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from trialpool.synthesis.pooled import arrays, natural

Row = dict[str, Any]
SHOWN = (
    "statistic",
    "p_value",
    "tau",
    "missing",
    "side",
    "chosen",
    "delta",
    "lrt_p_value",
    "caution",
    "refused",
)
ESTIMATES = ("estimate", "ci_low", "ci_high")


def small_study(spec: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """Funnel asymmetry of one analysis: `sentence`, and one entry a method in `methods`.

    Below `robustness.test_k` trials nothing is tested: with few trials a test finds nothing whether or not
    small trials differ (Cochrane Handbook 13.3.5.4). Estimates are on the natural scale.
    """
    wanted = spec["robustness"]["test_k"]
    if len(rows) < wanted:
        sentence = (
            f"{_trials(len(rows))}: too few to test whether small trials differ (at least {wanted} needed)."
        )
        return {"sentence": sentence, "methods": {}}
    from trialpool.stats import begg, egger, pet_peese, selection_model, trim_and_fill

    effects, variances = arrays(rows)
    sizes = [np.array([row[side] or np.nan for row in rows]) for side in ("n_experimental", "n_control")]
    by_size = spec["measure"] == "SMD" and all(np.isfinite(size).all() for size in sizes)
    predictor: dict[str, Any] = (
        {"predictor": "sample_size", "n1": sizes[0], "n2": sizes[1]} if by_size else {"predictor": "se"}
    )
    level, tau2_method = spec["level"], spec["tau2_method"]
    side = "less" if spec["better"] == "lower" else "greater"
    found = {
        "Egger": egger(effects, variances, level=level, **predictor),
        "Begg": begg(effects, variances),
        "trim and fill (L0)": trim_and_fill(
            effects, variances, tau2_method=tau2_method, interval=spec["interval"], level=level
        ),
        "PET-PEESE": pet_peese(effects, variances, tau2_method=tau2_method, level=level),
        "selection model (3PSM)": selection_model(effects, variances, alternative=side, level=level),
    }
    methods = {name: _entry(spec, record) for name, record in found.items()}
    p_value = methods["Egger"].get("p_value")
    asymmetric = p_value is not None and p_value < 0.1
    word = "an asymmetric funnel" if asymmetric else "no clear asymmetry of the funnel"
    sentence = (
        f"{_trials(len(rows))}: {word} (Egger's test, p = {p_value:.2g})." if p_value is not None else ""
    )
    return {"sentence": sentence, "methods": methods}


def _entry(spec: Mapping[str, Any], record: Any) -> dict[str, Any]:
    names = {field.name for field in fields(record)}
    entry = {name: _plain(getattr(record, name)) for name in SHOWN if name in names}
    for name in ESTIMATES:
        if name in names:
            value = _plain(getattr(record, name))
            entry[name] = natural(spec["measure"], value) if value is not None else None
    return entry


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value or None
    array = np.atleast_1d(np.asarray(value, dtype=float))
    number = float(array[-1])
    return number if math.isfinite(number) else None


def _trials(count: int) -> str:
    return f"{count} trial{'' if count == 1 else 's'}"
