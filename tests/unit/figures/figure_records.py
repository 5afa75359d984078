"""Result records for the tests of figures. Every number here is made up; none is evidence."""

from __future__ import annotations

import math
import random
from typing import Any

from matplotlib.figure import Figure

from trialpool.figures import forest
from trialpool.figures.notes import describe
from trialpool.io import canonical
from trialpool.records import sketch
from trialpool.view.read import Appraised

NAMES = ("Lu", "Müller", "García-López", "Żółć", "Friedemann", "D'Alessandro", "Naderi Nabi")
ARMS = ("electroacupuncture 2/100 Hz, 20 min twice a week", "acupuncture", "warm needling once a day")
CONTROLS = ("sham electroacupuncture at non-acupoints without current", "usual care", "sham")


def made_up_study(index: int, measure: str, rng: random.Random) -> dict[str, Any]:
    ratio = measure in ("RR", "OR")
    n = [rng.randint(12, 60), rng.randint(12, 60)]
    if ratio:
        events = [rng.randint(3, n[0] - 3), rng.randint(3, n[1] - 3)]
        effect = math.log(events[0] / n[0] / (events[1] / n[1]))
        variance = sum(1 / e - 1 / m for e, m in zip(events, n, strict=True))
        arms = {"events_experimental": events[0], "events_control": events[1], "kind": "events"}
    else:
        effect, variance = rng.gauss(-0.8, 0.5), 2.56 / n[0] + 2.56 / n[1]
        mean = rng.uniform(3, 6)
        arms = {"mean_experimental": mean + effect, "sd_experimental": 1.6, "mean_control": mean}
        arms |= {"sd_control": 1.5, "kind": "final"}
    return {
        "study_id": f"S{index}",
        "label": f"{rng.choice(NAMES)} {2000 + index % 25}",
        "label_experimental": rng.choice(ARMS),
        "label_control": rng.choice(CONTROLS),
        "instrument": rng.choice(("NRS", "FACT_GOG_NTX")),
        "item": "",
        "weeks": rng.choice((4.0, 8.0)),
        "n_experimental": n[0],
        "n_control": n[1],
        "imputed": False,
        "cautions": "",
        "reading": "double",
        "source_url": "https://example.org/trial",
        "effect": effect,
        "variance": variance,
        **arms,
    }


def finish(studies: list[dict[str, Any]], measure: str = "MD", **changes: Any) -> dict[str, Any]:
    """A whole record around studies with effect and variance (inverse-variance weights with τ² = 0.2)."""
    natural = math.exp if measure in ("RR", "OR") else float
    total = sum(1 / (study["variance"] + 0.2) for study in studies)
    for study in studies:
        half = 1.96 * math.sqrt(study["variance"])
        study["weight"] = 100 / (study["variance"] + 0.2) / total
        study["estimate"] = natural(study["effect"])
        study["estimate_low"], study["estimate_high"] = (
            natural(study["effect"] - half),
            natural(study["effect"] + half),
        )
    k, mean, se = len(studies), sum(s["weight"] * s["effect"] for s in studies) / 100, total**-0.5
    pooled = {
        "estimate": natural(mean),
        "ci_low": natural(mean - 2.2 * se),
        "ci_high": natural(mean + 2.2 * se),
    }
    pooled |= {
        "interval": "hksj_adhoc",
        "statistic": mean / se,
        "df": k - 1.0,
        "p_value": 0.0123,
        "tau2": None,
    }
    if k > 1:
        pooled |= {
            "pi_low": natural(mean - 1.2),
            "pi_high": natural(mean + 1.2),
            "tau2": 0.2,
            "tau2_low": 0.05,
        }
        pooled |= {"tau2_high": 0.87, "i2": 61.2, "q": 27.31, "q_df": k - 1.0, "q_p_value": 0.0042}
    return {
        "analysis": "made-up",
        "title": "Made-up numbers: acupuncture versus sham",
        "domain": "responder" if measure in ("RR", "OR") else "pain",
        "comparison": "acupuncture versus sham",
        "experimental_name": "acupuncture",
        "control_name": "sham",
        "measure": measure,
        "scale": "0-10" if measure == "MD" else None,
        "unit": "points on 0–10",
        "better": "lower",
        "timepoint": "end_of_treatment",
        "status": "pooled" if k > 1 else "single_study",
        "k": k,
        "n_experimental": sum(study["n_experimental"] or 0 for study in studies),
        "n_control": sum(study["n_control"] or 0 for study in studies),
        "methods": {
            "tau2_method": "REML",
            "interval": "auto",
            "level": 0.95,
            "prediction_df": "k-1",
            "text": [],
        },
        "pooled": pooled,
        "mcid": None,
        "direction": {"left": "favours acupuncture", "right": "favours sham"},
        "studies": studies,
        "subgroups": [],
        "not_used": [],
        "known": [],
    } | changes


def made_up_record(k: int, measure: str = "MD", seed: int = 1, **changes: Any) -> dict[str, Any]:
    rng = random.Random(seed)
    return finish([made_up_study(index, measure, rng) for index in range(k)], measure, **changes)


def gap_record(**changes: Any) -> dict[str, Any]:
    """A record of status no_data."""
    return made_up_record(1) | {"status": "no_data", "studies": [], "pooled": None} | changes


def typed(record: dict[str, Any]) -> Appraised:
    """The same as a `Record`, with nothing in the fields that it leaves out."""
    return sketch(Appraised, canonical(record))


def draw_forest(record: dict[str, Any], preset: str = "default") -> Figure:
    """The forest plot of what is known of a record."""
    return forest.draw_forest(sketch(Appraised, record), preset)


def describe_forest(record: dict[str, Any]) -> str:
    """The text alternative of that plot."""
    return describe("forest", sketch(Appraised, record))
