"""Does the conclusion hold? The answers of the record, put so that a reader can take them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from trialpool import text as words
from trialpool.report import plots
from trialpool.report.marked import estimate_cell, interval_cell, mark
from trialpool.report.moderated import moderators_view
from trialpool.view.axis import no_effect
from trialpool.view.forest_table import estimate_of

Row = Mapping[str, Any]
RESULT = ("estimate", "ci_low", "ci_high")
KIND_NAMES = {
    "main": "As configured",
    "model": "Another model",
    "sparse": "A method for rare events",
    "inclusion": "A stricter choice of trials",
    "data": "Another choice of data",
    "leave one out": "One trial left out",
}
CONCLUSIONS = {"benefit": "benefit", "harm": "disadvantage", "unclear": "no clear difference"}
PRIORS = {"half_normal": "half-normal", "half_cauchy": "half-Cauchy", "uniform": "uniform"}


def robustness_view(record: Row) -> dict[str, Any] | None:
    """Grade, sentence, every other choice as a row, and further views; None where nothing was pooled."""
    held = record.get("robustness")
    if record["status"] != "pooled" or not held:
        return None
    return {
        "grade": held["grade"],
        "sentence": held["sentence"],
        **_choices(record),
        "multiverse": _multiverse(record),
        "bayes": _bayes(record),
        "multilevel": _multilevel(record),
        "small_study": (record.get("small_study") or {}).get("sentence") or "",
        "influential": [row["label"] for row in record.get("influence") or [] if row.get("influential")],
        "moderators": moderators_view(record),
    }


def _choices(record: Row) -> dict[str, Any]:
    """The sensitivity rows by kind, each with a small plot on one axis."""
    rows = record.get("sensitivity") or []
    listed = [(n, row) for n, row in enumerate(rows) if row["estimate"] is not None]
    untried = [f"{row['choice']} ({row['reason']})" for row in rows if row.get("reason")]
    if not listed:
        return {"kinds": [], "null": 0.0, "untried": untried}
    axis = plots.shared_axis(record["measure"], [row for _, row in listed])
    kinds: dict[str, list[dict[str, Any]]] = {}
    for number, row in listed:
        kinds.setdefault(row["kind"], []).append(
            {
                "choice": row["choice"],
                "k": row["k"],
                "plot": plots.whisker(axis, *(row[key] for key in RESULT)),
                "effect": estimate_cell(record, row, f"sensitivity.{number}.", RESULT),
                "conclusion": CONCLUSIONS.get(row["conclusion"], row["conclusion"]),
                "changes": bool(row["changes_conclusion"]),
            }
        )
    return {
        "kinds": [{"name": KIND_NAMES.get(kind, kind), "rows": rows} for kind, rows in kinds.items()],
        "null": plots.percent_position(axis, no_effect(record["measure"])),
        "untried": untried,
    }


def _multiverse(record: Row) -> Markup | str:
    """All combinations of choices at once, in one sentence."""
    found = record.get("multiverse")
    if not found:
        return ""
    low, middle, high = (
        mark(record, f"multiverse.{key}", found[key], text)
        for key, text in zip(
            ("estimate_low", "estimate_median", "estimate_high"),
            words.format_values(
                record["measure"],
                [found["estimate_low"], found["estimate_median"], found["estimate_high"]],
            ),
            strict=True,
        )
    )
    shares = (_share(record, "multiverse", found, key) for key in ("clear_benefit", "clear_harm"))
    return Markup(
        "All {} combinations of choices give estimates from {} to {} (median {}); {} show a clear benefit, "
        "{} a clear disadvantage."
    ).format(found["specifications"], low, high, middle, *shares)


def _share(record: Row, place: str, found: Row, key: str) -> Markup:
    return mark(record, f"{place}.{key}", found[key], words.percent(found[key]))


def _bayes(record: Row) -> Markup | str:
    """The probabilities of the first Bayesian fit, in one sentence."""
    fits = record.get("bayes") or []
    if not fits:
        return ""
    fit = fits[0]
    shown = interval_cell(record, estimate_of(record, fit, RESULT, "bayes.0."))
    told = Markup(
        "Seen the Bayesian way ({} prior on the differences between trials), the effect lies from {} with "
        "95% probability; the probability of any benefit is {}"
    ).format(PRIORS.get(fit["prior"], fit["prior"]), shown, _share(record, "bayes.0", fit, "p_benefit"))
    if not words.absent(fit.get("p_beyond_mcid")):
        beyond = _share(record, "bayes.0", fit, "p_beyond_mcid")
        told += Markup(", of a benefit beyond the minimal important difference {}").format(beyond)
    return told + "."


def _multilevel(record: Row) -> Markup | str:
    """All effects of each trial together, where trials report several."""
    found = record.get("multilevel")
    if not found:
        return ""
    keys = ("estimate", "robust_ci_low", "robust_ci_high")
    effect = estimate_cell(record, found, "multilevel.", keys)
    told = Markup(
        "All {} effects of the {} trials together (three-level model, robust interval): {}."
    ).format(found["effects"], found["trials"], effect)
    return told + Markup(" Caution: {}.").format(found["caution"]) if found.get("caution") else told
