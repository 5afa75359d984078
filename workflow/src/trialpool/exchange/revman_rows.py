"""A RevMan review as candidate rows of the codebook's tables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from trialpool.evidence.codebook import RATIOS, UNITS
from trialpool.exchange.candidates import (
    Candidates,
    Row,
    category_of,
    count,
    instrument_code,
    number,
    plain,
    split_name,
    study_ids,
    weeks_in,
    word,
)
from trialpool.exchange.revman import Datum, Outcome, Review, read_review
from trialpool.exchange.revman_totals import totals_table

JUDGEMENTS = {"YES": "low", "NO": "high", "UNKNOWN": "unclear"}
MEASURES = {
    "odds_ratio": ("odds ratio", "or", "peto_or", "peto odds ratio"),
    "risk_ratio": ("risk ratio", "rr", "relative risk"),
    "hazard_ratio": ("hazard ratio", "hr"),
    "rate_ratio": ("rate ratio",),
    "mean_difference": ("mean difference", "md", "wmd"),
    "smd": ("std. mean difference", "standardised mean difference", "smd"),
    "risk_difference": ("risk difference", "rd"),
}


def import_revman(path: str | Path, source_url: str = "") -> Candidates:
    """Candidate rows of a RevMan 5 file (.rm5), and its stored totals beside totals pooled from these rows.

    Group 1 of an outcome becomes the experimental arm, group 2 the control arm. `source_url` is where the
    review can be read; without it the DOI in the file is used. What RevMan does not record stays empty.

    >>> import_revman("review.rm5")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'review.rm5'
    """
    review = read_review(path)
    file = Path(path).name
    url = source_url or (f"https://doi.org/{review.doi}" if review.doi.startswith("10.") else "")
    names = study_ids((study.name, study.year) for study in review.studies)
    ids = dict(zip((study.key for study in review.studies), names, strict=True))
    remarks = list(review.remarks)
    rows = _result_rows(review, ids, file, url, remarks)
    rows["studies"] = [row for row in _studies(review, ids, file, url) if _has_arm(row, rows["arms"])]
    rows["risk_of_bias"] = list(_judgements(review, ids, rows["studies"], url, file, remarks))
    unused = len(review.studies) - len(rows["studies"])
    if unused:
        remarks.append(f"{unused} included studies have no usable data in this file and are left out.")
    remarks.append("revman_totals.csv sets RevMan's stored totals beside totals pooled anew from these data.")
    return Candidates(
        f"the RevMan file {file} ({review.title or 'without title'})",
        rows,
        remarks,
        {"revman_totals.csv": totals_table(review)},
    )


def _has_arm(study: Row, arms: Iterable[Row]) -> bool:
    return any(arm["study_id"] == study["study_id"] for arm in arms)


def _studies(review: Review, ids: dict[str, str], file: str, url: str) -> Iterator[Row]:
    for study in review.studies:
        author, year, _ = split_name(study.name, study.year)
        notes = f"{study.name} in the RevMan file {file}" + (f"; {study.notes}" if study.notes else "")
        yield {
            "study_id": ids[study.key],
            "first_author": plain(author, 200),
            "year": year,
            "journal": plain(study.journal, 200),
            "doi": study.doi if study.doi.startswith("10.") else "",
            "population": plain(study.participants),
            "setting_note": plain(notes),
            "source_type": "review",
            "source_url": url,
        }


def _result_rows(
    review: Review, ids: dict[str, str], file: str, url: str, remarks: list[str]
) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {"arms": [], "continuous": [], "events": [], "contrasts": []}
    arms: dict[tuple[str, str], Row] = {}
    for outcome in review.outcomes:
        if outcome.kind == "OTHER":
            remarks.append(f"Analysis {outcome.number} ({outcome.name}) is a text table: not imported.")
            continue
        twice = {key for key, times in Counter(datum.study for datum in outcome.data).items() if times > 1}
        for datum in outcome.data:
            if datum.study not in ids:
                remarks.append(f"Analysis {outcome.number}: {datum.study} is no included study, left out.")
                continue
            base = _base(outcome, datum, ids[datum.study], file, url)
            part = word(datum.subgroup) if datum.study in twice else ""
            table, made, problem = _made(outcome, datum, base, part)
            rows[table] += made
            if problem:
                remarks.append(f"Analysis {outcome.number}, {ids[datum.study]}: {problem}.")
            for row in _arms(outcome, ids[datum.study]) if made else ():
                arms.setdefault((row["study_id"], row["arm"]), row)
    return {name: _without_repeats(made) for name, made in rows.items()} | {"arms": list(arms.values())}


def _without_repeats(rows: Iterable[Row]) -> list[Row]:
    """Rows once each: an arm that several comparisons share stands in the file several times."""
    kept: dict[tuple[tuple[str, str], ...], Row] = {}
    for row in rows:
        kept.setdefault(tuple(cell for cell in row.items() if cell[0] not in ("locator", "note")), row)
    return list(kept.values())


def _labels(outcome: Outcome) -> tuple[str, str]:
    return outcome.groups[0] or "Experimental", outcome.groups[1] or "Control"


def arm_ids(outcome: Outcome) -> tuple[str, str]:
    """The arm ids of an outcome's two groups, made from their labels.

    >>> arm_ids(Outcome("DICH", "1.1", "", "", "RR", ("Laser", "Sham laser"), ("", ""), {}, "", (), {}))
    ('laser', 'sham_laser')
    """
    first, second = (word(label, 40) or f"group_{place}" for place, label in enumerate(_labels(outcome), 1))
    return (first, second) if first != second else (f"{first}_1", f"{second}_2")


def _arms(outcome: Outcome, study: str) -> Iterator[Row]:
    roles = ("experimental", "control")
    for role, arm, label in zip(roles, arm_ids(outcome), _labels(outcome), strict=True):
        category = category_of(label)
        yield {"study_id": study, "arm": arm, "role": role, "category": category, "label": plain(label, 200)}


def _base(outcome: Outcome, datum: Datum, study: str, file: str, url: str) -> Row:
    where = f"RevMan file {file}, analysis {outcome.number} {outcome.comparison}: {outcome.name}"
    notes = [f"subgroup: {datum.subgroup}" if datum.subgroup else "", datum.footnote, outcome.footnote]
    if outcome.values.get("SWAP_EVENTS") == "YES":
        notes.append("RevMan analyses the people without the event here")
    if datum.values.get("ESTIMABLE") == "NO":
        notes.append("not estimable in RevMan")
    weeks = weeks_in(datum.subgroup) or weeks_in(outcome.name)
    if weeks:
        notes.append(f"week {weeks} from the {'subgroup' if weeks_in(datum.subgroup) else 'outcome'}'s name")
    return {
        "study_id": study,
        "weeks": weeks,
        "source_url": url,
        "locator": plain(where),
        "reading": "single",
        "note": plain("; ".join(note for note in notes if note)),
    }


def _made(outcome: Outcome, datum: Datum, base: Row, part: str) -> tuple[str, list[Row], str]:
    """The table, the rows and, if there are none, why."""
    sides = tuple(zip(("1", "2"), arm_ids(outcome), strict=True))
    if outcome.kind == "DICH":
        made = [_event_row(outcome, datum, base, part, side, arm) for side, arm in sides]
        usable = all(row["n"] not in ("", "0") and row["events"] for row in made)
        return "events", made if usable else [], "" if usable else "no counts or nobody in a group, left out"
    if outcome.kind == "CONT":
        made = [_mean_row(outcome, datum, base, part, side, arm) for side, arm in sides]
        usable = all(row["centre"] and row["n"] not in ("", "0") for row in made)
        problem = "" if usable else "no mean or nobody in a group, left out"
        return "continuous", made if usable else [], problem
    row = _contrast_row(outcome, datum, base, part)
    return "contrasts", [row] if row else [], "" if row else "no estimate with its interval or SE, left out"


def _event_row(outcome: Outcome, datum: Datum, base: Row, part: str, side: str, arm: str) -> Row:
    code = word(outcome.name) or "outcome"
    return base | {
        "arm": arm,
        "outcome": f"{code}_{part}"[:100].strip("_") if part else code,
        "definition": plain(outcome.name),
        "events": count(datum.values.get(f"EVENTS_{side}")),
        "n": count(datum.values.get(f"TOTAL_{side}")),
    }


def _outcome_cells(outcome: Outcome, part: str) -> Row:
    units = outcome.values.get("UNITS", "")
    return {
        "instrument": instrument_code(outcome.name) or "OUTCOME",
        "item": part,
        "unit": units if units in UNITS else "",
    }


def _mean_row(outcome: Outcome, datum: Datum, base: Row, part: str, side: str, arm: str) -> Row:
    sd = number(datum.values.get(f"SD_{side}"))
    return base | {
        **_outcome_cells(outcome, part),
        "arm": arm,
        "n": count(datum.values.get(f"TOTAL_{side}")),
        "centre_type": "mean",
        "centre": number(datum.values.get(f"MEAN_{side}")),
        "spread_type": "sd" if sd else "none",
        "spread_low": sd,
    }


def _contrast_row(outcome: Outcome, datum: Datum, base: Row, part: str) -> Row | None:
    """A contrast as RevMan shows it; where it stores no interval, from the estimate and its SE."""
    name = outcome.measure.casefold().strip()
    measure = next((code for code, names in MEASURES.items() if name in names), "effect_unspecified")
    values, note = datum.values, base["note"]
    estimate, low, high = (number(values.get(name)) for name in ("EFFECT_SIZE", "CI_START", "CI_END"))
    spread = "ci95" if low and high and outcome.values.get("CI_STUDY", "95") in ("95", "95.0") else ""
    if not (estimate and spread):
        centre, se = number(values.get("ESTIMATE")), number(values.get("SE"))
        if not (centre and se):
            return None
        estimate, low, high, spread = centre, se, "", "se"
        if measure in RATIOS:
            bounds = [float(centre) + z * 1.959963984540054 * float(se) for z in (0, -1, 1)]
            estimate, low, high = (f"{math.exp(bound):.10g}" for bound in bounds)
            spread = "ci95"
            note = f"{note}; " * bool(note) + "95% interval computed from the stored log estimate and its SE"
    first, second = arm_ids(outcome)
    cells = {"arm_1": first, "arm_2": second, "measure": measure, "estimate": estimate, "note": note}
    cells |= {"spread_type": spread, "spread_low": low, "spread_high": high}
    sizes = {f"n_{side}": count(values.get(f"TOTAL_{side}")) for side in "12"}
    cells |= {name: size for name, size in sizes.items() if size != "0"}
    return base | _outcome_cells(outcome, part) | cells


def _judgements(
    review: Review, ids: dict[str, str], studies: list[Row], url: str, file: str, remarks: list[str]
) -> Iterator[Row]:
    """Judgements; an unknown without a word of reason is RevMan's default for "not judged" and left out."""
    used = {row["study_id"] for row in studies}
    seen: Counter[tuple[str, str]] = Counter()
    silent = 0
    for entry in review.judgements:
        study, domain = ids.get(entry.study, ""), word(entry.domain.split("(")[0]) or "domain"
        if entry.result not in JUDGEMENTS or study not in used:
            continue
        if entry.result == "UNKNOWN" and not entry.description:
            silent += 1
            continue
        seen[study, domain] += 1
        times = seen[study, domain]
        yield {
            "study_id": study,
            "tool": "RoB1",
            "domain": domain if times == 1 else f"{domain}_{times}",
            "judgement": JUDGEMENTS[entry.result],
            "assessed_by": review.doi if review.doi.startswith("10.") else url,
            "note": plain(f"RevMan file {file}; {entry.domain}; {entry.description}"),
        }
    if silent:
        remarks.append(f"{silent} judgements stand at RevMan's default, without any reason: not imported.")
