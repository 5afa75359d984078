"""Made-up analyses, effects and records: what a test does not say is filled in here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trialpool.records import (
    Choices,
    Difference,
    Effect,
    Grade,
    Methods,
    Pooled,
    Record,
    Robustness,
    SmallStudy,
    Status,
    Study,
    sketch,
)

SPEC: dict[str, Any] = {
    "analysis": "a",
    "title": "A",
    "note": "",
    "condition": ["DPN"],
    "purpose": None,
    "domain": "pain",
    "experimental_name": "acupuncture",
    "control_name": "sham",
    "measure": "MD",
    "scale": None,
    "unit": "points",
    "better": "lower",
    "timepoint": "end_of_treatment",
    "tau2_method": "REML",
    "interval": "hksj_adhoc",
    "level": 0.95,
    "prediction_from": 3,
    "prediction_df": "k-1",
    "prior": {"scale": 0.5, "unit": "sd", "source": "made up"},
    "several_effects": "prefer",
    "multi_arm": "combine",
    "smd_variance": "LS",
    "zero_cells": 0.5,
    "outcomes": [],
    "items": [],
    "forest": "default",
    "mcid": {"value": 1.0, "unit": "points", "kind": "anchor", "source": "made up"},
    "subgroups": None,
    "moderators": [],
    "robustness": {"robust": 0.9, "sensitive": 0.5, "smallest_k": 3, "test_k": 10, "moderator_k": 10},
}
METHODS = (
    *("tau2_method", "interval", "level", "several_effects", "multi_arm"),
    *("prediction_from", "prediction_df", "prior"),
)
EFFECTS = (-1.4, -1.1, -1.6, -0.9, -1.3, -1.2)


def effect(number: int, value: float, variance: float = 0.05, **changes: Any) -> Effect:
    """A selected effect of trial `number`, 30 people an arm, against sham."""
    values: dict[str, Any] = {
        **{"study_id": f"T{number}", "label": f"Trial {number}", "year": 2000 + number},
        **{"arm_experimental": "acu", "arm_control": "sham", "category_control": "sham"},
        **{"instrument": "NRS", "item": "", "n_experimental": 30, "n_control": 30},
        **{"effect": value, "variance": variance, "imputed": False, "reading": "double"},
        **{"selected": True, "variant": Choices(), "risk_of_bias": ""},
    }
    return sketch(Effect, **values | changes)


def effects(values: Sequence[float] = EFFECTS, **changes: Any) -> list[Effect]:
    """One effect a trial."""
    return [effect(number, value, **changes) for number, value in enumerate(values)]


def study(study_id: str, estimate: float = -2.0, half: float = 1.0, **changes: Any) -> Study:
    """A pooled trial of 200 people with half of the weight."""
    values: dict[str, Any] = {
        **{"study_id": study_id, "label": study_id, "weight": 50.0, "condition": "DPN"},
        **{"category_control": "sham", "estimate": estimate, "estimate_low": estimate - half},
        **{"estimate_high": estimate + half, "sd_experimental": 2.0, "sd_control": 2.0},
        **{"n_control": 100, "n_randomised": 200},
    }
    return sketch(Study, **values | changes)


def pooled(low: float = -2.6, high: float = -1.4, **changes: Any) -> Pooled:
    """A pooled result whose prediction interval is its confidence interval, I² 0."""
    values = {"estimate": (low + high) / 2, "ci_low": low, "ci_high": high, "pi_low": low, "pi_high": high}
    return sketch(Pooled, **{**values, "i2": 0.0, **changes})


def record(**changes: Any) -> Record:
    """A sound result: two large trials that agree, a clear interval beyond an MCID of 1."""
    methods = {name: SPEC[name] for name in METHODS}
    values: dict[str, Any] = {
        **{"analysis": "a", "status": Status.POOLED, "k": 2, "measure": "MD", "better": "lower"},
        **{"domain": "pain", "n_experimental": 200, "n_control": 200, "known": (), "pooled": pooled()},
        "mcid": Difference(**SPEC["mcid"]),
        "methods": Methods(**methods, text=()),
        "studies": (study("A"), study("B")),
        "robustness": Robustness(grade=Grade.NOT_ASSESSABLE, sentence="", agreement=None, breaks=()),
        "small_study": SmallStudy(sentence="", methods={}),
    }
    return sketch(Record, **values | changes)
