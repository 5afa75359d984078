"""A review of RevMan in, candidate rows of the codebook out, and a proof that they are its data.

The proof (`revman_totals.csv`) sets the file's stored totals beside totals pooled anew from the imported
data, each by the file's own method. Methods as in RevMan 5 (Deeks & Higgins 2010): Mantel-Haenszel, inverse
variance or Peto, fixed or DerSimonian-Laird random effects (for Mantel-Haenszel with Q around the
Mantel-Haenszel estimate), normal intervals; as in RevMan since 2025 also REML and intervals by Hartung,
Knapp, Sidik and Jonkman. The project's own analyses use other defaults.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trialpool import stats
from trialpool.bias_tools import tools
from trialpool.contracts import INTERVALS, LARGEST, LOG, RATIO_CONTRASTS
from trialpool.evidence.effects import EVENT_EFFECTS, MEAN_EFFECTS
from trialpool.exchange import candidates as cell
from trialpool.exchange.candidates import (
    OUTCOME,
    Asked,
    Candidates,
    Codes,
    Question,
    Row,
    csv_text,
    split_name,
    treatment_code,
)
from trialpool.exchange.revman_review import (
    REVMAN,
    SIDES,
    STORED,
    Datum,
    Judgement,
    Outcome,
    Review,
    Study,
    joined,
)
from trialpool.exchange.revman_web import PRINTED, read_package
from trialpool.exchange.rm5 import read_rm5
from trialpool.exchange.study_centric import add_reported, reported_analyses
from trialpool.measures import METHODS
from trialpool.stats.checks import one_of
from trialpool.vocabulary import general
from trialpool.yaml_files import schema_of

NUMBERS = ("EVENTS", "TOTAL", "MEAN", "SD")
TOTALS_COLUMNS = (
    *("analysis", "outcome", "subgroup", "kind", "measure", "method", "model", "studies"),
    *(f"{source}_{name}" for name in STORED for source in ("stored", "pooled")),
    *("agree", "remark"),
)
TOLERANCE = 1e-6  # relative; RevMan 5 stores about 15 digits
Z95 = 1.959963984540054
Floats = NDArray[np.float64]
Place = tuple[str, str, str]  # the number of an analysis, the name of its outcome, the code of its domain
Total = tuple[float, float, float, float, float]  # as STORED, estimate and bounds on the analysis scale

RULES = {
    "tau2_method": "DL",
    "interval": "wald",
    "forest": "revman",
    "zero_cells": "revman",
}  # of an own analysis, where its settings say no other


# Rows


def import_revman(path: str | Path, source_url: str = "") -> Candidates:
    """Candidate rows of a review of RevMan, and its stored totals beside totals pooled from these rows.

    `path` is a RevMan 5 file (.rm5), or a data package or study-centric tables of RevMan Web or Covidence: a
    zip, a folder or a table. Group 1 of an outcome becomes the experimental arm, group 2 the control arm.
    `source_url` is where the review can be read; without it the DOI in the file is used. What RevMan does not
    record stays empty. Raises InputError where the file is no such review, with every fault of its tables.
    """
    return candidates_of(read_review(path, source_url))


def read_review(path: str | Path, source_url: str = "") -> Review:
    """Read a review in whichever form it has."""
    tables = Path(path).is_dir() or Path(path).suffix.casefold() in (".zip", ".csv")
    return read_package(path, source_url) if tables else read_rm5(path, source_url)


def candidates_of(review: Review) -> Candidates:
    """The candidate rows of a review, the proof of its totals, and its own analyses."""
    rows, remarks = _result_rows(review), review.remarks
    add_reported(review, rows)
    used = {arm["study_id"] for arm in rows["arms"]}
    studies = _study_rows(review)
    rows["studies"] = [row for row in studies if row["study_id"] in used]
    code = Codes(60, "outcome")
    places = [(each.number, each.name, code(each.name)) for each in review.outcomes]
    places += [("", each.outcome, code(each.outcome)) for each in review.judgements if each.outcome]
    rows["risk_of_bias"] = [row for row in _judgement_rows(review, places) if row["study_id"] in used]
    if unused := len(studies) - len(rows["studies"]):
        remarks.append(f"{unused} included studies have no usable data in this file and are left out.")
    source = f"the {review.source} ({review.title or 'without title'})"
    if not review.outcomes:
        return Candidates(source, rows, remarks, asked=_of_studies(review, rows))
    remarks.append("revman_totals.csv sets RevMan's stored totals beside totals pooled anew from these data.")
    totals = {"revman_totals.csv": totals_table(review.outcomes)}
    asked = own_analyses(review)
    return Candidates(source, rows, remarks, totals, asked)


def _of_studies(review: Review, rows: Mapping[str, list[Row]]) -> Asked:
    """What results of studies ask, with the judgements of these results."""
    asked = reported_analyses(review, rows)
    codes = dict.fromkeys(row["?domain"] for name in OUTCOME for row in asked.rows[name])
    places = [("", asked.names[code], code) for code in codes]
    used = {arm["study_id"] for arm in rows["arms"]}
    judged = [row for row in _judgement_rows(review, places, asked=True) if row["study_id"] in used]
    return replace(asked, rows={**asked.rows, "risk_of_bias": judged})


def _study_rows(review: Review) -> list[Row]:
    return [_study_row(review.ids[study.key], study, review) for study in review.studies]


def _study_row(study_id: str, study: Study, review: Review) -> Row:
    author, year, _ = split_name(study.name, study.year)
    return {
        "study_id": study_id,
        "first_author": cell.plain(author, 200),
        "year": year,
        "journal": cell.plain(study.journal, 200),
        "doi": study.doi,
        "population": cell.plain(study.population),
        "setting_note": cell.plain(joined(f"{study.name} in the {review.source}", study.notes)),
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
        if review.results and outcome.values.get("OUTCOME"):
            continue  # it pools results of studies, which are imported themselves
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
                note = joined(base["note"], cells.get("note", ""))
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
    where = f"{review.source}, analysis {outcome.number} {outcome.comparison}: {outcome.name}"
    cells = {"weeks": weeks, "source_url": review.url, "reading": "single"}
    return cells | {"locator": cell.plain(where), "note": cell.plain(joined(*notes))}


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
    """A contrast as it was entered: O − E and its variance, estimate and SE, or the interval shown."""
    cells = dict(zip(("arm_1", "arm_2"), outcome.arms, strict=True))
    cells |= {f"n_{side}": cell.people(datum.values.get(f"TOTAL_{side}")) for side in SIDES}
    logged = f"{LOG}{outcome.contrast}" if outcome.contrast in RATIO_CONTRASTS else outcome.contrast
    whole = datum.numbers("O_E", "VAR")
    if outcome.kind == "IPD" and whole and whole[1] > 0:
        if outcome.contrast in ("hazard_ratio", "rate_ratio", "odds_ratio"):
            entered = (cell.number(datum.values[name]) for name in ("O_E", "VAR"))
            cells |= dict(zip(("o_minus_e", "variance"), entered, strict=True))
            cells |= {f"events_{side}": cell.people(datum.values.get(f"EVENTS_{side}")) for side in SIDES}
            return cells | {"measure": outcome.contrast, "spread_type": "none"}, ""
        return {}, "O − E and a variance are of no ratio of hazards, rates or odds"
    if stored := datum.numbers("ESTIMATE", "SE"):
        if logged != outcome.contrast and abs(stored[0]) + Z95 * abs(stored[1]) > math.log(LARGEST):
            return {}, "an interval beyond anything that a trial reports"
        entered = (cell.number(datum.values[name]) for name in ("ESTIMATE", "SE"))
        cells |= dict(zip(("estimate", "spread_low"), entered, strict=True))
        return cells | {"measure": logged, "spread_type": "se"}, ""
    shown = [cell.number(datum.values.get(name)) for name in ("EFFECT_SIZE", "CI_START", "CI_END")]
    level = float(cell.number(outcome.values.get("CI_STUDY")) or 95)
    if not all(shown) or f"ci{level:g}" not in INTERVALS:
        return {}, "no estimate with its interval or SE"
    cells |= dict(zip(("estimate", "spread_low", "spread_high"), shown, strict=True))
    return cells | {"measure": outcome.contrast, "spread_type": f"ci{level:g}"}, ""


def _judgement_rows(review: Review, places: Sequence[Place], *, asked: bool = False) -> Iterator[Row]:
    """Judgements, each of the results that it is of; `asked` says that the places are all that there is."""
    made: dict[tuple[str, ...], list[Row]] = {}
    elsewhere = 0
    for each in review.judgements:
        if not (study := review.ids.get(each.study)):
            continue
        tool = tools()[each.tool]
        domain = tool.domain_named(each.domain) or tool.domain_named(each.domain.split("(")[0])
        domain = domain or cell.word(each.domain.split("(")[0]) or "domain"
        of = _domains_of(each, places)
        elsewhere += not of
        for outcome in of:
            row = {
                **{"study_id": study, "tool": each.tool, "outcome": outcome, "weeks": each.weeks},
                "judgement": tool.judgement_named(each.judgement) or each.judgement,
                "assessed_by": review.doi or review.url,
                "note": cell.plain(joined(review.source, each.domain, each.outcome, each.reason)),
            }
            known = made.setdefault((study, each.tool, domain, outcome, each.weeks), [])
            known += [row] if row not in known else []
    for (_, _, domain, *_), rows in made.items():
        for times, row in enumerate(rows, 1):
            yield {**row, "domain": domain if times == 1 else f"{domain}_{times}"}
    if elsewhere and asked:
        review.remarks.append(
            f"{elsewhere} judgements are of results that no analysis asks for: not in the review."
        )


def _domains_of(judgement: Judgement, places: Sequence[Place]) -> list[str]:
    """The domains of outcomes that a judgement is of: one "" for all of them, none where no place fits."""
    if not (judgement.analysis or judgement.outcome):
        return [""]
    said = judgement.outcome.casefold()
    fitting = [(name.casefold(), code) for number, name, code in places if judgement.analysis in ("", number)]
    if judgement.analysis:
        named = [code for name, code in fitting if said and name.endswith(f": {said}")]
        return [*dict.fromkeys(named or (code for _, code in fitting))]
    return [*dict.fromkeys(code for name, code in fitting if name == said)]


# Totals


def totals_table(outcomes: Iterable[Outcome]) -> str:
    """CSV text: a row for the total of each subgroup and of each outcome."""
    pooled = [outcome for outcome in outcomes if outcome.kind != "OTHER"]
    rows = (total_row(part, name) for outcome in pooled for name, part in outcome.parts)
    return csv_text(TOTALS_COLUMNS, rows)


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
    anew = dict(zip(STORED, _natural(outcome, total), strict=True))
    stored = {name: cell.number(outcome.values.get(code)) for name, code in STORED.items()}
    row |= {"studies": str(used)} | {f"stored_{name}": text for name, text in stored.items()}
    row |= {f"pooled_{name}": f"{value:.10g}" for name, value in anew.items()}
    if outcome.values.get("TOTALS", "YES") != "YES" or not all(list(stored.values())[:3]):
        return row | {"remark": "the file stores no total for this outcome"}
    if _agree(outcome, total):
        return row | {"agree": "yes"}
    wald = replace(outcome, values={**outcome.values, "CI_METHOD": "WALD"})
    if outcome.values.get("CI_METHOD") == "HKSJ" and _agree(wald, pooled_total(wald)[1]):
        return row | {"agree": "yes", "remark": "its interval is Wald's, the settings name HKSJ"}
    return row | {"agree": "no"}


def _agree(outcome: Outcome, total: Total) -> bool:
    """Whether a total is the stored one, to the digits that are stored."""
    stored = [cell.number(outcome.values.get(code)) for code in STORED.values()]
    natural = _natural(outcome, total)
    pairs = ((float(text), value) for text, value in zip(stored, natural, strict=True) if text)
    return all(math.isclose(*pair, rel_tol=TOLERANCE, abs_tol=outcome.printed) for pair in pairs)


def _natural(outcome: Outcome, total: Total) -> list[float]:
    return [math.exp(value) if outcome.ratio else value for value in total[:3]] + [*total[3:]]


def totals_as_stored(outcome: Outcome) -> Outcome:
    """An outcome with the totals that RevMan's rules give, in the digits of a data package."""

    def stored(part: Outcome) -> dict[str, str]:
        try:
            numbers = _natural(part, pooled_total(part)[1])
        except ValueError:
            return {}
        return {code: f"{value:.6f}" for code, value in zip(STORED.values(), numbers, strict=True)}

    parts = {name: stored(part) for name, part in outcome.parts}
    whole = parts.pop("")
    shown = whole if outcome.values.get("TOTALS", "YES") == "YES" else {}
    return replace(outcome, values={**outcome.values, **shown}, subgroups=parts, printed=PRINTED)


def pooled_total(outcome: Outcome) -> tuple[int, Total]:
    """Pool an outcome's data by its own method: number of studies used, and the total on the analysis scale.

    Raises ValueError where the data do not allow it.
    """
    if outcome.kind == "DICH":
        return _pooled_tables(outcome)
    effects = [effect for datum in outcome.data if (effect := _effect(outcome, datum))]
    if not effects:
        raise ValueError("no study has an effect with its variance")
    values, variances = np.array(effects).T
    return len(effects), _by_inverse_variance(outcome, values, variances)


def _level(outcome: Outcome) -> float:
    return float(cell.number(outcome.values.get("CI_TOTAL")) or "95") / 100


def _by_inverse_variance(
    outcome: Outcome, effects: Floats, variances: Floats, q: float | None = None
) -> Total:
    """Fixed, or random with REML's tau2 or by DerSimonian & Laird 1986 from Q (a given one: around MH's)."""
    level, k = _level(outcome), len(effects)
    fit = stats.pool(effects, variances, tau2_method="FE", interval="wald", level=level)
    q, weights = float(fit.q) if q is None else q, 1 / variances
    if not outcome.random:
        return _total(fit, q)
    if outcome.values.get("TAU2_METHOD") == "REML" and k > 1:
        tau2 = float(stats.pool(effects, variances, tau2_method="REML", interval="wald", level=level).tau2)
    else:
        scale = weights.sum() - (weights**2).sum() / weights.sum()
        tau2 = max(0.0, float((q - (k - 1)) / scale)) if scale > 0 else 0.0
    interval = "hksj" if outcome.values.get("CI_METHOD") == "HKSJ" and k > 1 else "wald"
    fit = stats.pool(effects, variances + tau2, tau2_method="FE", interval=interval, level=level)
    return _total(fit, q, tau2)


def _total(fit: stats.Pooled | stats.PooledTables, q: float, tau2: float = 0.0) -> Total:
    return float(fit.estimate), float(fit.ci_low), float(fit.ci_high), q, tau2


def _effect(outcome: Outcome, datum: Datum) -> tuple[float, float] | None:
    """Effect and variance of one study; a log hazard ratio (O - E)/V has variance 1/V (Yusuf et al. 1985)."""
    if outcome.kind == "CONT":
        cells = datum.numbers("MEAN_1", "SD_1", "TOTAL_1", "MEAN_2", "SD_2", "TOTAL_2")
        if not cells or min(cells[2], cells[5]) <= 0 or max(cells[1], cells[4]) <= 0:
            return None
        smd = outcome.code == "SMD"
        fit = MEAN_EFFECTS["SMD"](*cells, variance="revman5") if smd else MEAN_EFFECTS["MD"](*cells)
        return float(fit.effect), float(fit.variance)
    if cells := datum.numbers("ESTIMATE", "SE"):
        return (cells[0], cells[1] ** 2) if cells[1] > 0 else None
    cells = datum.numbers("O_E", "VAR")
    return (cells[0] / cells[1], 1 / cells[1]) if cells and cells[1] > 0 else None


def _pooled_tables(outcome: Outcome) -> tuple[int, Total]:
    """By the file's method; empty cells get 0.5, those of a risk difference for its variance only."""
    names = ("EVENTS_1", "TOTAL_1", "EVENTS_2", "TOTAL_2")
    counts = [cells for datum in outcome.data if (cells := datum.numbers(*names))]
    kept = [cells for cells in counts if min(cells[1], cells[3]) > 0]
    if not kept:
        raise ValueError("no study has people in both groups")
    events1, n1, events2, n2 = np.array(kept, dtype=np.float64).T
    if outcome.values.get("SWAP_EVENTS") == "YES":
        events1, events2 = n1 - events1, n2 - events2
    measure, level = outcome.code, _level(outcome)
    one_of("measure", measure or outcome.measure, ("OR", "RR", "RD"))
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
        return len(n1), _by_inverse_variance(outcome, own.effect, own.variance)
    fit = stats.mantel_haenszel(*tables, measure=measure, zero_cells="revman", level=level)
    total = _total(fit, 0.0)[:3]
    q = float(((own.effect - total[0]) ** 2 / own.variance).sum())
    if not outcome.random:
        return len(n1), (*total, q, 0.0)
    return len(n1), _by_inverse_variance(outcome, own.effect, own.variance, q)


# The stored analyses as a review's own


def own_analyses(review: Review) -> Asked:
    """Every stored analysis as one of a review, by the rules nearest to its own, and the rows of each.

    What those rules cannot say is told in the note of the analysis and in the remarks. An outcome in which a
    trial stands in several subgroups is asked by subgroup, since nobody counts twice.
    """
    own = replace(
        _with_repeats_as_studies(review),
        code=Codes(60, "outcome"),
        item=Codes(60, "subgroup"),
        instrument=Codes(60, "outcome"),
    )
    slug, domains = Codes(80, "analysis"), Codes(60, "outcome")
    names = Counter(outcome.name.casefold() for outcome in review.outcomes)
    rows: dict[str, list[Row]] = {"events": [], "continuous": [], "contrasts": []}
    arms: dict[tuple[str, str], Row] = {}
    words: dict[str, str] = {}
    short: dict[str, str] = {}
    questions = []
    places: list[Place] = []
    for outcome in _askable(own):
        mark = outcome.number if names[outcome.name.casefold()] > 1 else ""
        for part in _apart(replace(outcome, mark=mark), review):
            table, found = _own_rows(part, own, domains)
            rows[table] += found
            places += _places(part, outcome.number, found)
            for row in found:
                words |= {row[OUTCOME[table]]: part.name, row["?domain"]: part.name}
                short |= {row["?part"]: row["?subgroup"]} if row.get("?part") else {}
                for arm in _arms(part):
                    code = treatment_code(arm["label"])
                    known = {"study_id": row["study_id"], **arm, "?category": code}
                    arms.setdefault((row["study_id"], arm["arm"]), known)
            questions.append(_question(part, table, found, slug))
    title = review.title or review.source
    condition = cell.instrument_code(title) or "CONDITION"
    used = {row["study_id"] for table in rows.values() for row in table}
    studies = (study for study in _study_rows(own) if study["study_id"] in used)
    rows["studies"] = [{**study, "?condition": condition} for study in studies]
    rows |= {"arms": list(arms.values())}
    judged = [*_judgement_rows(own, places, asked=True)]
    rows["risk_of_bias"] = [row for row in judged if row["study_id"] in used]
    words[condition] = title
    head = {"title": title}
    return Asked(rows=rows, questions=questions, names=words, short=short, head=head, defaults=RULES)


def _places(part: Outcome, number: str, rows: Sequence[Row]) -> list[Place]:
    """The domains of an analysis by its names: its own, and the outcomes of studies that it pools."""
    reported = part.values.get("OUTCOME", "")  # an export of ours may name several
    known_as = sorted({part.name, reported, *reported.split("; ")} - {""})
    return [
        (number, name, code) for name in known_as for code in dict.fromkeys(row["?domain"] for row in rows)
    ]


def _with_repeats_as_studies(review: Review) -> Review:
    """The review, every further row of a study in one subgroup as a study of its own: so RevMan pools it."""
    known = {study.key: study for study in review.studies}
    copies: dict[str, Study] = {}
    outcomes = []
    for outcome in review.outcomes:
        seen: Counter[tuple[str, str]] = Counter()
        data = []
        for datum in outcome.data:
            seen[datum.study, datum.subgroup] += 1
            if (row := seen[datum.study, datum.subgroup]) > 1 and datum.study in known:
                key, first = f"{datum.study} (row {row})", known[datum.study]
                said = joined(f"row {row} of this study in an analysis, a study of its own here", first.notes)
                copies[key] = replace(first, key=key, notes=said)
                datum = replace(datum, study=key)
            data.append(datum)
        outcomes.append(replace(outcome, data=tuple(data)))
    judgements = [*review.judgements]
    judgements += [
        replace(each, study=key)
        for key, copy in copies.items()
        for each in review.judgements
        if each.study == copy.key.rpartition(" (row ")[0]
    ]
    if copies:
        number = len({each.name for each in copies.values()})
        review.remarks.append(
            f"In some analyses {number} studies have several rows, which RevMan pools as if they were "
            "studies: so does the review, under further ids."
        )
    return replace(
        review,
        outcomes=tuple(outcomes),
        studies=(*review.studies, *copies.values()),
        judgements=tuple(judgements),
    )


def _askable(review: Review) -> Iterator[Outcome]:
    """The outcomes that an analysis of a configuration can ask; of the others a remark."""
    known = schema_of("config").schema["$defs"]["analysis"]["properties"]["measure"]["enum"]
    for outcome in review.outcomes:
        if outcome.kind == "OTHER" or not outcome.data:
            continue
        if outcome.code in known:
            yield outcome
        else:
            name = outcome.measure or "an unnamed measure"
            review.remarks.append(
                f"Analysis {outcome.number} ({outcome.name}) is not asked: a review does not pool {name}."
            )


def _apart(outcome: Outcome, review: Review) -> list[Outcome]:
    """The outcome, or where a trial stands in several of its subgroups each of these.

    Where the file says which rows are of the subgroups alone and which of the total, the total is asked too.
    """
    if any(datum.only for datum in outcome.data):
        parts = [*outcome.parts]
        whole = replace(parts.pop()[1], subgroups={})
        return [*_by_subgroup(outcome, parts), *([whole] if whole.data else [])]
    times = Counter(study for study, _ in {(datum.study, datum.subgroup) for datum in outcome.data})
    if max(times.values()) == 1:
        return [outcome]
    review.remarks.append(
        f"Analysis {outcome.number} ({outcome.name}) is asked by subgroup, without its total: trials "
        "stand in several subgroups, and a total would count their people twice."
    )
    return _by_subgroup(outcome, [(name, part) for name, part in outcome.parts if name])


def _by_subgroup(outcome: Outcome, parts: Sequence[tuple[str, Outcome]]) -> list[Outcome]:
    return [
        replace(part, name=f"{outcome.name}: {name}", number=f"{outcome.number}.{at}", subgroups={})
        for at, (name, part) in enumerate(parts, 1)
        if part.data
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
            row["note"] = joined(base["note"], cells.get("note", ""))
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
    else:
        settings |= {"tau2_method": "REML"} if outcome.values.get("TAU2_METHOD") == "REML" else {}
        settings |= {"interval": "hksj"} if outcome.values.get("CI_METHOD") == "HKSJ" else {}
    if (level := _level(outcome)) != 0.95:  # the default
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
        measure=outcome.code,
        better=_better(outcome),
        settings=settings,
    )


def _method_of(outcome: Outcome) -> str:
    """How a review pools what the file does: by Mantel and Haenszel or Peto without random effects."""
    method = str(outcome.values.get("METHOD", "IV")).lower()
    fixed = outcome.kind == "DICH" and not outcome.random
    return method if fixed and outcome.code in METHODS.get(method, ()) else "iv"


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
    differs += ["with the variance of Hedges"] if outcome.code == "SMD" else []
    if outcome.values.get("TOTALS") == "NO" and not outcome.subgroups:
        differs.append("with a total, which RevMan does not show")
    here = f" Here it is pooled {', '.join(differs)}." if differs else ""
    return f"In the RevMan file by {method}, {model}{total}.{here}"
