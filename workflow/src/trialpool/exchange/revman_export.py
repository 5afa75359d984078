"""A review in, the tables of RevMan Web out: its data package, and its study-centric data.

From a configuration come the evidence tables as study-centric data (what RevMan Web imports); from results,
every analysis as an analysis of a data package, with the total that RevMan's rules give of its rows.
`revman_web` reads both again.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import io, records
from trialpool.contracts import INTERVALS, LOG, RATIO_CONTRASTS
from trialpool.errors import Fault, InputError
from trialpool.evidence.read import read_evidence
from trialpool.evidence.risk_of_bias import WHOLE_TRIAL, scope_of
from trialpool.exchange import candidates as cell
from trialpool.exchange.candidates import OUTCOME, WORDS, Row, csv_text
from trialpool.exchange.export import revman_type
from trialpool.exchange.finished import record_files
from trialpool.exchange.own_review import NOWHERE
from trialpool.exchange.revman import totals_as_stored
from trialpool.exchange.revman_review import (
    Arm,
    Datum,
    Judgement,
    Outcome,
    Result,
    Review,
    Study,
    joined,
)
from trialpool.exchange.revman_web import WEB
from trialpool.protocol import load_catalogue, read_in_place
from trialpool.records import Record, Status, from_json
from trialpool.text import capital, spaced

JUDGED = {"low": "Low risk", "high": "High risk", "unclear": "Unclear risk", "some_concerns": "Some concerns"}
SHORT: Mapping[str, str] = WEB["measures"]  # what RevMan Web calls our measures
CHANGES = ("change", "change_difference")
UNNAMED = "not stated"  # a subgroup
Cells = Mapping[str, str]  # a row of an evidence table
TYPES = {"DICH": "Dichotomous", "CONT": "Continuous", "IV": "Contrast level", "IPD": "O-E and variance"}
YES = {True: "true", False: "false"}


def export_revman(source: str | Path, out: str | Path) -> tuple[Review, list[str]]:
    """Write the tables of RevMan Web for a configuration, or for a folder of results, to a new folder.

    Returns the review that they hold and what has no place in them, which EXPORT.md says too. Raises
    InputError where the source is neither, or where `out` exists.
    """
    source, out = Path(source), Path(out)
    if out.exists():
        problem = "the folder exists already"
        raise InputError([Fault(str(out), None, "", "", problem, "name a new folder elsewhere")])
    review, lost = _of_results(source) if source.is_dir() else _of_config(source)
    files = package_files(review, cell.word(out.name) or "review")
    remarks = "\n".join(f"- {each}" for each in lost) or "- nothing"
    files["EXPORT.md"] = WORDS["exported"].format(source=review.source, lost=remarks)
    with io.whole_folder(out) as temporary:
        for name, text in files.items():
            io.write_text(temporary / name, text)
    return review, lost


# The tables


def package_files(review: Review, name: str) -> dict[str, str]:
    """The tables of a review by the names of their files: those that have rows, and the studies."""
    called = _names(review.studies)
    analyses, studies = f"{name}-analysis-data/{name}", f"{name}-study-data/{name}"
    tables: dict[str, tuple[str, Iterable[Row]]] = {
        f"{analyses}-overall-estimates-and-settings.csv": ("settings", map(_settings, review.outcomes)),
        f"{analyses}-data-rows.csv": ("data_rows", _data_rows(review, called)),
        f"{analyses}-subgroup-estimates.csv": ("subgroups", _subgroups(review)),
        f"{studies}-study-information.csv": ("study_information", _information(review, called)),
        f"{studies}-study-arms.csv": ("study_arms", _arms(review, called)),
        f"{studies}-study-results.csv": ("study_results", _results(review, called)),
    }
    kept = {"study_information"} | ({"settings", "data_rows", "subgroups"} if review.outcomes else set())
    kept |= {"study_arms", "study_results"} if review.results else set()
    files = {
        file: "\ufeff" + csv_text(WEB["columns"][kind], rows)
        for file, (kind, rows) in tables.items()
        if kind in kept
    }
    if review.judgements:
        files[f"{studies}-risk-of-bias.csv"] = "\ufeff" + _risk_of_bias(review, called)
    if references := "".join(_references(review, called)):
        files[f"{studies}-included.ris"] = references
    return files


def _names(studies: Sequence[Study]) -> dict[str, str]:
    """What each study is called, by its key: its name, and where that stands twice its key too."""
    times = Counter(study.name for study in studies)
    return {each.key: each.name if times[each.name] == 1 else f"{each.name} ({each.key})" for each in studies}


def _place(outcome: Outcome) -> Row:
    group, _, number = outcome.number.partition(".")
    return {"Analysis group": group, "Analysis number": number}


def _settings(outcome: Outcome) -> Row:
    values, data_type = outcome.values, TYPES[outcome.kind]
    level = f"{float(values.get('CI_TOTAL') or 95):g}%"
    peto = values.get("METHOD") == "PETO" and outcome.code == "OR"
    estimator = {"REML": "REML"}.get(values.get("TAU2_METHOD", ""), "DL") if outcome.random else ""
    totals = values.get("TOTALS", "YES")
    return {
        **_place(outcome),
        "Analysis name": outcome.name,
        "Analysis group name": outcome.comparison,
        "Data source": "Study data" if values.get("OUTCOME") else "Custom input",
        "Outcome": values.get("OUTCOME", ""),
        "Data type": data_type,
        "Log-scale data": YES[outcome.ratio],
        "Experimental group label": outcome.groups[0],
        "Control group label": outcome.groups[1],
        "Statistical method": values.get("METHOD", "IV"),
        "Effect measure": "Peto Odds Ratio" if peto else SHORT.get(outcome.code, outcome.measure),
        "Unit of effect measure": values.get("UNITS", ""),
        "Analysis model": "Random effects" if outcome.random else "Fixed effect",
        "Heterogeneity estimator": estimator,
        "Subgroup estimates": YES[bool(outcome.subgroups) and totals != "NO"],
        "Overall estimates": YES[totals == "YES"],
        "Swap event and non-event": YES[values.get("SWAP_EVENTS") == "YES"],
        "CI method": "HKSJ" if values.get("CI_METHOD") == "HKSJ" else "Wald",
        "CI/PI level": level,
        "Graph label (left)": outcome.favours[0],
        "Graph label (right)": outcome.favours[1],
        **_stored(values),
    }


def _stored(values: Mapping[str, str]) -> Row:
    return {column: cell.number(values.get(code)) for code, column in WEB["stored"].items()}


def _data_rows(review: Review, called: Mapping[str, str]) -> Iterator[Row]:
    years = {study.key: study.year for study in review.studies}
    applies = {only: name.upper() for name, only in WEB["applies"].items()}
    for outcome in review.outcomes:
        columns = {code: WEB["cells"][code] for code in WEB["kinds"][outcome.kind]}
        for datum in outcome.data:
            yield {
                **_place(outcome),
                "Analysis name": outcome.name,
                "Subgroup": datum.subgroup,
                "Applicability": applies.get(datum.only, "SUBGROUP_AND_OVERALL"),
                "Study": called.get(datum.study, datum.study),
                "Study year": years.get(datum.study, ""),
                **{column: datum.values.get(code, "") for code, column in columns.items()},
                "Footnotes": joined(datum.footnote, outcome.footnote),
            }


def _subgroups(review: Review) -> Iterator[Row]:
    for outcome in review.outcomes:
        for at, (name, values) in enumerate(outcome.subgroups.items(), 1):
            yield {**_place(outcome), "Subgroup": name, "Subgroup number": str(at), **_stored(values)}


def _information(review: Review, called: Mapping[str, str]) -> Iterator[Row]:
    for study in review.studies:
        told = {"Char: Participants": study.population, "Char: Notes": study.notes}
        yield {"Study": called[study.key], "Year": study.year, "Data source": "PUB", **told}


def _arms(review: Review, called: Mapping[str, str]) -> Iterator[Row]:
    for arm in review.arms:
        cells = {"Arm": arm.name, "Description": arm.description, "Intervention": arm.intervention}
        yield {"Study": called.get(arm.study, arm.study), **cells}


def _results(review: Review, called: Mapping[str, str]) -> Iterator[Row]:
    for result in review.results:
        yield {
            "Study": called.get(result.study, result.study),
            "Outcome": result.outcome,
            "Data type": TYPES["DICH" if result.events else "CONT"],
            "Effect measure": result.measure,
            "Arm": result.arm,
            "Reference arm": result.reference,
            **result.values,
            "Footnotes": result.footnote,
        }


def _risk_of_bias(review: Review, called: Mapping[str, str]) -> str:
    """A row a study or result, several where a domain is judged several times; two columns a domain."""
    domains = [*dict.fromkeys(each.domain for each in review.judgements)]
    columns = [f"Domain ({what}): {domain}" for domain in domains for what in ("judgement", "support")]
    rows: dict[tuple[str, str, int], Row] = {}
    times: Counter[tuple[str, str, str]] = Counter()
    names = {outcome.number: outcome.name for outcome in review.outcomes}
    for each in review.judgements:
        outcome = each.outcome or names.get(each.analysis, "")
        times[each.study, outcome, each.domain] += 1
        said = {"Study": called.get(each.study, each.study), "Outcome": outcome}
        row = rows.setdefault((each.study, outcome, times[each.study, outcome, each.domain]), said)
        row[f"Domain (judgement): {each.domain}"] = JUDGED[each.judgement]
        row[f"Domain (support): {each.domain}"] = each.reason
    of_results = ["Outcome"] if any(row["Outcome"] for row in rows.values()) else []
    return csv_text(["Study", *of_results, *columns], rows.values())


def _references(review: Review, called: Mapping[str, str]) -> Iterator[str]:
    for study in review.studies:
        if study.doi or study.journal:
            lines = {
                "TY": "JOUR",
                "NS": called[study.key],
                "PY": study.year,
                "JO": study.journal,
                "DO": study.doi,
            }
            yield "\n".join(f"{tag}  - {text}" for tag, text in lines.items() if text) + "\nER  - \n\n"


# Results


def _of_results(folder: Path, reported: Mapping[str, str] | None = None) -> tuple[Review, list[str]]:
    """The analyses of a folder of results; of which outcomes that studies report, by `reported` of rows."""
    results = [from_json(Record, io.read_json(file)) for file in record_files(folder)]
    groups = [*dict.fromkeys(each.comparison for each in results)]
    outcomes, lost, at = [], [], Counter[str]()
    studies: dict[str, Study] = {}
    for result in results:
        if used := result.studies:
            at[result.comparison] += 1
            number = f"{groups.index(result.comparison) + 1}.{at[result.comparison]}"
            outcome, said = _outcome(result, used, number)
            if reported is not None:
                names = dict.fromkeys(
                    reported.get(row, "") for each in used for row in each.row_ids.split(" ")
                )
                pooled = "; ".join(filter(None, names)) or outcome.name
                outcome = replace(outcome, values={**outcome.values, "OUTCOME": pooled})
            outcomes.append(outcome)
            lost += said
            for each in used:
                name, year = each.label or each.study_id, str(each.year or "")
                studies.setdefault(each.study_id, Study(each.study_id, name, year))
    if empty := len(results) - len(outcomes):
        lost.append(f"analyses in which no trial has numbers ({empty})")
    lost += [f"analyses {what} ({times})" for what, times in Counter(_otherwise(results)).items()]
    source = f"results {folder.name}"
    return Review(source=source, outcomes=tuple(outcomes), studies=tuple(studies.values())), lost


def _otherwise(results: Sequence[Record]) -> Iterator[str]:
    """In what RevMan's rules are others than those by which results were pooled."""
    for each in results:
        interval = (each.pooled.interval if each.pooled else "") or "wald"
        if interval not in ("wald", "hksj"):
            written = "Wald" if each.methods.interval == "wald" else "HKSJ"
            yield f"with the interval {interval}, written as {written}"
        if (method := str(each.methods.method or "iv").upper()) not in ("IV", "MH", "PETO"):
            yield f"pooled by {method.lower()}, written as inverse variance"


def _outcome(result: Record, used: Sequence[records.Study], number: str) -> tuple[Outcome, list[str]]:
    """One analysis: by arms where these give the effects again, else by estimate and standard error."""
    measure, methods = result.measure, result.methods
    kinds = {_entered(each) for each in used}
    kind = {"CONTINUOUS": "CONT", "DICHOTOMOUS": "DICH"}.get(kinds.pop() if len(kinds) == 1 else "", "IV")
    method = str(methods.method or "iv").upper()
    values = {
        "METHOD": method if kind == "DICH" and method in ("MH", "PETO") else "IV",
        "RANDOM": "NO" if methods.tau2_method == "FE" else "YES",
        "TAU2_METHOD": "DL" if methods.tau2_method == "DL" else "REML",
        "CI_METHOD": "WALD" if methods.interval == "wald" else "HKSJ",
        "CI_TOTAL": f"{methods.level * 100:g}",
        "UNITS": result.unit,
        "TOTALS": "SUB" if result.status is Status.NOT_POOLED else "YES",
    }
    if values["METHOD"] in ("MH", "PETO"):
        values["RANDOM"] = "NO"
    column = (result.subgroup_column or "") if len(result.subgroups) > 1 else ""
    parts = [spaced(str(each.name or UNNAMED)) for each in result.subgroups] if column else []
    outcome = Outcome(
        kind=kind,
        number=number,
        measure=SHORT.get(measure, measure),
        comparison=result.comparison,
        name=result.title,
        groups=(result.experimental_name, result.control_name),
        values=values,
        data=tuple(_row_datum(each, kind, column) for each in used),
        subgroups={name: {} for name in parts},
        favours=(result.direction.left, result.direction.right),
    )
    lost = [] if measure in SHORT else [f"{result.analysis}: RevMan has no measure {measure}."]
    if methods.tau2_method not in ("FE", "DL", "REML"):
        lost.append(f"{result.analysis}: tau2 by {methods.tau2_method}, written as REML.")
    return totals_as_stored(outcome), lost


def _entered(each: records.Study) -> str:
    names = {"yi": "effect", "vi": "variance"} | {
        f"{code}{at}i": f"{name}_{side}"
        for code, name in (("n", "n"), ("m", "mean"), ("sd", "sd"))
        for at, side in ((1, "experimental"), (2, "control"))
    }
    names |= {"ai": "events_experimental", "ci": "events_control"}
    values = {ours: getattr(each, theirs) for ours, theirs in names.items()}
    row = {name: "" if value is None else float(value) for name, value in values.items()}
    return revman_type({"measure": each.measure, **row})


def _row_datum(each: records.Study, kind: str, column: str) -> Datum:
    names = {"EVENTS": "events", "TOTAL": "n", "MEAN": "mean", "SD": "sd"}
    numbers: dict[str, object] = {
        f"{code}_{at}": getattr(each, f"{name}_{side}")
        for code, name in names.items()
        for at, side in (("1", "experimental"), ("2", "control"))
    }
    numbers |= {"ESTIMATE": each.effect, "SE": math.sqrt(each.variance)}
    codes = WEB["kinds"][kind]
    values = {
        code: number_text(value) for code, value in numbers.items() if code in codes and value is not None
    }
    part = spaced(str(getattr(each, column) or UNNAMED)) if column else ""
    return Datum(each.study_id, values, part, joined(str(each.derivation), each.locator))


def number_text(value: Any) -> str:
    """A number as short as it is exact, "" for none.

    >>> number_text(12.0), number_text(0.1 + 0.2), number_text(None)
    ('12', '0.30000000000000004', '')
    """
    if value is None or pd.isna(value):
        return ""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


# Evidence tables


def _of_config(config: Path) -> tuple[Review, list[str]]:
    """The evidence of a configuration as studies report it, and its analyses where it has results."""
    protocol, folder = read_in_place(config)
    with contextlib.chdir(folder):
        tables = read_evidence(protocol.evidence, protocol.words)
        catalogue = load_catalogue(protocol.instruments, checked=True)["instruments"]
        names = {code: str(entry.get("name") or spaced(code)) for code, entry in catalogue.items()}
        review, lost = review_of_tables(tables, names, protocol.words.treatment)
        review = replace(review, source=f"evidence of {config.name}", title=protocol.title)
        if any(Path(protocol.results).glob("analyses/*/result.json")):
            rows = {name: list(_cells(frame)) for name, frame in tables.items()}
            titles = _titles(rows, names)
            reported = {row["row_id"]: titles[_key(row)] for table in OUTCOME for row in rows[table]}
            results, said = _of_results(Path(protocol.results), reported)
            review, lost = replace(review, outcomes=results.outcomes), [*lost, *said]
    return review, lost


def review_of_tables(
    tables: Mapping[str, pd.DataFrame], names: Mapping[str, str], treatment: Callable[[str], str]
) -> tuple[Review, list[str]]:
    """Evidence tables as a review of study-centric data, and what has no place in that.

    `names` are those of instruments by their codes, `treatment` names a category of arms.
    """
    rows = {name: list(_cells(frame)) for name, frame in tables.items()}
    studies = tuple(_studies(rows["studies"]))
    arms = _named_arms(rows["arms"], treatment)
    kept: list[Result] = []
    lost: Counter[str] = Counter()
    titles = _titles(rows, names)
    for table, made in (("events", _events), ("continuous", _means), ("contrasts", _contrast)):
        for row in rows[table]:
            result, problem = made(row, arms, titles)
            kept += [result] if result else []
            if problem:
                lost[f"{table}.csv: {problem}"] += 1
    judgements = []
    for row in rows["risk_of_bias"]:
        if row["tool"] not in ("RoB1", "RoB2"):
            lost[f"risk_of_bias.csv: RevMan has no tool {row['tool']}"] += 1
        elif of_results := list(_judgements(row, rows, titles)):
            judgements += of_results
        else:
            lost["risk_of_bias.csv: a judgement of results that the trial does not have"] += 1
    for table in ("events", "continuous", "contrasts", "arms", "studies", "risk_of_bias"):
        for column in WEB["without_place"].get(table, ()):
            if number := sum(bool(row.get(column)) for row in rows[table]):
                lost[f"{table}.csv, {column}: no column for it"] = number
    if others := [each for each in judgements if each.tool != judgements[0].tool]:
        judgements = [each for each in judgements if each.tool == judgements[0].tool]
        kept_tool = judgements[0].tool
        lost[f"risk_of_bias.csv: a RevMan review has one tool, {kept_tool} is kept"] = len(others)
    review = Review(
        source="evidence",
        outcomes=(),
        studies=studies,
        judgements=tuple(judgements),
        arms=tuple(arms.values()),
        results=tuple(kept),
    )
    return review, [f"{what} ({times})" for what, times in lost.items()]


def _judgements(
    row: Cells, rows: Mapping[str, Sequence[Cells]], titles: Mapping[tuple[str, ...], str]
) -> Iterator[Judgement]:
    """A judgement of the whole trial; or one of each result that it is of, by the title of its outcome."""
    domain = capital(spaced(row["domain"]))
    judged = Judgement(row["study_id"], domain, row["judgement"], row.get("note", ""), row["tool"])
    if scope_of(row) == WHOLE_TRIAL:
        yield judged
        return
    own = (each for table in OUTCOME for each in rows[table] if each["study_id"] == row["study_id"])
    fitting = (each for each in own if scope_of(row).holds_of(scope_of({**each, "outcome": each["domain"]})))
    for title in dict.fromkeys(titles[_key(each)] for each in fitting):
        yield replace(judged, outcome=title)


def _cells(frame: pd.DataFrame) -> Iterator[Cells]:
    """Rows as text, numbers in full, "" for nothing."""
    for row in frame.to_dict("records"):
        yield {
            str(name): value if isinstance(value, str) else number_text(value) for name, value in row.items()
        }


def _studies(rows: Sequence[Cells]) -> Iterator[Study]:
    """Studies by the names from which an import makes the same ids, where there are such."""
    for row in rows:
        letter = re.search(r"(?:19|20)\d\d([a-z])$", row["study_id"])
        name = f"{row['first_author']} {row['year']}".strip() + (letter[1] if letter else "")
        name = row.get("label") or name
        study = Study(row["study_id"], name, row["year"], row["journal"], row["doi"])
        yield replace(study, population=row["population"], notes=row["setting_note"])


def _named_arms(rows: Sequence[Cells], treatment: Callable[[str], str]) -> dict[tuple[str, str], Arm]:
    """Arms by study and id, under their labels; two of one label keep their ids too."""
    times = Counter((row["study_id"], row["label"]) for row in rows)
    return {
        (row["study_id"], row["arm"]): Arm(
            study=row["study_id"],
            name=row["label"]
            if times[row["study_id"], row["label"]] == 1
            else f"{row['label']} ({row['arm']})",
            intervention=treatment(row["category"]),
            description=row["cointervention"],
        )
        for row in rows
    }


def _titles(rows: Mapping[str, Sequence[Cells]], names: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """What each outcome of each time is called, every one differently."""
    titles: dict[tuple[str, ...], str] = {}
    for table in ("events", "continuous", "contrasts"):
        for row in rows[table]:
            if (key := _key(row)) not in titles:
                code = row.get("outcome") or row["instrument"]
                base = row.get("definition") or names.get(code) or spaced(code)
                week = f"week {row['weeks']}" if row["weeks"] else ""
                when = "" if row["timepoint"] == "end_of_treatment" else spaced(row["timepoint"])
                change = "change" if row.get("measure") in CHANGES else ""
                parts = [
                    base,
                    row["item"] if row.get("item") and "outcome" not in row else "",
                    change,
                    when,
                    week,
                ]
                title = ", ".join(filter(None, parts))
                taken = {*titles.values()}
                options = [title, f"{title} ({code})", f"{title} ({spaced(row['domain'])})"]
                options += [f"{title} ({at})" for at in range(2, len(taken) + 3)]
                titles[key] = next(each for each in options if each not in taken)
    return titles


def _key(row: Cells) -> tuple[str, ...]:
    kind = "change" if row.get("measure") in CHANGES else ""
    code = row.get("outcome") or row["instrument"]
    return (
        code,
        row["domain"],
        row.get("item", ""),
        row["weeks"],
        row["timepoint"],
        row.get("period", ""),
        kind,
    )


def _shared(row: Cells, titles: Mapping[tuple[str, ...], str]) -> dict[str, Any]:
    read = row["source_url"] if row["source_url"] != NOWHERE else ""
    notes = joined(row["note"], row["locator"], read)
    return {"study": row["study_id"], "outcome": titles[_key(row)], "footnote": notes}


def _events(row: Cells, arms: Mapping[Any, Arm], titles: Mapping[Any, str]) -> tuple[Result | None, str]:
    if not row["events"] or not row["n"]:
        return None, "events without their number, or of nobody knows how many people"
    values = {"Cases": row["events"], "Sample size": row["n"]}
    arm = arms[row["study_id"], row["arm"]].name
    return Result(arm=arm, values=values, events=True, **_shared(row, titles)), ""


def _means(row: Cells, arms: Mapping[Any, Arm], titles: Mapping[Any, str]) -> tuple[Result | None, str]:
    if not row["centre"] or row["centre_type"] == "median":
        return None, f"a {row['centre_type'] or 'mean'} without place or number"
    values = {"Mean": row["centre"], "Sample size": row["n"], **_given_spread(row)}
    problem = f"a spread of the kind {row['spread_type']}" if len(values) == 2 and row["spread_low"] else ""
    arm = arms[row["study_id"], row["arm"]].name
    values = {column: value for column, value in values.items() if value}
    return Result(arm=arm, values=values, **_shared(row, titles)), problem


def _given_spread(row: Cells, prefix: str = "") -> dict[str, str]:
    kind = row["spread_type"]
    if kind in ("sd", "se"):
        return {kind.upper(): row["spread_low"]}
    level = INTERVALS.get(kind) or float(row.get("level") or 0)
    if not level:
        return {}
    bounds = {f"{prefix}CI start": row["spread_low"], f"{prefix}CI end": row["spread_high"]}
    return {"CI level": f"{level * 100:g}", **bounds}


def _contrast(row: Cells, arms: Mapping[Any, Arm], titles: Mapping[Any, str]) -> tuple[Result | None, str]:
    """A ratio with its interval as printed, a logarithm or difference as RevMan enters it."""
    ratio = row["measure"].removeprefix(LOG)
    if not (name := WEB["contrasts"].get(ratio)):
        return None, f"RevMan has no measure {row['measure']}"
    natural = ratio in RATIO_CONTRASTS and not row["measure"].startswith(LOG)
    prefix = "Exp " if natural else ""
    values = {"Exp mean" if natural else "Mean": row["estimate"], **_given_spread(row, prefix)}
    note = {}
    if row["o_minus_e"]:
        o_minus_e, variance = float(row["o_minus_e"]), float(row["variance"])
        values = {"Mean": repr(o_minus_e / variance), "SE": repr(variance**-0.5)}
        note = {"footnote": joined(f"O − E {row['o_minus_e']}, variance {row['variance']}", row["note"])}
    values |= {"Sample size": row["n_1"], "P value": row["p_value"]}
    if not {"SE", "CI level", "Exp CI start", "CI start"} & values.keys():
        return None, "a contrast without interval or standard error"
    pair = [arms[row["study_id"], row[side]].name for side in ("arm_1", "arm_2")]
    result = Result(
        arm=pair[0],
        reference=pair[1],
        measure=name,
        events=name not in ("MD", "SMD"),
        values={column: value for column, value in values.items() if value},
        **(_shared(row, titles) | note),
    )
    return result, ""
