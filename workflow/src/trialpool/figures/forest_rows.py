"""What a forest plot says, row by row, before anything is placed: a result record as words and numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialpool.figures import style
from trialpool.figures.forest_bias import bias_cells, shown_domains
from trialpool.figures.forest_footnotes import Notes, new_notes, row_marks
from trialpool.figures.lettering import clean
from trialpool.report import safe, words

SIDES = ("experimental", "control")
_ABBREVIATIONS = re.compile(r"\b(adl|cipn|ctcae|emg|mymop|ncv|ntx|pgic|tss)\b")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a forest plot.

    `kind` is study, heading, subtotal, pooled or prediction; `cells` maps a column's key to its text;
    `estimate`, `low` and `high` are on the natural scale; `marks` stand raised behind the label.
    """

    kind: str
    cells: Mapping[str, str]
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    weight: float | None = None
    hollow: bool = False
    marks: str = ""
    url: str = ""


def forest_rows(record: Mapping[str, Any], look: style.Preset) -> tuple[list[Row], Notes]:
    """All rows of the plot from top to bottom, and the footnotes that they call for.

    `look` says how intervals, spreads and the total are written.

    >>> rows, _ = forest_rows({"studies": [{"label": "Lu 2020", "estimate": -1.0}]}, style.DEFAULT)
    >>> rows[0].cells["study"], rows[0].cells["estimate"]
    ('Lu 2020', '−1.00')
    """
    studies = [row for row in record.get("studies") or [] if row.get("estimate") is not None]
    notes = new_notes(studies)
    digits = _effect_digits(record, studies)
    domains = shown_domains(studies, look.bias)
    rows: list[Row] = []
    groups = _grouped(record, studies)
    for group, members in groups:
        if group is not None:
            rows.append(Row("heading", {"study": _group_name(group.get("name"))}))
        rows += [_study_row(record, study, digits, look, notes, domains) for study in members]
        if group and group.get("pooled") and (group.get("k") or 0) > 1:
            rows.append(_subtotal(group, digits, look))
    if record.get("status") == "pooled" and record.get("pooled"):
        rows += _pooled_rows(record, digits, look)
    return rows, notes


def _group_name(name: Any) -> str:
    """A subgroup's name in words: codes of the codebook without their underscores."""
    return words.capital(clean(words.spaced(name)).replace("vitamin b", "vitamin B")) or "Other trials"


def _effect_digits(record: Mapping[str, Any], studies: Sequence[Mapping[str, Any]]) -> int | None:
    """Decimals of all effects: those of the pooled line, so that figure and tables agree; None for ratios."""
    measure = record.get("measure")
    if measure in words.RATIO_MEASURES:
        return None
    if measure == "SMD":
        return 2
    pooled = record.get("pooled") or (studies[0] if studies else {})
    low, high = ("ci_low", "ci_high") if record.get("pooled") else ("estimate_low", "estimate_high")
    return words.digits_for([pooled.get("estimate"), pooled.get(low), pooled.get(high)])


def _shown(value: float | None, digits: int | None) -> str:
    return words.ratio(value) if digits is None else words.number(value, digits)


def _effect_cells(
    estimate: float | None,
    low: float | None,
    high: float | None,
    digits: int | None,
    look: style.Preset,
) -> dict[str, str]:
    cells = {"estimate": "" if estimate is None else _shown(estimate, digits)}
    if low is None or high is None:
        return cells
    opening, joint, closing = look.around
    cells["interval"] = f"{opening}{_shown(low, digits)}{joint}{_shown(high, digits)}{closing}"
    return cells


def _grouped(
    record: Mapping[str, Any], studies: Sequence[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any] | None, list[Mapping[str, Any]]]]:
    """Studies under their subgroups in the record's order; one group without heading when there are none."""
    groups = record.get("subgroups") or []
    column = record.get("subgroup_column")
    if not groups:
        return [(None, list(studies))]
    names = [str(group.get("name")) for group in groups]
    if not column:
        keys = ("subgroup", *(studies[0] if studies else ()))
        column = next((key for key in keys if _partitions(key, names, studies)), "subgroup")
    parts: list[tuple[Mapping[str, Any] | None, list[Mapping[str, Any]]]] = []
    for group, name in zip(groups, names, strict=True):
        parts.append((group, [study for study in studies if str(study.get(column)) == name]))
    rest = [study for study in studies if str(study.get(column)) not in names]
    return parts + ([({"name": "Other trials"}, rest)] if rest else [])


def _partitions(key: str, names: Sequence[str], studies: Sequence[Mapping[str, Any]]) -> bool:
    return {str(study.get(key)) for study in studies} == set(names)


def _study_row(
    record: Mapping[str, Any],
    study: Mapping[str, Any],
    digits: int | None,
    look: style.Preset,
    notes: Notes,
    domains: Sequence[str] | None,
) -> Row:
    estimate, low, high = (study.get(key) for key in ("estimate", "estimate_low", "estimate_high"))
    cells = {"study": clean(study.get("label") or study.get("study_id")) or "unnamed trial"}
    cells["outcome"] = _outcome(study) if look.outcome else ""
    for side in SIDES:
        cells |= _arm_cells(study, side, look)
    cells |= _effect_cells(estimate, low, high, digits, look)
    cells |= bias_cells(study, domains)
    weight = study.get("weight")
    if record.get("status") == "pooled" and weight is not None:
        cells["weight"] = f"{words.number(weight, 1)}%"
    return Row(
        "study",
        cells,
        estimate,
        low,
        high,
        weight,
        hollow=bool(study.get("imputed")),
        marks=row_marks(study, notes),
        url=safe.url(study.get("source_url")),
    )


def _outcome(study: Mapping[str, Any]) -> str:
    """What was measured and when, as the second line of a study: "NRS, week 8"."""
    parts = [clean(words.spaced(study.get("instrument"))), clean(words.spaced(study.get("item")))]
    name = ": ".join(part for part in parts if part)
    name = _ABBREVIATIONS.sub(lambda found: found.group().upper(), name)
    weeks = study.get("weeks")
    when = "" if weeks is None else f"week\u00a0{words.plain_number(round(float(weeks), 1))}"
    return ", ".join(part for part in (name, when) if part)


def _arm_cells(study: Mapping[str, Any], side: str, look: style.Preset) -> dict[str, str]:
    """What one arm got, how many people, and what is known of its result."""
    n = study.get(f"n_{side}")
    cells = {
        f"received_{side}": words.capital(clean(study.get(f"label_{side}") or "")),
        f"n_{side}": _people(n),
    }
    mean, sd, events = (study.get(f"{key}_{side}") for key in ("mean", "sd", "events"))
    if events is not None:
        cells[f"value_{side}"] = words.plain_number(events)
        cells[f"spread_{side}"] = f"/{cells[f'n_{side}']}"
    elif mean is not None:
        digits = words.digits_for([study.get("mean_experimental"), study.get("mean_control")])
        digits = min(max(digits, 1), 2)
        cells[f"value_{side}"] = words.number(mean, digits)
        if sd is not None:
            cells[f"sd_{side}"] = words.number(sd, digits)
            cells[f"spread_{side}"] = look.spread.format(cells[f"sd_{side}"])
    else:
        cells[f"value_{side}"] = words.MISSING
    return cells


def _people(n: Any) -> str:
    """A number of people; halves occur where an arm was split."""
    return words.MISSING if n is None else words.number(n, 0 if float(n).is_integer() else 1)


def _event_total(record: Mapping[str, Any], side: str, n: str) -> dict[str, str]:
    """Events of all trials together on one side, where every trial has them."""
    events = [study.get(f"events_{side}") for study in record.get("studies") or []]
    if not events or any(count is None for count in events):
        return {}
    return {f"value_{side}": words.number(sum(events), 0), f"spread_{side}": f"/{n}"}


def _subtotal(group: Mapping[str, Any], digits: int | None, look: style.Preset) -> Row:
    pooled = group["pooled"]
    estimate, low, high = (pooled.get(key) for key in ("estimate", "ci_low", "ci_high"))
    label = f"Subtotal, {words.count(group.get('k'), 'trial')}"
    spread = [
        f"{sign} = {text}"
        for sign, text in (("τ²", tau2_text(pooled.get("tau2"))), ("I²", i2_text(pooled.get("i2"))))
        if text != words.MISSING
    ]
    cells = {"study": label, "aside": ", ".join(spread), **_effect_cells(estimate, low, high, digits, look)}
    return Row("subtotal", cells, estimate, low, high)


def _pooled_rows(record: Mapping[str, Any], digits: int | None, look: style.Preset) -> list[Row]:
    pooled, methods = record["pooled"], record.get("methods") or {}
    estimate, low, high = (pooled.get(key) for key in ("estimate", "ci_low", "ci_high"))
    full, short = _total_label(record, look), _total_label(record, look, with_people=False)
    cells = {"study": full, "short": short, "weight": "100%"}
    for side in SIDES:
        n = record.get(f"n_{side}")
        total = _people(n) if n is not None else ""
        cells |= {f"n_{side}": total} | _event_total(record, side, total)
    cells |= _effect_cells(estimate, low, high, digits, look)
    rows = [Row("pooled", cells, estimate, low, high)]
    low, high = pooled.get("pi_low"), pooled.get("pi_high")
    if low is not None and high is not None:
        label = f"{words.percent(methods.get('level') or 0.95)} prediction interval"
        cells = {"study": label, **_effect_cells(None, low, high, digits, look)}
        rows.append(Row("prediction", cells, None, low, high))
    return rows


def _total_label(record: Mapping[str, Any], look: style.Preset, with_people: bool = True) -> str:
    methods = record.get("methods") or {}
    model = "Common effect" if methods.get("tau2_method") == "FE" else "Random effects"
    everybody = words.people(record)
    size = words.count(record.get("k"), "trial")
    if everybody is not None and with_people:
        least = "≥ " if words.some_uncounted(record) else ""
        size += f", {least}{words.count(everybody, 'person', 'people')}"
    level = words.percent(methods.get("level") or 0.95)
    return look.total.format(model=model, size=size, level=level)


def tau2_text(value: float | None) -> str:
    """τ² with two significant decimals at least.

    >>> tau2_text(0.0), tau2_text(0.0042), tau2_text(1.234), tau2_text(685.1965), tau2_text(None)
    ('0', '0.0042', '1.23', '685', '—')
    """
    if value is None:
        return words.MISSING
    if value >= 1e5 or 0 < value < 1e-4:
        return f"{value:.1e}" if value >= 1e5 else "<0.0001"
    return f"{value:.2g}" if value < 1 else f"{value:.3g}" if value < 1000 else words.number(value, 0)


def i2_text(value: float | None) -> str:
    """I², which is held in per cent.

    >>> i2_text(68.4), i2_text(None)
    ('68%', '—')
    """
    return words.MISSING if value is None else f"{words.number(value, 0)}%"
