"""A RevMan 5 review (.rm5) in, candidate rows of the codebook out, and a proof that they are its data.

The proof (`revman_totals.csv`) sets the file's stored totals beside totals pooled anew from the imported
data, each by the file's own method. Methods as in RevMan 5 (Deeks & Higgins 2010): Mantel-Haenszel, inverse
variance or Peto, fixed or DerSimonian-Laird random effects (for Mantel-Haenszel with Q around the
Mantel-Haenszel estimate), normal intervals. The project's own analyses use other defaults.
"""

from __future__ import annotations

import csv
import io as streams
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from numpy.typing import NDArray

from trialpool.contracts import RATIO_CONTRASTS, UNITS
from trialpool.errors import Fault, InputError
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
from trialpool.stats.checks import one_of
from trialpool.stats.effect_sizes import (
    mean_difference,
    odds_ratio,
    risk_difference,
    risk_ratio,
    standardized_mean_difference,
)
from trialpool.stats.pooling import Pooled, PooledTables, mantel_haenszel, peto, pool

KINDS = ("DICH", "CONT", "IV", "IPD", "OTHER")
ASIDES = frozenset({"FOOTNOTE", "FOOTNOTES", "MARKER"})
BLOCKS = frozenset({"P", "BR", "LI", "OL", "UL", "HEADING", "SUBSECTION", "TR", "TD", "TH"})
JUDGEMENTS = {"YES": "low", "NO": "high", "UNKNOWN": "unclear"}
MEASURES = {  # RevMan's names, and ours
    **dict.fromkeys(("odds ratio", "or", "peto_or", "peto odds ratio"), "odds_ratio"),
    **dict.fromkeys(("risk ratio", "rr", "relative risk"), "risk_ratio"),
    **dict.fromkeys(("hazard ratio", "hr"), "hazard_ratio"),
    "rate ratio": "rate_ratio",
    **dict.fromkeys(("mean difference", "md", "wmd"), "mean_difference"),
    **dict.fromkeys(("std. mean difference", "standardised mean difference", "smd"), "smd"),
    **dict.fromkeys(("risk difference", "rd"), "risk_difference"),
}
Floats = NDArray[np.float64]
Total = tuple[float, float, float, float, float]  # estimate and bounds on the analysis scale, tau2, Q
TOTALS_COLUMNS = (
    *("analysis", "outcome", "subgroup", "kind", "measure", "method", "model", "studies"),
    *("stored_estimate", "pooled_estimate", "stored_ci_low", "pooled_ci_low", "stored_ci_high"),
    *("pooled_ci_high", "stored_q", "pooled_q", "stored_tau2", "pooled_tau2", "agree", "remark"),
)
STORED = ("EFFECT_SIZE", "CI_START", "CI_END", "CHI2", "TAU2")
TOLERANCE = 1e-6  # relative; RevMan stores about 15 digits


@dataclass(frozen=True, slots=True)
class Study:
    """One included study: RevMan's id, its name and year, facts of its primary reference, its notes."""

    key: str
    name: str
    year: str
    journal: str
    doi: str
    participants: str
    notes: str


@dataclass(frozen=True, slots=True)
class Datum:
    """The data of one study in one outcome: its XML attributes, the subgroup it stands in, its footnotes."""

    study: str
    values: Mapping[str, str]
    subgroup: str
    footnote: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of a comparison; `kind` is DICH, CONT, IV, IPD or OTHER, `values` its attributes.

    `subgroups` maps the names of its subgroups to their attributes, which hold their own totals.
    """

    kind: str
    number: str
    comparison: str
    name: str
    measure: str
    groups: tuple[str, str]
    values: Mapping[str, str]
    footnote: str
    data: tuple[Datum, ...]
    subgroups: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judgement on the risk of bias of a study."""

    study: str
    domain: str
    result: str
    description: str


@dataclass(frozen=True, slots=True)
class Review:
    """A review file, read."""

    title: str
    doi: str
    studies: tuple[Study, ...]
    outcomes: tuple[Outcome, ...]
    judgements: tuple[Judgement, ...]
    remarks: tuple[str, ...]


def read_review(path: str | Path) -> Review:
    """Read a .rm5 file. Raises InputError where it is no RevMan review, naming the line if it is broken XML.

    Entities that expand and external references are refused, whatever the file promises.

    >>> read_review("review.rm5")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'review.rm5'
    """
    path = Path(path)
    text, remarks = decode_xml(path.read_bytes())
    root = _parse(text, path)
    if root.tag != "COCHRANE_REVIEW":
        problem = f"the file is not a RevMan 5 review (its root is <{root.tag[:40]}>)"
        raise InputError([Fault(str(path), None, "", "", problem, "export the review as .rm5 from RevMan 5")])
    outcomes = tuple(_read_outcomes(root))
    if not outcomes:
        remarks = (*remarks, "The review holds no outcome with data.")
    return Review(
        title=text_of(root.find("COVER_SHEET/TITLE")),
        doi=root.get("DOI", "").strip(),
        studies=tuple(_read_studies(root)),
        outcomes=outcomes,
        judgements=tuple(_read_judgements(root)),
        remarks=remarks,
    )


def decode_xml(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of an XML file, in the encoding that it really has, with a remark where it declares another.

    RevMan declares ISO-8859-1; editors and web exports save such files as UTF-8 or Windows-1252 without
    changing the declaration. Non-ASCII bytes that form valid UTF-8 are UTF-8; else bytes 0x80 to 0x9f,
    which are control characters in ISO-8859-1, mean Windows-1252.

    >>> decode_xml(b'<?xml version="1.0" encoding="ISO-8859-1"?><a>M\\xfcller</a>')[0][-13:]
    '<a>Müller</a>'
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace"), ()
    declared = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding=[\"']([\w.-]+)", content)
    name = declared[1].decode().upper() if declared else "UTF-8"
    try:
        text = content.decode("utf-8-sig")
        honest = name in ("UTF-8", "UTF8") or content.isascii()
        return text, () if honest else (f"The file declares {name} but is UTF-8; read as UTF-8.",)
    except UnicodeDecodeError:
        pass
    honest = name in ("ISO-8859-1", "LATIN1", "LATIN-1", "WINDOWS-1252", "CP1252")
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text, () if honest else (f"The file declares {name} but is not; read as Windows-1252.",)


def _parse(text: str, path: Path) -> Element:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    line = None
    try:
        root: Element = fromstring(text, forbid_dtd=False)
        return root
    except ParseError as error:
        line, problem = error.position[0], f"the file is not well-formed XML ({str(error).split(':')[0]})"
    except DefusedXmlException as error:
        problem = f"the file uses XML entities, which are not accepted ({type(error).__name__})"
    raise InputError([Fault(str(path), line, "", "", problem, "export it anew from RevMan")])


def text_of(element: Element | None) -> str:
    """The text inside an element on one line, without the footnotes that RevMan sets inside it.

    >>> from xml.etree.ElementTree import fromstring
    >>> text_of(fromstring("<NAME>Pain <I>at rest</I><FOOTNOTE>on VAS</FOOTNOTE>, week 4</NAME>"))
    'Pain at rest, week 4'
    """
    if element is None:
        return ""
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag not in ASIDES:
            yield from _pieces(child)
        if child.tag in BLOCKS:
            yield " "
        yield child.tail or ""


def footnotes_of(element: Element) -> str:
    """The footnotes of an element itself and of its labels, not of the data below it.

    >>> from xml.etree.ElementTree import fromstring
    >>> footnotes_of(fromstring("<DICH_DATA><FOOTNOTE>counts from percentages</FOOTNOTE></DICH_DATA>"))
    'counts from percentages'
    """
    labels = [each for tag in ("NAME", "GROUP_LABEL_1", "GROUP_LABEL_2") for each in element.iterfind(tag)]
    notes = [*element.iterfind("FOOTNOTE"), *(note for label in labels for note in label.iter("FOOTNOTE"))]
    return "; ".join(filter(None, map(text_of, notes)))


def _read_studies(root: Element) -> Iterator[Study]:
    chars = {char.get("STUDY_ID", ""): char for char in root.iter("INCLUDED_CHAR")}
    for study in root.iterfind(".//INCLUDED_STUDIES/STUDY"):
        key = study.get("ID", "")
        char = chars.get(key)
        references = study.findall("REFERENCE")
        primary = [entry for entry in references if entry.get("PRIMARY") == "YES"] or references
        marks = [mark for entry in [study, *primary] for mark in entry.iterfind("IDENTIFIERS/IDENTIFIER")]
        doi = next((mark.get("VALUE", "") for mark in marks if mark.get("TYPE", "").upper() == "DOI"), "")
        yield Study(
            key=key,
            name=study.get("NAME", "") or _unescaped(key),
            year=study.get("YEAR", ""),
            journal=text_of(primary[0].find("SO")) if primary else "",
            doi=doi.strip(),
            participants=text_of(char.find("CHAR_PARTICIPANTS")) if char is not None else "",
            notes=text_of(char.find("CHAR_NOTES")) if char is not None else "",
        )


def _unescaped(key: str) -> str:
    """RevMan writes signs of an id as _x002d_; `STD-` stands in front."""
    text = re.sub(r"_x([0-9a-fA-F]{4})_", lambda found: chr(int(found[1], 16)), key)
    return text.removeprefix("STD-").replace("-", " ")


def _read_outcomes(root: Element) -> Iterator[Outcome]:
    for comparison in root.iter("COMPARISON"):
        title = text_of(comparison.find("NAME"))
        for element in comparison:
            kind = element.tag.removesuffix("_OUTCOME")
            if element.tag.endswith("_OUTCOME") and kind in KINDS:
                yield Outcome(
                    kind=kind,
                    number=f"{comparison.get('NO', '?')}.{element.get('NO', '?')}",
                    comparison=title,
                    name=text_of(element.find("NAME")),
                    measure=element.get("EFFECT_MEASURE", "") or text_of(element.find("EFFECT_MEASURE")),
                    groups=(text_of(element.find("GROUP_LABEL_1")), text_of(element.find("GROUP_LABEL_2"))),
                    values=dict(element.attrib),
                    footnote=footnotes_of(element),
                    data=tuple(_read_data(element, kind)),
                    subgroups={
                        text_of(part.find("NAME")): dict(part.attrib)
                        for part in element.iterfind(f"{kind}_SUBGROUP")
                    },
                )


def _read_data(outcome: Element, kind: str) -> Iterator[Datum]:
    """The data of an outcome in the file's order, those of its subgroups included."""
    for child in outcome:
        inside = child if child.tag == f"{kind}_SUBGROUP" else None
        subgroup = text_of(child.find("NAME")) if inside is not None else ""
        shared = footnotes_of(child) if inside is not None else ""
        for datum in child.iterfind(f"{kind}_DATA") if inside is not None else [child]:
            if datum.tag == f"{kind}_DATA":
                notes = "; ".join(note for note in (footnotes_of(datum), shared) if note)
                yield Datum(datum.get("STUDY_ID", ""), dict(datum.attrib), subgroup, notes)


def _read_judgements(root: Element) -> Iterator[Judgement]:
    for item in root.iter("QUALITY_ITEM"):
        domain = text_of(item.find("NAME"))
        for entry in item.iter("QUALITY_ITEM_DATA_ENTRY"):
            study, result = entry.get("STUDY_ID", ""), entry.get("RESULT", "")
            if study and result:
                yield Judgement(study, domain, result, text_of(entry.find("DESCRIPTION")))


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
    used = {arm["study_id"] for arm in rows["arms"]}
    rows["studies"] = [row for row in _study_rows(review, ids, file, url) if row["study_id"] in used]
    rows["risk_of_bias"] = list(_judgement_rows(review, ids, used, url, file, remarks))
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


def _study_rows(review: Review, ids: dict[str, str], file: str, url: str) -> Iterator[Row]:
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

    >>> arm_ids(Outcome("DICH", "1.1", "", "", "RR", ("Laser", "Sham laser"), {}, "", (), {}))
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
    measure = MEASURES.get(outcome.measure.casefold().strip(), "effect_unspecified")
    values, note = datum.values, base["note"]
    estimate, low, high = (number(values.get(name)) for name in ("EFFECT_SIZE", "CI_START", "CI_END"))
    spread = "ci95" if low and high and outcome.values.get("CI_STUDY", "95") in ("95", "95.0") else ""
    if not (estimate and spread):
        centre, se = number(values.get("ESTIMATE")), number(values.get("SE"))
        if not (centre and se):
            return None
        estimate, low, high, spread = centre, se, "", "se"
        if measure in RATIO_CONTRASTS:
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


def _judgement_rows(
    review: Review, ids: dict[str, str], used: set[str], url: str, file: str, remarks: list[str]
) -> Iterator[Row]:
    """Judgements; an unknown without a word of reason is RevMan's default for "not judged" and left out."""
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


def totals_table(review: Review) -> str:
    """CSV text: a row for the total of each subgroup and of each outcome.

    >>> totals_table(Review("", "", (), (), (), ())).startswith("analysis,outcome,subgroup")
    True
    """
    buffer = streams.StringIO()
    writer = csv.DictWriter(buffer, TOTALS_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for outcome in review.outcomes:
        if outcome.kind != "OTHER":
            writer.writerows(total_row(part, name) for name, part in parts_of(outcome))
            writer.writerow(total_row(outcome))
    return buffer.getvalue()


def parts_of(outcome: Outcome) -> Iterator[tuple[str, Outcome]]:
    """The subgroups of an outcome, each as an outcome of its own with the totals stored for it.

    >>> list(parts_of(Outcome("DICH", "1.1", "", "", "RR", ("", ""), {}, "", (), {})))
    []
    """
    for name, values in outcome.subgroups.items():
        data = tuple(datum for datum in outcome.data if datum.subgroup == name)
        shown = "NO" if outcome.values.get("TOTALS") == "NO" else "YES"
        settings = {key: value for key, value in outcome.values.items() if key not in STORED}
        yield name, replace(outcome, values={**settings, **values, "TOTALS": shown}, data=data)


def total_row(outcome: Outcome, subgroup: str = "") -> dict[str, str]:
    """The stored total and the one pooled anew; `agree` is yes, no, or empty where none is stored.

    >>> total_row(Outcome("DICH", "1.1", "", "", "RR", ("", ""), {}, "", (), {}))["remark"]
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
    >>> used, total = pooled_total(Outcome("CONT", "1.1", "", "", "MD", ("", ""), {}, "", data, {}))
    >>> used, round(total[0], 2), round(total[1], 2)
    (1, -1.0, -2.24)
    """
    level = float(number(outcome.values.get("CI_TOTAL")) or "95") / 100
    random = outcome.values.get("RANDOM") == "YES"
    if outcome.kind == "DICH":
        return _tables(outcome, level, random)
    effects = list(_effects(outcome))
    if not effects:
        raise ValueError("no study has an effect with its variance")
    values, variances = np.array(effects).T
    return len(effects), _by_inverse_variance(values, variances, level, random)


def _by_inverse_variance(effects: Floats, variances: Floats, level: float, random: bool) -> Total:
    fit = pool(effects, variances, tau2_method="DL" if random else "FE", interval="wald", level=level)
    return (*_interval(fit), float(fit.tau2) if random else 0.0, float(fit.q))


def _interval(fit: Pooled | PooledTables) -> tuple[float, float, float]:
    return float(fit.estimate), float(fit.ci_low), float(fit.ci_high)


standardised = partial(standardized_mean_difference, variance="revman5")


def _effects(outcome: Outcome) -> Iterator[tuple[float, float]]:
    for datum in outcome.data:
        if outcome.kind == "CONT":
            cells = _numbers(datum, ("MEAN_1", "SD_1", "TOTAL_1", "MEAN_2", "SD_2", "TOTAL_2"))
            if cells and min(cells[2], cells[5]) > 0 and max(cells[1], cells[4]) > 0:
                smd = outcome.measure.casefold() in ("smd", "std. mean difference")
                effect = standardised(*cells) if smd else mean_difference(*cells)
                yield float(effect.effect), float(effect.variance)
        else:
            cells = _numbers(datum, ("ESTIMATE", "SE")) or _from_logrank(datum)
            if cells and cells[1] > 0:
                yield cells[0], cells[1] ** 2


def _numbers(datum: Datum, names: Sequence[str]) -> list[float] | None:
    texts = [number(datum.values.get(name)) for name in names]
    return [float(text) for text in texts] if all(texts) else None


def _from_logrank(datum: Datum) -> list[float] | None:
    """Log hazard ratio (O - E)/V with SE 1/sqrt(V) (Yusuf et al. 1985)."""
    cells = _numbers(datum, ("O_E", "VAR"))
    return [cells[0] / cells[1], 1 / math.sqrt(cells[1])] if cells and cells[1] > 0 else None


def _tables(outcome: Outcome, level: float, random: bool) -> tuple[int, Total]:
    names = ("EVENTS_1", "TOTAL_1", "EVENTS_2", "TOTAL_2")
    tables = [cells for datum in outcome.data if (cells := _numbers(datum, names))]
    kept = [cells for cells in tables if min(cells[1], cells[3]) > 0]
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
        fixed = peto(events1, n1, events2, n2, level=level)
        return len(n1), (*_interval(fixed), 0.0, float(fixed.q))
    compute = {"OR": odds_ratio, "RR": risk_ratio, "RD": risk_difference}[measure]
    own = compute(events1, n1, events2, n2)
    if method != "MH":
        return len(n1), _by_inverse_variance(own.effect, own.variance, level, random)
    fixed = mantel_haenszel(events1, n1, events2, n2, measure=measure, level=level)
    if random:
        return len(n1), _random(own.effect, own.variance, float(fixed.q), level)
    return len(n1), (*_interval(fixed), 0.0, float(fixed.q))


def _random(effects: Floats, variances: Floats, q: float, level: float) -> Total:
    """DerSimonian & Laird 1986 with a given Q: here the one around the Mantel-Haenszel estimate."""
    weights = 1 / variances
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    tau2 = max(0.0, (q - (len(effects) - 1)) / scale) if scale > 0 else 0.0
    fit = pool(effects, variances + tau2, tau2_method="FE", interval="wald", level=level)
    return (*_interval(fit), tau2, q)
