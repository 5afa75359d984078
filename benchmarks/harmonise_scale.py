"""How long harmonising and comparing take as the evidence grows, and how much memory.

    python benchmarks/harmonise_scale.py

Made-up trials (seeded), 10 outcome rows each: two arms, baselines, SD, SE, 95% CI, quartiles, contrasts and
events, three analyses with all their variants. Prints one line a size; each size runs in a process of its
own, so that its peak memory is its own. Must hold: 10,000 trials within 20 s and 1 GB, cost growing linearly.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from trialpool.contracts import TABLES

SIZES = (1_250, 2_500, 5_000, 10_000)
ROWS_A_TRIAL = 10
SPREADS = ("sd", "se", "ci95", "iqr")


def made_up_tables(trials: int) -> dict[str, pd.DataFrame]:
    """Evidence tables of `trials` made-up trials with ROWS_A_TRIAL outcome rows each."""
    rng = np.random.default_rng(20261122)
    study = np.array([f"Trial{place:05d}" for place in range(trials)], dtype=object)
    n = rng.integers(15, 80, trials).astype(float)
    arms = (("acu", "experimental", "manual_acupuncture"), ("sham", "control", "sham"))
    outcomes = [(arm, *what) for arm in ("acu", "sham") for what in (("NRS", 0), ("NRS", 8), ("VAS100", 8))]
    tables = {
        "studies": _studies(study, n),
        "arms": pd.concat([_arm(study, n, *arm) for arm in arms]).sort_values(["study_id", "arm"]),
        "continuous": pd.concat([_rows(study, n, *what, rng) for what in outcomes]),
        "contrasts": pd.concat([_contrasts(study, n, rng, item) for item in ("", "worst")]),
        "events": pd.concat([_events(study, n, rng, arm) for arm in ("acu", "sham")]),
    }
    for name, table in tables.items():
        columns = TABLES[name].columns
        table = table.reset_index(drop=True).reindex(columns=[column.name for column in columns])
        table = table.astype({each.name: "float" if each.is_number else "string" for each in columns})
        tables[name] = table.assign(row_id=[f"{name}.csv:{place + 2}" for place in range(len(table))])
    return tables


def _studies(study: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    place = np.arange(len(study))
    return pd.DataFrame(
        {
            **{"study_id": study, "first_author": "Author", "year": 2000.0 + place % 25},
            **{"condition": np.where(place % 2, "DPN", "CIPN"), "design": "parallel"},
            **{"purpose": "treatment", "setting_note": pd.NA, "n_randomised": 2 * n},
            "source_url": "https://example.org",
        }
    )


def _arm(study: np.ndarray, n: np.ndarray, arm: str, role: str, category: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{"study_id": study, "arm": arm, "role": role, "category": category, "label": category},
            **{"cointervention": pd.NA, "sessions": 10.0, "weeks": 8.0, "sessions_per_week": 2.0},
            **{"n_randomised": n, "pooled_of": pd.NA},
        }
    )


def _source() -> dict[str, str]:
    return {
        "source_url": "https://example.org/a",
        "locator": "Table 2",
        "reading": "double",
        "note": "± not labelled",
    }


def _rows(
    study: np.ndarray, n: np.ndarray, arm: str, instrument: str, weeks: int, rng: np.random.Generator
) -> pd.DataFrame:
    spread = np.array(SPREADS, dtype=object)[np.arange(len(study)) % len(SPREADS)]
    size = 10.0 if instrument == "VAS100" else 1.0
    centre = rng.normal(5.0 if arm == "sham" else 4.0, 0.5, len(study)) * size
    wide = np.isin(spread, ["ci95", "iqr"])
    half = rng.uniform(0.8, 1.2, len(study)) * size
    return pd.DataFrame(
        {
            **{"study_id": study, "arm": arm, "domain": "pain", "instrument": instrument, "item": pd.NA},
            **{"unit": "points", "better": "lower", "weeks": float(weeks), "measure": "final", "n": n},
            "timepoint": "baseline" if weeks == 0 else "end_of_treatment",
            "centre_type": np.where(spread == "iqr", "median", "mean"),
            **{"centre": centre, "spread_type": spread, "spread_low": np.where(wide, centre - half, half)},
            "spread_high": np.where(wide, centre + half, np.nan),
            **_source(),
        }
    )


def _contrasts(study: np.ndarray, n: np.ndarray, rng: np.random.Generator, item: str) -> pd.DataFrame:
    estimate = rng.normal(-1, 0.3, len(study))
    return pd.DataFrame(
        {
            **{"study_id": study, "arm_1": "acu", "arm_2": "sham", "domain": "pain", "instrument": "NRS"},
            **{"item": item or pd.NA, "unit": "points", "better": "lower", "weeks": 8.0},
            **{"timepoint": "end_of_treatment", "measure": "mean_difference", "estimate": estimate},
            **{"spread_type": "ci95", "spread_low": estimate - 0.8, "spread_high": estimate + 0.8},
            **{"p_value": "0.02", "adjusted": "no", "n_1": n, "n_2": n},
            **_source(),
        }
    )


def _events(study: np.ndarray, n: np.ndarray, rng: np.random.Generator, arm: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{"study_id": study, "arm": arm, "domain": "responder", "outcome": "improved"},
            **{"definition": "improved", "weeks": 8.0, "timepoint": "end_of_treatment"},
            **{"events": np.floor(n * rng.uniform(0, 1, len(study))), "n": n},
            **_source(),
        }
    )


def questions() -> list[dict[str, object]]:
    """Three analyses: an MD on a common scale, an SMD, a risk ratio."""
    common = {
        **{"condition": ["DPN", "CIPN"], "purpose": None, "items": [], "timepoint": "end_of_treatment"},
        **{"experimental": ["manual_acupuncture"], "control": ["sham"], "several_effects": "prefer"},
        **{"multi_arm": "combine", "change_correlation": 0.5, "zero_cells": 0.5, "smd_variance": "LS"},
    }
    pain = common | {"domain": "pain", "better": "lower"}
    return [
        pain | {"analysis": "md", "measure": "MD", "scale": "0-10", "outcomes": ["NRS", "VAS100"]},
        pain | {"analysis": "smd", "measure": "SMD", "scale": None, "outcomes": []},
        common
        | {"analysis": "rr", "domain": "responder", "measure": "RR", "scale": None}
        | {"outcomes": ["improved"], "better": "higher"},
    ]


def measure(trials: int) -> None:
    """Time one size and print trials, rows, seconds and peak memory."""
    from trialpool.evidence.compare import compare
    from trialpool.evidence.summaries import harmonise

    pd.set_option("mode.string_storage", "python")  # as in a job
    tables = made_up_tables(trials)
    ranges = {"NRS": 10, "VAS100": 100}
    catalogue = {
        "instruments": {
            name: {"range": [0, top], "better": "lower", "unit": "points"} for name, top in ranges.items()
        }
    }
    rows = sum(len(tables[name]) for name in ("continuous", "contrasts", "events"))
    start, busy = time.perf_counter(), time.process_time()
    harmonised = harmonise(tables)
    between = time.perf_counter()
    effects = compare(harmonised, tables, catalogue, questions()).effects
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{trials:6d} trials {rows:7d} rows:"
        f" harmonise {between - start:5.2f} s, compare {end - between:5.2f} s,"
        f" {1e6 * (end - start) / rows:6.1f} µs a row, {time.process_time() - busy:5.2f} s of processor,"
        f" peak {peak:5.0f} MB,"
        f" {int(effects['selected'].sum())} effects used",
        flush=True,
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]))
    else:
        for size in SIZES:
            subprocess.run([sys.executable, __file__, str(size)], check=True)
