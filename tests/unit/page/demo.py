"""Made-up records for tests of the report: no number here comes from a trial."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from trialpool.page.page import render_pages
from trialpool.records import Certainty, Network, sketch
from trialpool.synthesis.certainty import size_of
from trialpool.synthesis.claims import default_rules
from trialpool.view.read import Appraised, read_claims
from trialpool.vocabulary import load_vocabulary

SHIPPED = load_vocabulary(str(Path(__file__).parents[3] / "config" / "vocabulary.yaml"))

POOLED_KEYS = (
    *("estimate", "ci_low", "ci_high", "se", "statistic", "df", "p_value", "pi_low", "pi_high"),
    *("tau2", "tau2_low", "tau2_high", "tau2_empty", "i2", "h2", "q", "q_df", "q_p_value"),
)


def study(number: int, **changes: Any) -> dict[str, Any]:
    """One made-up study row with every effects column."""
    effect = -1.0 - 0.1 * number
    row = {
        **{"analysis": "demo-pain", "study_id": f"Madeup{2000 + number}", "label": f"Madeup {2000 + number}"},
        **{"year": 2000 + number, "condition": "DPN", "purpose": "treatment", "design": "parallel"},
        **{"arm_experimental": "acu", "arm_control": "sham", "label_experimental": "needles, 30 min"},
        **{"label_control": "blunt needles", "category_experimental": "manual_acupuncture"},
        **{"category_control": "sham", "cointervention": None, "domain": "pain", "instrument": "VAS100"},
        **{"item": None, "unit": "points", "weeks": 8.0, "timepoint": "end_of_treatment", "kind": "final"},
        **{"n_experimental": 20.0, "n_control": 21.0, "mean_experimental": 3.0, "sd_experimental": 1.5},
        **{"mean_control": 4.1, "sd_control": 1.6, "events_experimental": None, "events_control": None},
        **{"measure": "MD", "effect": effect, "variance": 0.25, "imputed": False},
        **{"derivation": "rescaled from 0-100 to 0-10; mean difference", "cautions": "", "reading": "double"},
        **{"source_url": f"https://example.org/{number}", "locator": "Table 2"},
        **{"row_ids": f"continuous.csv:{number} continuous.csv:{number + 1}", "selected": True, "reason": ""},
        **{"variant": "", "sessions": 12.0, "programme_weeks": 6.0, "sessions_per_week": 2.0},
        **{"n_randomised": 44.0, "cluster": f"Madeup{2000 + number}", "ci_low": effect - 0.98},
        **{"ci_high": effect + 0.98, "estimate": effect, "estimate_low": effect - 0.98},
        **{"estimate_high": effect + 0.98, "weight": 33.3, "judgements": ""},
    }
    return row | changes


def pooled(**changes: Any) -> dict[str, Any]:
    """Made-up pooled numbers."""
    values = dict.fromkeys(POOLED_KEYS) | {
        **{"estimate": -1.2, "ci_low": -2.0, "ci_high": -0.4, "se": 0.3, "statistic": -4.0, "df": 2},
        **{"p_value": 0.0123, "pi_low": -2.9, "pi_high": 0.5, "tau2": 0.1, "tau2_low": 0.0},
        **{"tau2_high": 2.25, "tau2_empty": False, "i2": 42.5, "h2": 1.7, "q": 3.5, "q_df": 2},
        **{"q_p_value": 0.17, "interval": "hksj_adhoc"},
    }
    return values | changes


def record(*args: Any, **changes: Any) -> Appraised:
    """A made-up result record; arguments as of `raw_record`."""
    return sketch(Appraised, {"vocabulary": SHIPPED, **raw_record(*args, **changes)})


def raw_record(analysis: str = "demo-pain", k: int = 3, **changes: Any) -> dict[str, Any]:
    """What is known of a made-up result record of k studies (0: no_data, 1: single_study)."""
    status = "no_data" if k == 0 else "single_study" if k == 1 else "pooled"
    single = dict.fromkeys(POOLED_KEYS) | {
        "estimate": -1.1,
        "ci_low": -2.08,
        "ci_high": -0.12,
        "p_value": 0.03,
    }
    values = {
        **{"analysis": analysis, "title": "Made-up pain, acupuncture versus sham", "condition": ["DPN"]},
        **{"purpose": "treatment", "domain": "pain", "comparison": "acupuncture versus sham"},
        **{"experimental_name": "acupuncture", "control_name": "sham", "measure": "MD", "scale": "0-10"},
        **{"unit": "points", "better": "lower", "status": status, "k": k, "n_experimental": 20 * k},
        **{"n_control": 21 * k, "n_imputed": 0},
        "methods": {
            **{"tau2_method": "REML", "interval": "hksj_adhoc", "level": 0.95},
            **{"several_effects": "prefer", "multi_arm": "combine", "text": ["Random effects, REML."]},
        },
        "pooled": pooled() if k > 1 else single if k else None,
        "mcid": {"value": 1.0, "unit": "points", "kind": "anchor", "source": "made up"},
        "direction": {"left": "favours acupuncture", "right": "favours sham"},
        "studies": [study(number, analysis=analysis) for number in range(1, k + 1)],
        "not_used": [],
        "known": [],
        "subgroups": [],
        "subgroup_column": None,
    }
    return values | changes


def certain(level: str = "moderate", **changes: Any) -> Appraised:
    """A made-up record with an assessed certainty."""
    domains = [
        {"domain": name, "levels_down": down, "reason": "r", "overridden": False}
        for name, down in (("risk_of_bias", 1), ("inconsistency", 0))
    ]
    made = record(**changes)
    size = size_of(made, default_rules(SHIPPED)["certainty"]["imprecision"])
    certainty = {"level": level, "suggested": level, "domains": domains, "size": size}
    return replace(made, certainty=sketch(Certainty, certainty))


HOSTILE = "<script>alert('x')</script>|\"*_[a](javascript:alert(1))\u202eevil"


def evidence() -> dict[str, list[dict[str, Any]]]:
    """Made-up evidence rows behind the made-up records."""
    keys = ("journal", "country", "population", "purpose", "registration", "setting_note", "doi", "pmid")
    studies = [
        {"study_id": f"Madeup{2000 + n}", "first_author": "Madeup", "year": 2000.0 + n, "condition": "DPN"}
        | {"n_randomised": 44.0, "design": "parallel", "source_url": "https://example.org/s"}
        for n in range(1, 4)
    ]
    studies.append(studies[0] | {"study_id": "Known2010", "first_author": "Known"})
    continuous = [
        {"row_id": f"continuous.csv:{n}", "study_id": f"Madeup{1999 + n}", "arm": "acu", "centre": 3.25}
        | {"source_url": "https://example.org/row", "locator": "Table 9", "reading": "double", "note": None}
        for n in range(2, 5)
    ]
    judged = {"tool": "RoB2", "domain": "randomisation", "assessed_by": "10.1000/x", "note": None}
    return {
        "studies": [dict.fromkeys(keys) | study for study in studies],
        "continuous": continuous,
        "risk_of_bias": [
            judged | {"study_id": "Madeup2001", "judgement": "low"},
            judged | {"study_id": "Madeup2002", "judgement": "some_concerns"},
        ],
    }


def everything() -> dict[str, Any]:
    """Arguments of `render_pages` for a page on which every kind of block stands, some of it hostile."""
    from trialpool.records import to_json
    from trialpool.synthesis.claims import appraise, default_rules

    known = [
        {"study_id": "Known2010", "label": HOSTILE, "n_randomised": 50.0, "has_numbers": False}
        | {"source_url": "javascript:alert(1)"}
    ]
    records = [
        raw_record(),
        raw_record("demo-hostile", title=HOSTILE, note=HOSTILE),
        raw_record("demo-single", k=1, title="Made-up single trial: needles versus usual care"),
        raw_record("demo-gap", k=0, title="Made-up gap", condition=["CIPN"], known=known),
    ]
    claims = {
        "sham": {"statement": "More than sham.", "kind": "important_benefit", "analyses": ["demo-pain"]},
        "gap": {"statement": "A gap.", "kind": "benefit", "analyses": ["demo-gap"], "also": ["demo-single"]},
    }
    tables = evidence()
    rules = {**default_rules(SHIPPED), "overrides": {}, "claims": claims}
    given = [sketch(Appraised, each) for each in records]
    appraisal = to_json(appraise(given, tables["risk_of_bias"], rules))
    appraised = [sketch(Appraised, each | appraisal["analyses"][each["analysis"]]) for each in records]
    return {"records": appraised, "tables": tables, "claims": read_claims(appraisal)}


def network(**changes: Any) -> Network:
    """A made-up network of three treatments, one of them compared with the reference by no analysis."""
    league = [
        {
            "experimental": name,
            "control": "sham",
            "trials": trials,
            "estimate": y,
            "ci_low": y - 1,
            "ci_high": y + 1,
        }
        for name, trials, y in (("needles", 3, -1.25), ("rest", 0, 0.5))
    ]
    ranking = [
        {"treatment": name, "trials": 3, "certainty": certainty, "p_score": score, "mean_rank": 1.5}
        for name, certainty, score in (
            ("needles", "low", 0.93),
            ("sham", "reference", 0.5),
            ("rest", "not assessed: no direct comparison", 0.07),
        )
    ]
    left = [
        {"study_id": "Only2001", "label": "Only 2001", "kind": "protocol", "reason": "responders only"},
        {"study_id": "Known2010", "label": "Known 2010", "kind": "no_number"},
    ]
    known: dict[str, Any] = {"network": "made-up", "title": "Made-up network", "note": "If trials are alike."}
    known |= {"measure": "MD", "better": "lower", "analyses": ["demo-pain"], "trials": 4, "left_out": left}
    known |= {"sentence": "3 treatments are connected.", "fit": {"reference": "sham"}, "league": league}
    return sketch(Network, known | {"ranking": ranking}, **changes)


def pages(*args: Any, **settings: Any) -> dict[str, str]:
    """The HTML of every page by its name; arguments as of `render_pages`."""
    return {name: "".join(parts) for name, parts in render_pages(*args, **settings)}


def render_page(*args: Any, **settings: Any) -> str:
    """The HTML of index.html alone; arguments as of `render_pages`."""
    return "".join(next(render_pages(*args, **settings))[1])
