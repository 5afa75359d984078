"""A RevMan 5 review (.rm5) in, candidate rows of the codebook out, and a proof that they are its data.

The proof (`revman_totals.csv`) sets the file's stored totals beside totals pooled anew from the imported
data, each by the file's own method. Methods as in RevMan 5 (Deeks & Higgins 2010): Mantel-Haenszel, inverse
variance or Peto, fixed or DerSimonian-Laird random effects (for Mantel-Haenszel with Q around the
Mantel-Haenszel estimate), normal intervals. The project's own analyses use other defaults.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from numpy.typing import NDArray

from trialpool import stats
from trialpool.contracts import LARGEST, RATIO_CONTRASTS
from trialpool.errors import Fault, InputError
from trialpool.evidence.effects import EVENT_EFFECTS, MEAN_EFFECTS
from trialpool.exchange import candidates as cell
from trialpool.exchange.candidates import (
    OUTCOME,
    WORDS,
    Asked,
    Candidates,
    Codes,
    Question,
    Row,
    csv_text,
    split_name,
    study_ids,
    treatment_code,
)
from trialpool.measures import METHODS
from trialpool.stats.checks import one_of
from trialpool.vocabulary import general
from trialpool.yaml_files import schema_of

KINDS = ("DICH", "CONT", "IV", "IPD", "OTHER")
SIDES = ("1", "2")
NUMBERS = ("EVENTS", "TOTAL", "MEAN", "SD")
INCLUDED = ".//INCLUDED_STUDIES/STUDY"
ASIDES = frozenset({"FOOTNOTE", "FOOTNOTES", "MARKER"})
BLOCKS = frozenset({"P", "BR", "LI", "OL", "UL", "HEADING", "SUBSECTION", "TR", "TD", "TH"})
REVMAN: Mapping[str, Mapping[str, str]] = WORDS["revman"]  # its words and ours
STORED = {"estimate": "EFFECT_SIZE", "ci_low": "CI_START", "ci_high": "CI_END", "q": "CHI2", "tau2": "TAU2"}
TOTALS_COLUMNS = (
    *("analysis", "outcome", "subgroup", "kind", "measure", "method", "model", "studies"),
    *(f"{source}_{name}" for name in STORED for source in ("stored", "pooled")),
    *("agree", "remark"),
)
TOLERANCE = 1e-6  # relative; RevMan stores about 15 digits
Z95 = 1.959963984540054
Floats = NDArray[np.float64]
Total = tuple[float, float, float, float, float]  # as STORED, estimate and bounds on the analysis scale


@dataclass(frozen=True, slots=True)
class Datum:
    """The data of one study in one outcome: its XML attributes, the subgroup it stands in, its footnotes."""

    study: str
    values: Mapping[str, str]
    subgroup: str = ""
    footnote: str = ""

    def numbers(self, *names: str) -> list[float] | None:
        """Some of its values, None unless all of them are numbers that a trial may report."""
        numbers = [float(cell.number(self.values.get(name)) or "inf") for name in names]
        return numbers if all(abs(value) <= LARGEST for value in numbers) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of a comparison; `kind` is DICH, CONT, IV, IPD or OTHER, `values` its attributes.

    `subgroups` maps the names of its subgroups to their attributes, which hold their own totals.
    """

    kind: str
    number: str
    measure: str = ""
    comparison: str = ""
    name: str = ""
    groups: tuple[str, str] = ("", "")
    values: Mapping[str, str] = field(default_factory=dict)
    footnote: str = ""
    data: tuple[Datum, ...] = ()
    subgroups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    favours: tuple[str, str] = ("", "")
    mark: str = ""  # tells its code from that of another outcome of the same name

    @property
    def labels(self) -> tuple[str, str]:
        """What the two groups are called."""
        return self.groups[0] or "Experimental", self.groups[1] or "Control"

    @property
    def arms(self) -> tuple[str, str]:
        """The arm ids of the two groups, made from their labels.

        >>> Outcome("DICH", "1.1", groups=("Laser", "Sham laser")).arms
        ('laser', 'sham_laser')
        """
        first, second = (cell.word(label, 40) or f"group_{at}" for at, label in enumerate(self.labels, 1))
        return (first, second) if first != second else (f"{first}_1", f"{second}_2")

    @property
    def random(self) -> bool:
        """Whether RevMan pools it with random effects."""
        return self.values.get("RANDOM") == "YES"

    @property
    def ratio(self) -> bool:
        """Whether its effects are ratios."""
        name = self.measure.casefold()
        return name in ("or", "rr", "hr", "peto_or") or "ratio" in name


@dataclass(frozen=True, slots=True)
class Review:
    """A review file, read: the whole as XML, its outcomes, our ids of its studies, where it can be read.

    `code` makes the codes of event outcomes, `item` those of subgroups, `instrument` those of scores.
    """

    file: str
    root: Element
    outcomes: tuple[Outcome, ...]
    ids: Mapping[str, str]
    url: str
    doi: str
    remarks: list[str]
    code: Codes = field(default_factory=lambda: Codes(100, "outcome"))
    item: Codes = field(default_factory=lambda: Codes(60, "subgroup"))
    instrument: Codes = field(default_factory=lambda: Codes(60, "outcome"))

    def included(self) -> Iterator[tuple[str, Element]]:
        """The included studies by our ids."""
        return ((self.ids[study.get("ID", "")], study) for study in self.root.iterfind(INCLUDED))


# Reading


def read_review(path: str | Path, source_url: str = "") -> Review:
    """Read a .rm5 file. Raises InputError where it is no RevMan review, naming the line if it is broken XML.

    Entities that expand and external references are refused, whatever the file promises.
    """
    path = Path(path)
    text, remarks = decode_xml(path.read_bytes())
    root = _parse(text, path)
    if root.tag != "COCHRANE_REVIEW":
        problem = f"the file is not a RevMan 5 review (its root is <{root.tag[:40]}>)"
        raise InputError([Fault(str(path), None, "", "", problem, "export the review as .rm5 from RevMan 5")])
    outcomes = tuple(_read_outcomes(root))
    remarks += [] if outcomes else ["The review holds no outcome with data."]
    included = root.findall(INCLUDED)
    names = study_ids((_study_name(study), study.get("YEAR", "")) for study in included)
    ids = dict(zip((study.get("ID", "") for study in included), names, strict=True))
    doi = _doi(root.get("DOI", ""))
    url = source_url or (f"https://doi.org/{doi}" if doi else "")
    return Review(path.name, root, outcomes, ids, url, doi, remarks)


def _doi(text: str) -> str:
    return text.strip() if text.strip().startswith("10.") else ""


def decode_xml(content: bytes) -> tuple[str, list[str]]:
    """The text of an XML file, in the encoding that it really has, with a remark where it declares another.

    RevMan declares ISO-8859-1; editors and web exports save such files as UTF-8 or Windows-1252 without
    changing the declaration. Non-ASCII bytes that form valid UTF-8 are UTF-8; else bytes 0x80 to 0x9f,
    which are control characters in ISO-8859-1, mean Windows-1252.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace"), []
    declared = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding=[\"']([\w.-]+)", content)
    name = declared[1].decode().upper() if declared else "UTF-8"
    for encoding, honest in (
        ("utf-8-sig", {"UTF-8", "UTF8"} | ({name} if content.isascii() else set())),
        ("cp1252", {"ISO-8859-1", "LATIN1", "LATIN-1", "WINDOWS-1252", "CP1252"}),
    ):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if name in honest:
            return text, []
        real = "is UTF-8; read as UTF-8" if encoding == "utf-8-sig" else "is not; read as Windows-1252"
        return text, [f"The file declares {name} but {real}."]
    return content.decode("latin-1"), []


def _parse(text: str, path: Path) -> Element:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    line = None
    try:
        return cast(Element, fromstring(text, forbid_dtd=False))
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
    return "" if element is None else " ".join("".join(_pieces(element)).split())


def _pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag not in ASIDES:
            yield from _pieces(child)
        yield " " if child.tag in BLOCKS else ""
        yield child.tail or ""


def _footnotes(element: Element) -> str:
    """The footnotes of an element itself and of its labels, not of the data below it."""
    labels = [each for tag in ("NAME", "GROUP_LABEL_1", "GROUP_LABEL_2") for each in element.iterfind(tag)]
    notes = [*element.iterfind("FOOTNOTE"), *(note for label in labels for note in label.iter("FOOTNOTE"))]
    return _joined(*map(text_of, notes))


def _read_outcomes(root: Element) -> Iterator[Outcome]:
    for comparison in root.iter("COMPARISON"):
        for element in comparison:
            kind = element.tag.removesuffix("_OUTCOME")
            if kind == element.tag or kind not in KINDS:
                continue
            parts = element.findall(f"{kind}_SUBGROUP")
            yield Outcome(
                kind=kind,
                number=f"{comparison.get('NO', '?')}.{element.get('NO', '?')}",
                measure=element.get("EFFECT_MEASURE", "") or text_of(element.find("EFFECT_MEASURE")),
                comparison=text_of(comparison.find("NAME")),
                name=text_of(element.find("NAME")),
                groups=(text_of(element.find("GROUP_LABEL_1")), text_of(element.find("GROUP_LABEL_2"))),
                values=dict(element.attrib),
                footnote=_footnotes(element),
                data=tuple(_read_data(element, kind)),
                subgroups={text_of(part.find("NAME")): dict(part.attrib) for part in parts},
                favours=(text_of(element.find("GRAPH_LABEL_1")), text_of(element.find("GRAPH_LABEL_2"))),
            )


def _read_data(outcome: Element, kind: str) -> Iterator[Datum]:
    """The data of an outcome in the file's order, those of its subgroups included."""
    for child in outcome:
        inside = child.tag == f"{kind}_SUBGROUP"
        subgroup, shared = (text_of(child.find("NAME")), _footnotes(child)) if inside else ("", "")
        for datum in child if inside else [child]:
            if datum.tag == f"{kind}_DATA":
                notes = _joined(_footnotes(datum), shared)
                yield Datum(datum.get("STUDY_ID", ""), dict(datum.attrib), subgroup, notes)


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))


# Rows


def import_revman(path: str | Path, source_url: str = "") -> Candidates:
    """Candidate rows of a RevMan 5 file (.rm5), and its stored totals beside totals pooled from these rows.

    Group 1 of an outcome becomes the experimental arm, group 2 the control arm. `source_url` is where the
    review can be read; without it the DOI in the file is used. What RevMan does not record stays empty.
    """
    review = read_review(path, source_url)
    rows, remarks = _result_rows(review), review.remarks
    used = {arm["study_id"] for arm in rows["arms"]}
    included = list(review.included())
    rows["studies"] = [_study_row(name, study, review) for name, study in included if name in used]
    rows["risk_of_bias"] = list(_judgement_rows(review, used))
    if unused := len(included) - len(rows["studies"]):
        remarks.append(f"{unused} included studies have no usable data in this file and are left out.")
    remarks.append("revman_totals.csv sets RevMan's stored totals beside totals pooled anew from these data.")
    title = text_of(review.root.find("COVER_SHEET/TITLE")) or "without title"
    totals = {"revman_totals.csv": totals_table(review.outcomes)}
    asked = own_analyses(review, rows["studies"], rows["risk_of_bias"])
    return Candidates(f"the RevMan file {review.file} ({title})", rows, remarks, totals, asked)


def _study_name(study: Element) -> str:
    """A study's name, or its id: RevMan writes signs there as _x002d_; `STD-` stands in front."""
    key = re.sub(r"_x([0-9a-fA-F]{4})_", lambda found: chr(int(found[1], 16)), study.get("ID", ""))
    return study.get("NAME", "") or key.removeprefix("STD-").replace("-", " ")


def _study_row(study_id: str, study: Element, review: Review) -> Row:
    name = _study_name(study)
    described = review.root.iter("INCLUDED_CHAR")
    chars = (char for char in described if char.get("STUDY_ID") == study.get("ID", ""))
    char = next(chars, Element("INCLUDED_CHAR"))
    note = _joined(f"{name} in the RevMan file {review.file}", text_of(char.find("CHAR_NOTES")))
    author, year, _ = split_name(name, study.get("YEAR", ""))
    references = study.findall("REFERENCE")
    primary = [entry for entry in references if entry.get("PRIMARY") == "YES"] or references
    marks = [mark for entry in [study, *primary] for mark in entry.iterfind("IDENTIFIERS/IDENTIFIER")]
    dois = (mark.get("VALUE", "") for mark in marks if mark.get("TYPE", "").upper() == "DOI")
    return {
        "study_id": study_id,
        "first_author": cell.plain(author, 200),
        "year": year,
        "journal": cell.plain(text_of(primary[0].find("SO")) if primary else "", 200),
        "doi": _doi(next(dois, "")),
        "population": cell.plain(text_of(char.find("CHAR_PARTICIPANTS"))),
        "setting_note": cell.plain(note),
        "source_type": "review",
        "source_url": review.url,
    }


def _result_rows(review: Review) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {"continuous": [], "events": [], "contrasts": []}
    arms: dict[tuple[str, str], Row] = {}
    for outcome in review.outcomes:
        where = f"Analysis {outcome.number}"
        if outcome.kind == "OTHER":
            review.remarks.append(f"{where} ({outcome.name}) is a text table: not imported.")
            continue
        times = Counter(datum.study for datum in outcome.data)
        for datum in outcome.data:
            study = review.ids.get(datum.study)
            if study is None:
                review.remarks.append(f"{where}: {datum.study} is no included study, left out.")
                continue
            part = datum.subgroup if times[datum.study] > 1 else ""
            table, made, problem = _made(outcome, datum, part, review)
            if not made:
                review.remarks.append(f"{where}, {study}: {problem}, left out.")
                continue
            base = _base(outcome, datum, review)
            for cells in made:
                note = _joined(base["note"], cells.get("note", ""))
                rows[table].append({"study_id": study, **base, **cells, "note": note})
            for arm in _arms(outcome):
                arms.setdefault((study, arm["arm"]), {"study_id": study, **arm})
    return {name: _without_repeats(made) for name, made in rows.items()} | {"arms": list(arms.values())}


def _without_repeats(rows: Iterable[Row]) -> list[Row]:
    """Rows once each: an arm that several comparisons share stands in the file several times."""
    kept: dict[frozenset[tuple[str, str]], Row] = {}
    for row in rows:
        kept.setdefault(frozenset(item for item in row.items() if item[0] not in ("locator", "note")), row)
    return list(kept.values())


def _arms(outcome: Outcome) -> Iterator[Row]:
    roles = ("experimental", "control")
    for role, arm, label in zip(roles, outcome.arms, outcome.labels, strict=True):
        category = general().control_in(label)
        yield {"arm": arm, "role": role, "category": category, "label": cell.plain(label, 200)}


def _base(outcome: Outcome, datum: Datum, review: Review) -> Row:
    """What the rows of one study in one outcome have in common."""
    in_subgroup = cell.weeks_in(datum.subgroup)
    weeks = in_subgroup or cell.weeks_in(outcome.name)
    swapped = outcome.values.get("SWAP_EVENTS") == "YES"
    notes = (
        f"subgroup: {datum.subgroup}" if datum.subgroup else "",
        datum.footnote,
        outcome.footnote,
        "RevMan analyses the people without the event here" if swapped else "",
        "not estimable in RevMan" if datum.values.get("ESTIMABLE") == "NO" else "",
        f"week {weeks} from the {'subgroup' if in_subgroup else 'outcome'}'s name" if weeks else "",
    )
    where = f"RevMan file {review.file}, analysis {outcome.number} {outcome.comparison}: {outcome.name}"
    cells = {"weeks": weeks, "source_url": review.url, "reading": "single"}
    return cells | {"locator": cell.plain(where), "note": cell.plain(_joined(*notes))}


def _made(outcome: Outcome, datum: Datum, part: str, review: Review) -> tuple[str, list[Row], str]:
    """The table, the cells of its rows, why there are none; `part` is a subgroup that tells rows apart."""
    if outcome.kind == "DICH":
        table, problem = "events", "no counts or nobody in a group"
        code = review.code(f"{outcome.name} {outcome.mark} {part}")
        cells = {"outcome": code, "definition": cell.plain(outcome.name)}
    else:
        table, problem = "continuous", "no mean or nobody in a group"
        code = review.instrument(f"{outcome.name} {outcome.mark}")
        cells = {"instrument": cell.instrument_code(code)}
        cells["item"] = review.item(part) if part else ""
        cells["unit"] = general().unit_named(outcome.values.get("UNITS", ""))
    if outcome.kind not in ("DICH", "CONT"):
        contrast, problem = _contrast_cells(outcome, datum)
        return "contrasts", [cells | contrast] if contrast else [], problem
    rows = []
    for side, arm in zip(SIDES, outcome.arms, strict=True):
        events, total, mean, sd = (datum.values.get(f"{name}_{side}") for name in NUMBERS)
        row = {"arm": arm, **cells, "n": cell.people(total)}
        if table == "events":
            row["events"] = cell.count(events)
        else:
            row |= {"centre_type": "mean", "centre": cell.number(mean), "spread_low": cell.number(sd)}
            row["spread_type"] = "sd" if row["spread_low"] else "none"
        rows.append(row)
    usable = all(row["n"] and (row.get("events") or row.get("centre")) for row in rows)
    return table, rows if usable else [], problem


def _contrast_cells(outcome: Outcome, datum: Datum) -> tuple[Row, str]:
    """A contrast as RevMan shows it, or from the estimate and its SE; else nothing, and why."""
    measure = REVMAN["measures"].get(outcome.measure.casefold().strip(), "effect_unspecified")
    shown = [cell.number(datum.values.get(name)) for name in ("EFFECT_SIZE", "CI_START", "CI_END")]
    spread, note = "ci95", ""
    if not all(shown) or outcome.values.get("CI_STUDY", "95") not in ("95", "95.0"):
        stored = datum.numbers("ESTIMATE", "SE")
        if not stored:
            return {}, "no estimate with its interval or SE"
        if measure in RATIO_CONTRASTS:
            if abs(stored[0]) + Z95 * abs(stored[1]) > math.log(LARGEST):
                return {}, "an interval beyond anything that a trial reports"
            shown = [f"{math.exp(stored[0] + z * Z95 * stored[1]):.10g}" for z in (0, -1, 1)]
            note = "95% interval computed from the stored log estimate and its SE"
        else:
            shown, spread = [*(cell.number(datum.values[name]) for name in ("ESTIMATE", "SE")), ""], "se"
    cells = {
        **dict(zip(("arm_1", "arm_2"), outcome.arms, strict=True)),
        "measure": measure,
        "spread_type": spread,
        **dict(zip(("estimate", "spread_low", "spread_high"), shown, strict=True)),
        **{f"n_{side}": cell.people(datum.values.get(f"TOTAL_{side}")) for side in SIDES},
        "note": note,
    }
    return cells, ""


def _judgement_rows(review: Review, used: set[str]) -> Iterator[Row]:
    """Judgements; an unknown without a word of reason is RevMan's default for "not judged" and left out."""
    seen: Counter[tuple[str, str]] = Counter()
    silent = 0
    items = [(text_of(item.find("NAME")), item) for item in review.root.iter("QUALITY_ITEM")]
    for name, entry in ((name, e) for name, item in items for e in item.iter("QUALITY_ITEM_DATA_ENTRY")):
        study, result = review.ids.get(entry.get("STUDY_ID", ""), ""), entry.get("RESULT", "")
        reason = text_of(entry.find("DESCRIPTION"))
        if result not in REVMAN["judgements"] or study not in used:
            continue
        if result == "UNKNOWN" and not reason:
            silent += 1
            continue
        domain = cell.word(name.split("(")[0]) or "domain"
        seen[study, domain] += 1
        times = seen[study, domain]
        yield {
            "study_id": study,
            "tool": "RoB1",
            "domain": domain if times == 1 else f"{domain}_{times}",
            "judgement": REVMAN["judgements"][result],
            "assessed_by": review.doi or review.url,
            "note": cell.plain(f"RevMan file {review.file}; {name}; {reason}"),
        }
    if silent:
        review.remarks.append(
            f"{silent} judgements stand at RevMan's default, without any reason: not imported."
        )


# Totals


def totals_table(outcomes: Iterable[Outcome]) -> str:
    """CSV text: a row for the total of each subgroup and of each outcome."""
    pooled = [outcome for outcome in outcomes if outcome.kind != "OTHER"]
    rows = (total_row(part, name) for outcome in pooled for name, part in _parts(outcome))
    return csv_text(TOTALS_COLUMNS, rows)


def _parts(outcome: Outcome) -> Iterator[tuple[str, Outcome]]:
    """The subgroups of an outcome, each as an outcome of its own with the totals stored for it; the whole."""
    shown = "NO" if outcome.values.get("TOTALS") == "NO" else "YES"
    settings = {key: value for key, value in outcome.values.items() if key not in STORED.values()}
    for name, values in outcome.subgroups.items():
        data = tuple(datum for datum in outcome.data if datum.subgroup == name)
        yield name, replace(outcome, values={**settings, **values, "TOTALS": shown}, data=data)
    yield "", outcome


def total_row(outcome: Outcome, subgroup: str = "") -> Row:
    """The stored total and the one pooled anew; `agree` is yes, no, or empty where none is stored.

    >>> total_row(Outcome("DICH", "1.1", "RR"))["remark"]
    'not pooled: no study has people in both groups'
    """
    row = {
        "analysis": outcome.number,
        "outcome": outcome.name,
        "subgroup": subgroup,
        "kind": outcome.kind,
        "measure": outcome.measure,
        "method": outcome.values.get("METHOD", "IV"),
        "model": "random" if outcome.random else "fixed",
    }
    try:
        used, total = pooled_total(outcome)
        if outcome.ratio and max(map(abs, total[:3])) > math.log(sys.float_info.max):
            raise ValueError("its interval is beyond the largest number")
    except ValueError as error:
        return row | {"remark": f"not pooled: {error}"}
    natural = [math.exp(value) if outcome.ratio else value for value in total[:3]]
    anew = dict(zip(STORED, [*natural, *total[3:]], strict=True))
    stored = {name: cell.number(outcome.values.get(code)) for name, code in STORED.items()}
    row |= {"studies": str(used)} | {f"stored_{name}": text for name, text in stored.items()}
    row |= {f"pooled_{name}": f"{value:.10g}" for name, value in anew.items()}
    if outcome.values.get("TOTALS", "YES") != "YES" or not all(list(stored.values())[:3]):
        return row | {"remark": "the file stores no total for this outcome"}
    pairs = ((float(text), anew[name]) for name, text in stored.items() if text)
    close = (math.isclose(*pair, rel_tol=TOLERANCE, abs_tol=1e-9) for pair in pairs)
    return row | {"agree": "yes" if all(close) else "no"}


def pooled_total(outcome: Outcome) -> tuple[int, Total]:
    """Pool an outcome's data by its own method: number of studies used, and the total on the analysis scale.

    Raises ValueError where the data do not allow it.
    """
    level = float(cell.number(outcome.values.get("CI_TOTAL")) or "95") / 100
    if outcome.kind == "DICH":
        return _pooled_tables(outcome, level)
    effects = [effect for datum in outcome.data if (effect := _effect(outcome, datum))]
    if not effects:
        raise ValueError("no study has an effect with its variance")
    values, variances = np.array(effects).T
    return len(effects), _by_inverse_variance(values, variances, level, outcome.random)


def _by_inverse_variance(
    effects: Floats, variances: Floats, level: float, random: bool, q: float | None = None
) -> Total:
    """Random effects by DerSimonian & Laird 1986 from Q, or from a given one (around Mantel-Haenszel's)."""
    fit = stats.pool(effects, variances, tau2_method="FE", interval="wald", level=level)
    q, tau2, weights = float(fit.q) if q is None else q, 0.0, 1 / variances
    if random and (scale := weights.sum() - (weights**2).sum() / weights.sum()) > 0:
        tau2 = max(0.0, float((q - (len(effects) - 1)) / scale))
        fit = stats.pool(effects, variances + tau2, tau2_method="FE", interval="wald", level=level)
    return _total(fit, q, tau2)


def _total(fit: stats.Pooled | stats.PooledTables, q: float, tau2: float = 0.0) -> Total:
    return float(fit.estimate), float(fit.ci_low), float(fit.ci_high), q, tau2


def _effect(outcome: Outcome, datum: Datum) -> tuple[float, float] | None:
    """Effect and variance of one study; a log hazard ratio (O - E)/V has variance 1/V (Yusuf et al. 1985)."""
    if outcome.kind == "CONT":
        cells = datum.numbers("MEAN_1", "SD_1", "TOTAL_1", "MEAN_2", "SD_2", "TOTAL_2")
        if not cells or min(cells[2], cells[5]) <= 0 or max(cells[1], cells[4]) <= 0:
            return None
        smd = outcome.measure.casefold() in ("smd", "std. mean difference")
        fit = MEAN_EFFECTS["SMD"](*cells, variance="revman5") if smd else MEAN_EFFECTS["MD"](*cells)
        return float(fit.effect), float(fit.variance)
    if cells := datum.numbers("ESTIMATE", "SE"):
        return (cells[0], cells[1] ** 2) if cells[1] > 0 else None
    cells = datum.numbers("O_E", "VAR")
    return (cells[0] / cells[1], 1 / cells[1]) if cells and cells[1] > 0 else None


def _pooled_tables(outcome: Outcome, level: float) -> tuple[int, Total]:
    """By the file's method; empty cells get 0.5, those of a risk difference for its variance only."""
    names = ("EVENTS_1", "TOTAL_1", "EVENTS_2", "TOTAL_2")
    counts = [cells for datum in outcome.data if (cells := datum.numbers(*names))]
    kept = [cells for cells in counts if min(cells[1], cells[3]) > 0]
    if not kept:
        raise ValueError("no study has people in both groups")
    events1, n1, events2, n2 = np.array(kept, dtype=np.float64).T
    if outcome.values.get("SWAP_EVENTS") == "YES":
        events1, events2 = n1 - events1, n2 - events2
    measure = "OR" if "OR" in outcome.measure.upper() else outcome.measure.upper()
    one_of("measure", measure, ("OR", "RR", "RD"))
    if measure != "RD":  # a trial without events, or with nothing else, says nothing about a ratio
        informative = (events1 + events2 > 0) & (events1 + events2 < n1 + n2)
        events1, n1, events2, n2 = (part[informative] for part in (events1, n1, events2, n2))
        if not len(n1):
            raise ValueError("no study has both people with the event and people without it")
    method = outcome.values.get("METHOD", "MH")
    if method == "PETO":
        fixed = stats.peto(events1, n1, events2, n2, level=level)
        return len(n1), _total(fixed, float(fixed.q))
    tables = events1, n1, events2, n2
    own = EVENT_EFFECTS[measure](*tables, zero_cells="revman")
    if method != "MH":
        return len(n1), _by_inverse_variance(own.effect, own.variance, level, outcome.random)
    fit = stats.mantel_haenszel(*tables, measure=measure, zero_cells="revman", level=level)
    total = _total(fit, 0.0)[:3]
    q = float(((own.effect - total[0]) ** 2 / own.variance).sum())
    if not outcome.random:
        return len(n1), (*total, q, 0.0)
    return len(n1), _by_inverse_variance(own.effect, own.variance, level, True, q)


# The stored analyses as a review's own


def own_analyses(review: Review, studies: Sequence[Row], judgements: Sequence[Row]) -> Asked:
    """Every stored analysis as one of a review, by the rules nearest to its own, and the rows of each.

    What those rules cannot say is told in the note of the analysis and in the remarks. An outcome in which a
    trial stands in several subgroups is asked by subgroup, since nobody counts twice.
    """
    own = replace(
        review, code=Codes(60, "outcome"), item=Codes(60, "subgroup"), instrument=Codes(60, "outcome")
    )
    slug, domains = Codes(80, "analysis"), Codes(60, "outcome")
    names = Counter(outcome.name.casefold() for outcome in review.outcomes)
    rows: dict[str, list[Row]] = {"events": [], "continuous": [], "contrasts": []}
    arms: dict[tuple[str, str], Row] = {}
    words: dict[str, str] = {}
    short: dict[str, str] = {}
    questions = []
    for outcome in _askable(review):
        mark = outcome.number if names[outcome.name.casefold()] > 1 else ""
        for part in _apart(replace(outcome, mark=mark), review):
            table, found = _own_rows(part, own, domains)
            rows[table] += found
            for row in found:
                words |= {row[OUTCOME[table]]: part.name, row["?domain"]: part.name}
                short |= {row["?part"]: row["?subgroup"]} if row.get("?part") else {}
                for arm in _arms(part):
                    code = treatment_code(arm["label"])
                    known = {"study_id": row["study_id"], **arm, "?category": code}
                    arms.setdefault((row["study_id"], arm["arm"]), known)
            questions.append(_question(part, table, found, slug))
    title = text_of(review.root.find("COVER_SHEET/TITLE")) or review.file
    condition = cell.instrument_code(title) or "CONDITION"
    used = {row["study_id"] for table in rows.values() for row in table}
    rows["studies"] = [{**study, "?condition": condition} for study in studies if study["study_id"] in used]
    rows |= {"arms": list(arms.values())}
    rows["risk_of_bias"] = [row for row in judgements if row["study_id"] in used]
    defaults = {"tau2_method": "DL", "interval": "wald", "forest": "revman", "zero_cells": "revman"}
    words[condition] = title
    return Asked(
        rows=rows, questions=questions, names=words, short=short, head={"title": title}, defaults=defaults
    )


def _askable(review: Review) -> Iterator[Outcome]:
    """The outcomes that an analysis of a configuration can ask; of the others a remark."""
    known = schema_of("config").schema["$defs"]["analysis"]["properties"]["measure"]["enum"]
    for outcome in review.outcomes:
        if outcome.kind == "OTHER" or not outcome.data:
            continue
        if _measure_of(outcome) in known:
            yield outcome
        else:
            name = outcome.measure or "an unnamed measure"
            review.remarks.append(
                f"Analysis {outcome.number} ({outcome.name}) is not asked: a review does not pool {name}."
            )


def _measure_of(outcome: Outcome) -> str:
    """Our code of an outcome's measure, "" where we have none."""
    named = REVMAN["measures"].get(outcome.measure.casefold().strip(), "")
    return REVMAN["codes"].get(named, "")


def _apart(outcome: Outcome, review: Review) -> list[Outcome]:
    """The outcome, or where a trial stands in several of its subgroups each of these."""
    times = Counter(datum.study for datum in outcome.data)
    if max(times.values()) == 1:
        return [outcome]
    review.remarks.append(
        f"Analysis {outcome.number} ({outcome.name}) is asked by subgroup, without its total: trials "
        "stand in several subgroups, and a total would count their people twice."
    )
    return [
        replace(part, name=f"{outcome.name}: {name}", number=f"{outcome.number}.{at}", subgroups={}, mark="")
        for at, (name, part) in enumerate(_parts(outcome), 1)
        if name and part.data
    ]


def _own_rows(outcome: Outcome, own: Review, domains: Codes) -> tuple[str, list[Row]]:
    """The rows of one analysis: subgroups are told apart by their codes, swapped events are counted anew."""
    table = {"DICH": "events", "CONT": "continuous"}.get(outcome.kind, "contrasts")
    domain = domains(f"{outcome.name} {outcome.mark}")
    parted = len(outcome.subgroups) > 1
    rows = []
    for datum in outcome.data:
        study, part = own.ids.get(datum.study), datum.subgroup if parted else ""
        made = _made(outcome, datum, part, own)[1] if study else []
        base = _base(outcome, datum, own)
        for cells in made:
            row = {"study_id": study or "", **base, **cells, "?domain": domain, "?better": _better(outcome)}
            row["note"] = _joined(base["note"], cells.get("note", ""))
            if part:
                row |= {"?subgroup": part, "?part": row["outcome"] if table == "events" else row["item"]}
            if outcome.values.get("SWAP_EVENTS") == "YES":
                others = float(row["n"]) - float(row["events"])
                row |= {"events": f"{others:.0f}", "count_from": "complement"}
            rows.append(row)
    return table, rows


def _better(outcome: Outcome) -> str:
    """Which direction is a benefit, by what stands left of no effect; lower, if it names neither side."""
    left = set(outcome.favours[0].casefold().split()) - {"favours", "favors", "the"}
    experimental, control = (set(label.casefold().split()) for label in outcome.labels)
    ours = experimental | {"experimental", "treatment", "intervention"}
    theirs = control | {"control", "placebo", "comparator"}
    return "higher" if left & (theirs - ours) and not left & (ours - theirs) else "lower"


def _question(outcome: Outcome, table: str, rows: Sequence[Row], slug: Codes) -> Question:
    """One stored analysis: its rules, and in the note what those were in RevMan."""
    settings: dict[str, object] = {"note": _stored_note(outcome)}
    settings |= dict(zip(("experimental_name", "control_name"), outcome.labels, strict=True))
    if all(outcome.favours):
        settings["favours"] = list(outcome.favours)
    if (method := _method_of(outcome)) != "iv":
        settings["method"] = method
    elif not outcome.random:
        settings["tau2_method"] = "FE"
    level = float(cell.number(outcome.values.get("CI_TOTAL")) or "95") / 100
    if level != 0.95:  # the default
        settings["level"] = level
    if len({row.get("?subgroup") for row in rows}) > 1:
        settings["subgroups"] = "instrument" if table == "events" else "item"
        if outcome.values.get("TOTALS", "YES") != "YES":
            settings["total"] = False
    one, other = outcome.arms
    return Question(
        slug=slug(f"analysis {outcome.number} {outcome.name}").replace("_", "-"),
        title=f"{outcome.number} {outcome.name}: {outcome.comparison}",
        table=table,
        outcomes=tuple(dict.fromkeys(row[OUTCOME[table]] for row in rows)),
        sides=(frozenset([one]), frozenset([other])),
        measure=_measure_of(outcome),
        better=_better(outcome),
        settings=settings,
    )


def _method_of(outcome: Outcome) -> str:
    """How a review pools what the file does: by Mantel and Haenszel or Peto without random effects."""
    method = str(outcome.values.get("METHOD", "IV")).lower()
    fixed = outcome.kind == "DICH" and not outcome.random
    return method if fixed and _measure_of(outcome) in METHODS.get(method, ()) else "iv"


def _stored_note(outcome: Outcome) -> str:
    """How RevMan pooled, its total, and how that differs from what is done here."""
    method = REVMAN["methods"].get(outcome.values.get("METHOD", "IV"), "inverse variance")
    model = "random effects" if outcome.random else "fixed effect"
    stored = [cell.number(outcome.values.get(STORED[name])) for name in ("estimate", "ci_low", "ci_high")]
    total = ""
    if all(stored) and outcome.values.get("TOTALS", "YES") == "YES":
        estimate, low, high = (f"{float(value):.3g}" for value in stored)
        total = f": {outcome.measure} {estimate} ({low} to {high})"
    told = method == "inverse variance" or _method_of(outcome) != "iv"
    differs = [] if told else ["by inverse variance"]
    differs += ["with the variance of Hedges"] if _measure_of(outcome) == "SMD" else []
    if outcome.values.get("TOTALS") == "NO" and not outcome.subgroups:
        differs.append("with a total, which RevMan does not show")
    here = f" Here it is pooled {', '.join(differs)}." if differs else ""
    return f"In the RevMan file by {method}, {model}{total}.{here}"
