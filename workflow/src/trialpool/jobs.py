"""The jobs of the pipeline, a function a rule: which files it reads, whom it asks, which files it writes.

In: paths and settings, from the scripts. Out: files. The rooms below compute and know no file of the
pipeline; each job imports the rooms that it needs when it runs, so that it starts at once. `reported` turns
errors into words.
"""

from __future__ import annotations

import errno
import gc
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import product
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trialpool import contracts, io
from trialpool.errors import Fault, InputError
from trialpool.kept import Kept, put
from trialpool.records import (
    ITS_OWN,
    Appraisal,
    Effect,
    Known,
    Network,
    PublishedFigure,
    PublishedPool,
    Record,
    Screening,
    Sureness,
    Unused,
    from_json,
    to_json,
)
from trialpool.standby import ONE_THREAD
from trialpool.vocabulary import Vocabulary, load_vocabulary

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from trialpool.protocol import Analysis
    from trialpool.view.read import Appraised

Row = Mapping[str, Any]
Paths = Sequence[str]
# In the order of the page.
SHOWN = (
    *("forest", "dose", "multiverse", "influence", "funnel", "posterior"),
    *("moderators", "bias", "radial", "labbe"),
)
MADE_OF = "made_of.json"  # hashes by analysis
MULTIVERSE = "specifications.csv"  # every one of an analysis
NAMED = {  # what other files of a review may name: where it stands in its tables
    "trials": ("studies", "study_id"),
    "categories": ("arms", "category"),
    "reviews": ("published_pools", "review_id"),
}

for _variable, _one in ONE_THREAD.items():
    os.environ.setdefault(_variable, _one)

# Figures are garbage that only a search finds, some 4 MB an analysis. As often as Python searches by itself
# takes a tenth of the time of a job; after so many new objects no more than a fortieth.
SELDOM = 100_000

# Any other error of the system (a file that is not there) is ours, and keeps its traceback.
NO_ROOM_OR_LEAVE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
MEND = "To mend: make room on the disk, or give permission to write there."


@contextmanager
def reported(log: str | Path) -> Iterator[None]:
    """Run a job's work; write what went wrong to its log and to the terminal, and stop with exit code 1.

    Faults of the input are told in their own words; anything else keeps its traceback, because it is ours.
    """
    message = ""
    gc.freeze()  # what was imported stays
    usual = gc.get_threshold()
    gc.set_threshold(SELDOM)
    try:
        yield
    except InputError as error:
        message = str(error)
    except OSError as error:
        where = f"{error.filename or 'a file'}: {error.strerror or error}."
        message = f"{where} {MEND}" if error.errno in NO_ROOM_OR_LEAVE else traceback.format_exc()
    except Exception:
        message = traceback.format_exc()
    finally:
        gc.set_threshold(*usual)
        gc.freeze()  # else Python looks for garbage once more when it ends
    try:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        Path(log).write_text(message + "\n" if message else "", encoding="utf-8")
    except OSError as error:
        message = message or f"{log}: {error.strerror}. {MEND}"
    if message:
        print(message, file=sys.stderr)
        raise SystemExit(1)


class Checked(NamedTuple):
    """What a check found where nothing is at fault: how many of each thing, the findings of the audit."""

    counts: Mapping[str, int]
    findings: Sequence[Row]
    to_fill_in: Sequence[str]  # columns of tables in which something stands in for what nobody told


def check_tables(
    folders: Paths,
    vocabulary_path: str | None = None,
    instruments: str | None = None,
    further: Mapping[str, Sequence[str]] | None = None,
) -> Checked:
    """Check folders of tables, by themselves or with a catalogue; raises InputError with every fault.

    `further` are words that a column may hold besides, such as {"condition": ["MIGRAINE"]}. Without the
    catalogue `instruments` are not known, so that no value is compared with the range of its scale.
    """
    from trialpool.evidence.audit import audit
    from trialpool.evidence.read import examine
    from trialpool.evidence.validate import unknown_instruments
    from trialpool.exchange.candidates import stand_ins
    from trialpool.protocol import load_catalogue

    words = load_vocabulary(vocabulary_path)
    tables, faults = examine(folders, words, further)
    catalogue: Mapping[str, Any] = {"instruments": {}}
    try:
        if instruments:
            catalogue = load_catalogue(instruments, words)
            faults = [*faults, *unknown_instruments(tables, catalogue, words.events())]
    except InputError as error:
        faults = [*faults, *error.faults]
    if faults:
        raise InputError(faults)
    findings = [*_of_no_use(tables), *_dicts(audit(tables, catalogue, words))]
    return Checked(_rows_of(tables), findings, stand_ins(tables))


def read_review(config: str) -> None:
    """Read the configuration of a review and the rules that it names; raises InputError with every fault."""
    from trialpool.protocol import read_protocol
    from trialpool.synthesis.network import load_networks
    from trialpool.synthesis.published import load_published

    review = read_protocol(config)
    load_networks(review.networks, review.analyses, review.words.table_words()["category"].words)
    load_published(review.published, review.analyses)


def check_review(path: str) -> Mapping[str, int]:
    """How many analyses a configuration asks and rows its tables hold; raises InputError as `look_over`."""
    return look_over(path).counts


def look_over(path: str) -> Checked:
    """Check a configuration with all its files and tables: how many analyses it asks, rows it has, findings.

    Raises InputError with every fault of the configuration or, if it has none, of its other files and tables.
    """
    from trialpool.evidence.audit import audit
    from trialpool.evidence.read import examine_for
    from trialpool.evidence.unit_of_analysis import check_assumptions
    from trialpool.exchange.candidates import stand_ins
    from trialpool.protocol import load_catalogue, read_protocol
    from trialpool.synthesis.claims import load_claims
    from trialpool.synthesis.network import load_networks
    from trialpool.synthesis.published import load_published

    protocol = read_protocol(path)
    analyses, words = protocol.analyses, protocol.words
    catalogue = load_catalogue(protocol.instruments, checked=True)
    conditions = sorted({name for each in analyses.values() for name in each["condition"]})
    tables, of_tables = examine_for(protocol.evidence, catalogue, conditions, words)
    named = {name: _different(tables, *cell) for name, cell in NAMED.items()}
    treatments = words.table_words()["category"].words or named["categories"]
    faults: list[Fault] = []
    steps: list[tuple[Any, ...]] = [
        (load_claims, protocol.claims, analyses, words),
        (load_published, protocol.published, analyses, named["reviews"]),
        (load_networks, protocol.networks, analyses, treatments, named["trials"]),
    ]
    if "studies" in tables:
        steps.append((check_assumptions, [*analyses.values()], tables["studies"]))
        steps.append((screening_of, protocol.screening, _different(tables, "studies", "study_id")))
    for load, *arguments in steps:
        try:
            load(*arguments)
        except InputError as error:
            faults += error.faults
    if faults := _placed([*faults, *of_tables], path):
        raise InputError(faults)
    findings = [*_asked_in_vain(analyses, tables, words), *_of_no_use(tables)]
    findings += _dicts(audit(tables, catalogue, words))
    return Checked({"analyses": len(analyses), **_rows_of(tables)}, findings, stand_ins(tables))


def _placed(faults: Iterable[Fault], path: str) -> list[Fault]:
    """Faults, those of the configuration that only the tables show at the line that asks."""
    from trialpool.yaml_files import read_yaml

    lines = read_yaml(path)[1]
    text = Path(path).read_text(encoding="utf-8").splitlines()

    def placed(fault: Fault) -> Fault:
        keys = [key for key in lines if fault.column == ".".join(key)]
        keys += [key for key in lines if fault.column in key[-2:] and fault.value in text[lines[key] - 1]]
        if fault.file != "config" or not keys:
            return fault
        return replace(fault, file=path, row=lines[keys[0]], column=".".join(keys[0]))

    return [placed(fault) for fault in faults]


def _asked_in_vain(
    analyses: Mapping[str, Analysis], tables: Mapping[str, pd.DataFrame], words: Vocabulary
) -> Iterator[Row]:
    """What an analysis asks for and no row has, as findings: it would pool nothing, without a word of why."""
    import pandas as pd

    from trialpool.errors import suggestion

    columns = ["study_id", "domain", "instrument", "timepoint", "weeks"]
    named = (
        tables[name].rename(columns={"outcome": "instrument"})
        for name in ("continuous", "contrasts", "events")
    )
    rows = pd.concat([part[columns] for part in named])
    rows = rows.merge(tables["studies"][["study_id", "condition", "purpose"]], on="study_id")
    categories = _different(tables, "arms", "category")
    for slug, spec in analyses.items():
        outcomes = list(dict.fromkeys(code.partition(":")[0] for code in spec["outcomes"]))
        domains, purpose = words.within(spec["domain"]), [spec["purpose"]] if spec["purpose"] else []
        of_condition = rows[rows["condition"].isin(spec["condition"])]
        own = of_condition[of_condition["domain"].isin(domains)]
        own = own[own["instrument"].isin(outcomes)] if outcomes else own
        for what, wanted, known in (
            ("an experimental side that no arm is of", spec["experimental"], categories),
            ("a control side that no arm is of", spec["control"], categories),
            ("outcomes that no row is of", outcomes, _seen(rows["instrument"])),
            ("a domain that no row is of", domains, _seen(rows["domain"])),
            ("a purpose that no trial is of", purpose, _seen(of_condition["purpose"])),
            ("a time that no row of its outcomes is of", *_times(spec["timepoint"], own)),
        ):
            if wanted and known and not {*wanted} & {*known}:
                yield {
                    **{"rule": what, "severity": "high", "study_id": f"analysis {slug}", "row_ids": ""},
                    **{"finding": f"it asks for {what}", "numbers": ", ".join(wanted)},
                    "check": f"its words: {suggestion(wanted[0], known)}",
                }


def _seen(cells: pd.Series) -> list[str]:
    return sorted(set(cells.dropna()))


def _times(asked: str | list[str] | dict[str, list[float]], own: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The times that an analysis asks for, and those that its rows have, in words or in weeks."""
    own = own[own["timepoint"].fillna("") != "baseline"]
    if isinstance(asked, Mapping):
        low, high = asked["weeks"]
        within, weeks = f"week {low:g} to {high:g}", own["weeks"].dropna()
        return [within], [within] if weeks.between(low, high).any() else [
            f"week {at:g}" for at in sorted(set(weeks))
        ]
    return [asked] if isinstance(asked, str) else asked, sorted(set(own["timepoint"].fillna("")))


def _of_no_use(tables: Mapping[str, pd.DataFrame]) -> Iterator[Row]:
    """Rows of which no effect can be made, as findings: a spread of 0, an outcome of one arm only."""
    rows, arms = tables["continuous"], tables["arms"]
    several = arms.loc[arms["pooled_of"].isna()].groupby("study_id").size()
    own = ["study_id", "domain", "instrument", "item", "weeks", "timepoint", "measure"]
    others = rows.groupby(own, dropna=False)["arm"].transform("nunique") > 1
    alone = ~others & (rows["study_id"].map(several) > 1) & rows["use"].isna()
    nothing = rows["spread_type"].isin(["sd", "se"]) & (rows["spread_low"] == 0)
    for rule, severity, mask, finding, check in (
        (
            "spread_zero",
            "high",
            nothing,
            "a spread of 0, which few outcomes have",
            "the digits in the source",
        ),
        ("one_arm", "low", alone, "numbers of one arm only", "whether the source has those of the others"),
    ):
        for row in rows[mask.to_numpy(dtype=bool)].to_dict("records"):
            name = f"{row['instrument']}, arm {row['arm']}"
            where = {"study_id": str(row["study_id"]), "row_ids": str(row["row_id"])}
            said = {"finding": finding, "numbers": f"{name}: {row['centre']:g}", "check": check}
            yield {"rule": rule, "severity": severity, **where, **said}


def _rows_of(tables: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    return {name: len(frame) for name, frame in tables.items()}


def _different(tables: Mapping[str, pd.DataFrame], table: str, column: str) -> list[str]:
    """The different cells of a column, none where the table could not be read."""
    return sorted(set(tables[table][column].dropna())) if table in tables else []


def _dicts(frame: pd.DataFrame) -> list[Row]:
    return [dict(row) for row in frame.to_dict("records")]


def ingest(
    folders: Paths, catalogue_path: str, vocabulary_path: str | None, conditions: Sequence[str], paths: Paths
) -> None:
    """Read and check the evidence tables; write each as parquet, or raise InputError with every fault."""
    from trialpool.evidence.read import valid_tables
    from trialpool.protocol import load_catalogue

    catalogue = load_catalogue(catalogue_path, checked=True)
    words = load_vocabulary(vocabulary_path, checked=True).with_groups(catalogue.get("groups", {}))
    tables = valid_tables(folders, catalogue, conditions, words)
    for path in paths:
        io.write_parquet(path, tables[Path(path).stem], contracts.stored(contracts.TABLES[Path(path).stem]))


def harmonise(table_paths: Paths, vocabulary_path: str | None, paths: Paths) -> None:
    """Bring what trials report to arm summaries, contrasts and events, one parquet file each."""
    from trialpool.evidence.summaries import harmonise

    harmonised = harmonise(_frames(table_paths), load_vocabulary(vocabulary_path, checked=True))
    for path in paths:
        io.write_parquet(path, harmonised[Path(path).stem], contracts.SUMMARIES[Path(path).stem])


def audit(
    table_paths: Paths, catalogue_path: str, vocabulary_path: str | None, findings_path: str, table_path: str
) -> None:
    """Check the numbers against each other; findings as parquet for the comparison, as CSV for readers."""
    from trialpool.evidence.audit import audit
    from trialpool.protocol import load_catalogue

    words = load_vocabulary(vocabulary_path, checked=True)
    findings = audit(_frames(table_paths), load_catalogue(catalogue_path, checked=True), words)
    io.write_parquet(findings_path, findings, contracts.AUDIT)
    io.write_csv(table_path, findings.to_dict("records"), contracts.AUDIT.names)


def compare(
    table_paths: Paths,
    harmonised_paths: Paths,
    findings_path: str,
    catalogue_path: str,
    vocabulary_path: str | None,
    specs: Sequence[Analysis],
    kept: Kept,
    paths: Paths,
) -> None:
    """Turn summaries into effects: per analysis its effects, what was not used and why, and its trials.

    `specs` are the resolved analyses of a batch, `paths` its effects, excluded and known parquet files, in
    one folder. Only analyses that are made of other rows or settings than they were are compared again.
    """
    import pandas as pd
    from pyarrow.parquet import ParquetFile

    from trialpool.evidence.compare import compare_posed, write_comparison
    from trialpool.evidence.made_of import made_of
    from trialpool.evidence.match import pose
    from trialpool.protocol import load_catalogue

    tables, harmonised = _frames(table_paths), _frames(harmonised_paths)
    catalogue, findings = load_catalogue(catalogue_path, checked=True), pd.read_parquet(findings_path)
    words = load_vocabulary(vocabulary_path, checked=True)
    context = pose(harmonised, tables, catalogue, specs, words, findings)
    folder, files = Path(paths[0]).parent, [Path(path).name for path in paths]
    hashes, earlier = made_of(context, tables, findings), kept.earlier(f"compared/{folder.name}")
    before = io.read_json(earlier[MADE_OF]) if earlier else {}
    stay = {analysis for analysis, own in hashes.items() if before.get(analysis) == own}
    rows = [ParquetFile(earlier[file]).read() for file in files] if stay else ()
    others = [spec for spec in specs if spec["analysis"] not in stay]

    def compare_others(own: Path) -> None:
        comparison = compare_posed(context.instead(others), tables, findings) if others else None
        write_comparison(comparison, [own / file for file in files], rows, stay, list(hashes))
        io.write_json(own / MADE_OF, hashes)

    lot = kept.lot(f"compared/{folder.name}", hashes, compare_others)
    put({file: lot[file] for file in files}, folder)


def follow(
    table_paths: Paths,
    effect_paths: Paths,
    analyses: Sequence[str],
    path: str,
    kept: Kept,
    formats: Sequence[str],
    screening_path: str | None = None,
) -> None:
    """Follow the trials from known to pooled: flow.csv and the figure beside it, in these formats.

    `effect_paths` are the effects, excluded and known parquet files of the first batch, then of the next.
    With a table of screened records, `screening_path`, the figure is that of PRISMA 2020.
    """
    from trialpool.evidence.participant_flow import participant_flow

    def draw(own: Path) -> None:
        from trialpool.figures.notes import describe
        from trialpool.figures.review import draw_flow, draw_prisma
        from trialpool.view.prisma import told

        figure = draw_prisma(screened) if screened else draw_flow(rows)
        said = describe("prisma", list(told(screened))) if screened else describe("flow", rows)
        _save(figure, own / Path(path).stem, said, formats, beside=False)

    effects, excluded, known = (
        [row for path in effect_paths[at::3] for row in io.read_rows(path, ["analysis", "study_id", column])]
        for at, column in enumerate(("selected", "reason_code", "has_numbers"))
    )
    tables = {Path(path).stem: io.read_rows(path) for path in table_paths}
    rows = participant_flow(tables, effects, excluded, known, analyses)
    io.write_csv(path, rows, contracts.FLOW.names)
    screened = screening_of(screening_path, [str(row["study_id"]) for row in tables["studies"]])
    made_of = (rows, formats, screened) if screened else (rows, formats)
    put(kept.lot("flow", made_of, draw), Path(path).parent)


def screening_of(path: str | None, studies: Collection[str]) -> Screening | None:
    """The PRISMA 2020 flow of a table of screened records, None without one; raises InputError."""
    if not path:
        return None
    from trialpool.evidence.screening import count_screening, read_screening

    return count_screening(read_screening(path, studies))


def pool_analyses(
    specs: Sequence[Analysis],
    tables: Paths,
    folders: Paths,
    multiverses: str,
    kept: Kept,
    vocabulary_path: str | None = None,
) -> None:
    """Pool some analyses and ask whether each holds, those whose rows and settings are not what they were.

    Writes result.json, studies.csv and forest.svg of each into its folder, for an analysis of several trials
    also what only such a one has, and into the folder `multiverses` every specification of it, as
    <analysis>.csv. `tables` are the batch's effects, excluded and known rows, `vocabulary_path` is the file
    with the words of the review, if it has one.
    """
    from trialpool.view.read import grouped

    every = [grouped(io.read_rows(table), itemgetter("analysis")) for table in tables]
    vocabulary = load_vocabulary(vocabulary_path, checked=True)
    for spec, folder in zip(specs, map(Path, folders), strict=True):
        rows = [table.get(spec["analysis"], []) for table in every]
        pool = partial(_pool, spec, rows, vocabulary)
        lot = kept.lot(f"analyses/{spec['analysis']}", (spec, rows), pool)
        put({f"{spec['analysis']}.csv": lot[MULTIVERSE]}, multiverses)
        if "multiverse.csv" not in lot:
            del lot[MULTIVERSE]
        put(lot, folder)


def _pool(spec: Analysis, rows: Sequence[Sequence[Row]], vocabulary: Vocabulary, folder: Path) -> None:
    """Pool an analysis and write its record, tables and figures; `rows` are effects, excluded and known.

    Figures and tables read the record as it is written, so that a number is the same wherever it stands; a
    label that figures cannot draw is the trial's id in them and in studies.csv. An
    analysis of several trials has more of them; those of moderators where it has trials enough for a test.
    One that only illustrates has its forest plot, for screens, and no more than the table of other choices.
    """
    from trialpool.figures import draw_beside
    from trialpool.figures.forest import draw_forest
    from trialpool.figures.lettering import with_drawable_labels
    from trialpool.figures.notes import describe
    from trialpool.synthesis.analyse import analyse, read
    from trialpool.view.read import appraised
    from trialpool.view.reproduce import SCRIPT, script_of

    def named(parts: Iterable[Row]) -> Iterator[Row]:
        return ({**part, "analysis": spec["analysis"]} for part in parts)

    effects, excluded, known = rows
    evidence = read(Effect, effects), read(Unused, excluded), read(Known, known)
    record, specifications = analyse(spec, *evidence)
    columns, formats = specifications.columns() if specifications else {}, spec["formats"]
    every = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    io.write_csv(folder / MULTIVERSE, every, list(columns))
    written = io.canonical(to_json(record))
    drawn = with_drawable_labels(written)
    shown = appraised(drawn, vocabulary=vocabulary)
    io.write_csv(folder / "studies.csv", drawn["studies"], contracts.STUDY_ROWS.names)
    if script := script_of(from_json(Record, written)):
        io.write_text(folder / SCRIPT, script)
    if record.sensitivity:
        io.write_csv(folder / "sensitivity.csv", named(written["sensitivity"]), contracts.SENSITIVITY.names)
    figure, description = draw_forest(shown, preset=record.forest), describe("forest", shown)
    printed = record.k > 1 and not record.illustrative
    _save(figure, folder / "forest", description, io.formats_of(formats, printed=printed), beside=False)
    if record.multiverse and not record.illustrative:
        levels = named(written["multiverse"]["levels"])
        io.write_csv(folder / "multiverse.csv", levels, contracts.MULTIVERSE.names)
    if record.sensitivity and not record.illustrative:
        io.write_csv(folder / "influence.csv", named(written["influence"]), contracts.INFLUENCE.names)
        for name, title, figure in draw_beside(shown, columns, spec["figures"]):
            _save(figure, folder / name, title, io.formats_of(formats))
    io.write_json(folder / "result.json", written)


def appraise(
    folders: Sequence[str],
    judgements_path: str,
    audit_path: str,
    pools_path: str,
    rules_paths: Sequence[str | None],
    path: str,
    specs: Mapping[str, Analysis] | None = None,
    catalogue_path: str | None = None,
    grade: str = "grade",
) -> None:
    """Appraise the records by the rules of a claims file: certainty, absolute effects, verdicts, as JSON.

    `rules_paths` are the files of claims, of published pools and of the vocabulary, where there are any;
    `specs` the resolved settings, `catalogue_path` the file of the instruments, `grade` whose rules.
    """
    from trialpool.protocol import load_catalogue
    from trialpool.synthesis.claims import appraise, load_claims
    from trialpool.synthesis.published import load_published, most_trials

    records, (claims, published, vocabulary) = read_records(folders), rules_paths
    slugs = [record.analysis for record in records]
    rules = load_claims(claims, slugs, load_vocabulary(vocabulary, checked=True))
    tables = io.read_rows(judgements_path), io.read_rows(audit_path)
    instruments = load_catalogue(catalogue_path, checked=True)["instruments"] if catalogue_path else {}
    pooled = most_trials(io.read_rows(pools_path), load_published(published, slugs, checked=True))
    rules = {**rules, "certainty": {**rules["certainty"], "grade": grade}}
    appraisal = appraise(records, tables[0], rules, tables[1], pooled, specs, instruments)
    io.write_json(path, to_json(appraisal))


def adjust_moderators(records: Iterable[Record], path: str | Path) -> None:
    """Write what was asked of moderators in the review, p-values adjusted over all tests of it (Holm)."""
    from trialpool.synthesis.diagnostics import adjusted, moderator_table

    rows = sorted((row for record in records for row in record.moderators), key=lambda row: row.analysis)
    io.write_csv(path, moderator_table(adjusted(rows)), contracts.MODERATORS.names)


def compare_published(
    pools_path: str,
    folders: Paths,
    rules_path: str | Paths | None,
    path: str,
    figures: Paths,
    kept: Kept,
    formats: Sequence[str],
) -> None:
    """Write published.csv and one figure a group in these formats; `figures` are the paths of the SVGs."""
    from trialpool.synthesis.published import load_published, published_figure, published_rows

    def draw(shown: PublishedFigure, rows: Sequence[PublishedPool], name: str, own: Path) -> None:
        from trialpool.figures.published import describe_published, draw_published

        _save(draw_published(shown, rows), own / name, describe_published(shown, rows), formats)

    records = read_records(folders)
    printed = io.read_rows(pools_path)
    reviews = {str(row["review_id"]) for row in printed}
    rules = load_published(rules_path, [record.analysis for record in records], reviews)
    written = io.canonical(to_json(published_rows(printed, rules, records)))
    pools = from_json(list[PublishedPool], written)
    io.write_csv(path, written, contracts.PUBLISHED.names)
    for figure in map(Path, figures):
        shown = published_figure(figure.stem, rules)
        rows = [pool for pool in pools if pool.figure == figure.stem]
        made_of = shown, rows, figure.stem
        lot = kept.lot(f"published/{figure.stem}", (made_of, formats), partial(draw, *made_of))
        put(lot, figure.parent)


def connect(
    rules: Mapping[str, Row],
    folders: Paths,
    appraisal_path: str,
    folder: str,
    kept: Kept,
    formats: Sequence[str],
) -> None:
    """Write result.json, league.csv, ranking.csv and the figure in these formats of every network.

    From the records of its analyses, and their certainty in the appraisal.
    """
    records = {record.analysis: record for record in read_records(folders)}
    judged = from_json(Appraisal, io.read_json(appraisal_path)).analyses
    for name, entry in rules.items():
        joined = [records[slug] for slug in entry["analyses"]]
        found = {slug: judged[slug].certainty for slug in entry["analyses"]}
        levels = {slug: certainty.level for slug, certainty in found.items() if certainty}
        made_of = name, entry, joined, levels, formats
        lot = kept.lot(f"networks/{name}", made_of, partial(_connect, *made_of))
        put(lot, Path(folder) / name)
        for file in Path(folder, name).iterdir():
            if file.name not in lot:  # of an earlier run, whose entry asked for more
                file.unlink()


def _connect(
    name: str,
    entry: Row,
    records: Sequence[Record],
    levels: Mapping[str, Sureness],
    formats: Sequence[str],
    own: Path,
) -> None:
    from trialpool.figures.network import describe_network, draw_network
    from trialpool.synthesis.network import build_network

    written = io.canonical(to_json(build_network(name, entry, records, levels)))
    network = from_json(Network, written)
    io.write_json(own / "result.json", written)
    io.write_csv(own / "league.csv", written["league"], contracts.LEAGUE.names)
    io.write_csv(own / "ranking.csv", written["ranking"], contracts.RANKING.names)
    _save(draw_network(network), own / "network", describe_network(network), formats)
    if entry.get("evidence"):
        _write_evidence(entry, network, records, formats, own)


def _write_evidence(
    entry: Row, network: Network, records: Sequence[Record], formats: Sequence[str], own: Path
) -> None:
    """What a network's evidence consists of: tables and figures beside the others."""
    from trialpool.figures import network_evidence as figures
    from trialpool.synthesis.network import evidence_files
    from trialpool.synthesis.network_evidence import BIAS, evidence_of
    from trialpool.yaml_files import shipped

    found, files = evidence_of(entry, network, records), evidence_files(entry, formats)
    ranks, poth = found.ranks() if found else ((), 0.0)
    whole = found is None or "split.csv" not in files
    split, shares = ((), ()) if found is None or whole else (found.split(), found.all_shares())
    for table, rows in zip(contracts.NETWORK_EVIDENCE.values(), (split, shares, ranks), strict=True):
        if table.file in files:
            written = [_flat(to_json(row)) for row in rows]
            io.write_csv(own / table.file, written, list(dict.fromkeys([*table.names, *_keys(written)])))
    by_risk = [row for row in shares if row.by == BIAS]
    drawn: dict[str, Callable[[], Figure]] = {
        "split": partial(figures.draw_split, network, split),
        "rankogram": partial(figures.draw_rankogram, network, ranks, poth),
        "contributions": partial(figures.draw_shares, network, by_risk),
    }
    titles = shipped("sentences")["networks"]["figures"]
    for name, draw in drawn.items():
        if any(file.startswith(f"{name}.") and file != f"{name}.csv" for file in files):
            _save(draw(), own / name, f"{titles[name]}: {network.title}", formats)


def _flat(row: dict[str, Any]) -> Row:
    """A row whose chances of ranks are columns of their own."""
    chances = row.pop("chances", ())
    return row | {f"rank_{at + 1}": chance for at, chance in enumerate(chances)}


def _keys(rows: Iterable[Row]) -> list[str]:
    return [key for row in rows for key in row]


def draw_review(
    folders: Paths,
    table_paths: Paths,
    vocabulary_path: str | None,
    folder: Path,
    kept: Kept,
    formats: Sequence[str],
    panels: Mapping[str, Row] = {},
) -> None:
    """Draw the figures of the whole review (risk_of_bias, evidence_map, timeline) in these formats.

    Into the folder panels, from which others go, those of several analyses side by side.
    """
    from trialpool.view.read import read_records as read_appraised
    from trialpool.view.read import read_tables
    from trialpool.view.review import evidence_map, timeline, with_room
    from trialpool.view.study import judged_tools, labels, trial_views

    vocabulary = load_vocabulary(vocabulary_path, checked=True)
    tables = read_tables(path for path in table_paths if Path(path).stem in ("studies", "risk_of_bias"))
    records = read_appraised(_records_in(folders), vocabulary=vocabulary, without=ITS_OWN)
    studies = tables["studies"]
    bias = judged_tools(tables["risk_of_bias"], labels(records, studies), len(studies))
    shown, years = with_room(evidence_map(records)), (timeline(trial_views(records, tables, vocabulary)),)
    beside = {slug for asked in panels.values() for slug in asked["analyses"]}
    found = {record.analysis: record for record in records if record.analysis in beside}
    views: dict[str, Sequence[Sequence[Any]]] = {  # what each draws, what its text alternative tells
        "risk_of_bias": ((bias,), (bias, len(studies))),
        "evidence_map": (shown, shown[:1]),
        "timeline": (years, years),
    }
    del records, studies, tables  # of thousands the drawings need the room
    for name, (drawn, told) in views.items():
        made_of = name, drawn, told, formats
        put(kept.lot(name, made_of, partial(_draw_view, *made_of)), folder)
    if (folder / "panels").exists():
        shutil.rmtree(folder / "panels")
    for name, asked in panels.items():
        side_by_side = name, asked, [found[slug] for slug in asked["analyses"]], formats
        lot = kept.lot(f"panels/{name}", side_by_side, partial(_draw_panels, *side_by_side))
        put(lot, folder / "panels")


def _draw_panels(
    name: str, asked: Row, records: Sequence[Appraised], formats: Sequence[str], own: Path
) -> None:
    """Draw some analyses side by side; fewer than two with a trial are an InputError."""
    from trialpool.figures.forest_panels import draw_panels
    from trialpool.figures.notes import describe

    names = [*asked["analyses"].values()] if isinstance(asked["analyses"], Mapping) else [""] * len(records)
    title = asked.get("title", "")
    try:
        figure = draw_panels(records, title, asked.get("style", "plain"), names)
    except ValueError as problem:
        remedy = "take analyses with trials, or take the panel out of the configuration"
        raise InputError([Fault("config", None, f"panels.{name}", "", str(problem), remedy)]) from None
    told = " ".join(describe("forest", record) for record in records)
    _save(figure, own / name, f"{title or 'Forest plots side by side'}. {told}", formats)


def _draw_view(
    name: str, drawn: Sequence[Any], told: Sequence[Any], formats: Sequence[str], own: Path
) -> None:
    from trialpool.figures import review
    from trialpool.figures.notes import describe

    _save(getattr(review, f"draw_{name}")(*drawn), own / name, describe(name, *told), formats)


def help_judging(config: str, folder: str | Path) -> list[str]:
    """Write what helps a person to judge risk of bias into a new folder; returns the names of the files.

    suggested_answers.csv is what the tables say on signalling questions. Where the results of the review are
    there, missing_results.csv and a figure a comparison show which trial has a result of which outcome.
    Raises InputError with every fault of the review, and for a folder that exists.
    """
    from trialpool.evidence.read import read_evidence
    from trialpool.evidence.suggestions import Suggestion, suggested_answers
    from trialpool.figures.bias import draw_missing_results
    from trialpool.figures.notes import describe
    from trialpool.protocol import read_protocol
    from trialpool.view.bias import MATRIX_COLUMNS, matrix_rows, missing_results
    from trialpool.view.read import read_records as read_appraised

    review = read_protocol(config)
    if Path(folder).exists():
        problem = "the folder exists already"
        raise InputError([Fault(str(folder), None, "", "", problem, "name a new folder")])
    tables = {name: _dicts(frame) for name, frame in read_evidence(review.evidence, review.words).items()}
    answers = [each._asdict() for each in suggested_answers(tables, review.words)]
    paths = [f"{review.results}/analyses/{slug}/result.json" for slug in review.analyses]
    matrices = missing_results(
        read_appraised([path for path in paths if Path(path).exists()], {}, review.words)
    )
    with io.whole_folder(folder) as temporary:
        io.write_csv(temporary / "suggested_answers.csv", answers, Suggestion._fields)
        if matrices:
            io.write_csv(temporary / "missing_results.csv", matrix_rows(matrices), MATRIX_COLUMNS)
        for number, matrix in enumerate(matrices, start=1):
            name = f"missing_results_{number}"
            figure, told = draw_missing_results(matrix), describe("missing_results", matrix)
            _save(figure, temporary / name, told, [".svg"])
    return sorted(path.name for path in Path(folder).iterdir())


def write_tables(
    folders: Paths,
    appraisal_path: str,
    network_paths: Paths,
    table_paths: Paths,
    vocabulary_path: str | None,
    folder: Path,
    question: str = "",
    reproduced_path: str | None = None,
    evidence_paths: Paths = (),
) -> None:
    """Write summary.csv, excluded.csv, moderators.csv and README.md; DATA.md explains every column.

    `evidence_paths` are the tables and figures of the evidence of networks, where these ask for them.
    """
    from trialpool.page.readme import render_readme, summary_row
    from trialpool.view.read import read_claims, read_networks, read_reproduced, read_summary, read_tables
    from trialpool.view.read import read_records as read_appraised
    from trialpool.view.study import excluded_rows, labels, not_asked

    appraisal, tables = io.read_json(appraisal_path), read_tables(table_paths)
    vocabulary = load_vocabulary(vocabulary_path, checked=True)
    records = read_appraised(_records_in(folders), appraisal, vocabulary, without=ITS_OWN)
    io.write_csv(folder / "summary.csv", map(summary_row, records), contracts.SUMMARY.names)
    unasked = not_asked(records, tables, labels(records, tables.get("studies") or []))
    excluded = map(to_json, excluded_rows(records, unasked))
    io.write_csv(folder / "excluded.csv", excluded, contracts.NOT_USED.names)
    del tables, unasked, excluded  # of thousands what follows needs the room
    adjust_moderators(records, folder / "moderators.csv")
    io.write_text(folder / "DATA.md", contracts.data_dictionary({Path(path).name for path in evidence_paths}))
    told = read_claims(appraisal), read_networks(network_paths), read_summary(appraisal)
    apart = _by_folder(evidence_paths)
    readme = render_readme(records, *told, question, read_reproduced(reproduced_path), apart)
    io.write_text(folder / "README.md", readme)


def write_page(
    folders: Paths,
    appraisal_path: str,
    table_paths: Paths,
    catalogue_path: str,
    vocabulary_path: str | None,
    path: str,
    *,
    flow_path: str,
    audit_path: str,
    published_path: str,
    network_paths: Paths,
    evidence_paths: Paths = (),
    specs: Mapping[str, Analysis],
    head: Mapping[str, str],
    reproduced_path: str | None = None,
    screening_path: str | None = None,
) -> None:
    """Write index.html, and of very many questions a page each besides.

    From the records with their figures (SVG), the appraisal, the evidence tables, the full names of the
    instruments, flow.csv, audit.csv, published.csv, the networks with their figures beside them and what
    there is of their evidence (`evidence_paths`), the resolved settings, the protocol's head and, where there
    are any, what R gave for pooled numbers and the table of screened records.
    """
    from trialpool.page.page import FOLDER, render_pages
    from trialpool.view import read
    from trialpool.yaml_files import read_sound

    appraisal = io.read_json(appraisal_path)
    vocabulary, tables = load_vocabulary(vocabulary_path, checked=True), read.read_tables(table_paths)
    studies = [str(row["study_id"]) for row in tables.get("studies") or []]
    paths = {Path(path).parent.name: path for path in _records_in(folders)}
    lean = ITS_OWN if len(paths) > io.MOST_QUESTIONS else {}  # each has a page of its own then

    def whole(analysis: str) -> Appraised:
        return read.read_records([paths[analysis]], appraisal, vocabulary)[0]

    pages = render_pages(
        read.read_records([*paths.values()], appraisal, vocabulary, without=lean),
        tables,
        _figures_in(folders),
        instruments=read_sound(catalogue_path)["instruments"],
        claims=read.read_claims(appraisal),
        flow=read.read_csv(flow_path, contracts.FLOW),
        audit=read.read_csv(audit_path, contracts.AUDIT),
        published=read.read_csv(published_path, contracts.PUBLISHED),
        networks=read.read_networks(network_paths),
        network_figures={
            Path(path).parent.name: Path(path).with_name("network.svg") for path in network_paths
        },
        network_evidence=_by_folder(evidence_paths),
        specs=specs,
        vocabulary=vocabulary,
        head=head,
        summary=read.read_summary(appraisal),
        reproduced=read.read_reproduced(reproduced_path),
        screening=screening_of(screening_path, studies),
        whole=whole if lean else None,
    )
    folder = Path(path).parent
    shutil.rmtree(folder / FOLDER, ignore_errors=True)  # pages of questions of an earlier, larger review
    for name, page in pages:
        io.write_text(folder / name, page)


def _figures_in(folders: Paths) -> dict[str, dict[str, list[str]]]:
    """Of every analysis its figures, each with the formats that there are."""
    figures: dict[str, dict[str, list[str]]] = {}
    for folder in map(Path, folders):
        there = set(os.listdir(folder))
        for name, ending in product(SHOWN, io.FORMATS):
            if f"{name}{ending}" in there:
                figures.setdefault(folder.name, {}).setdefault(name, []).append(ending)
    return figures


def _by_folder(paths: Paths) -> dict[str, list[Path]]:
    """The files by the names of the folders that they are in."""
    found: dict[str, list[Path]] = {}
    for path in map(Path, paths):
        found.setdefault(path.parent.name, []).append(path)
    return found


def write_manifest(
    folder: Path,
    analyses: Sequence[str],
    networks: Sequence[str],
    evidence: Mapping[str, str],
    tables: Mapping[str, str],
    settings: Paths,
    software: Paths,
    citation: Paths,
    kept: str,
    formats: Sequence[str],
) -> None:
    """Forget what is no longer asked, then list every file: manifest.csv and ro-crate-metadata.json.

    `citation` is one CITATION.cff or none, `formats` those of the review's figures; the rest as in
    `provenance.crate`.
    """
    from trialpool.provenance.crate import write_crate, write_manifest

    forget_formats(folder, formats)

    for results in (folder, kept):
        forget_others(Path(results, "analyses"), analyses)
        forget_others(Path(results, "networks"), networks)
    write_manifest(folder, evidence)
    write_crate(folder, tables, settings, software, *citation)


def forget_formats(folder: Path, formats: Sequence[str]) -> None:
    """Remove the review's figures in formats in which they are no longer drawn."""
    for place, ending in product(("*", "published/*", "networks/*/*"), io.FORMATS):
        for figure in folder.glob(f"{place}{ending}") if ending not in formats else ():
            figure.unlink()


def forget_others(folder: Path, analyses: Sequence[str]) -> None:
    """Remove from results/analyses, or networks, what earlier runs left of those that are no longer asked.

    Only folders with a record in them, which we wrote: a reader must not take an old answer for a new one.
    """
    for name in {record.parent.name for record in folder.glob("*/result.json")}.difference(analyses):
        shutil.rmtree(folder / name)


def _frames(paths: Paths) -> dict[str, pd.DataFrame]:
    """Parquet files as frames, by their names without suffix; from here on pandas keeps texts as Python does.

    Read cell by cell, as derivations are, texts in Arrow's arrays cost a quarter more time and memory.
    """
    import pandas as pd

    pd.set_option("mode.string_storage", "python")
    return {Path(path).stem: pd.read_parquet(path) for path in paths}


def read_records(folders: Paths) -> list[Record]:
    """The records in the folders of the analyses, in their order (that of the config), without ITS_OWN."""
    return [from_json(Record, record | ITS_OWN) for record in io.read_records(_records_in(folders))]


def _records_in(folders: Paths) -> list[str]:
    return [f"{folder}/result.json" for folder in folders]


def _save(figure: Any, path: Path, description: str, formats: Sequence[str], *, beside: bool = True) -> None:
    """Save a figure in these formats; `beside` others its PNG is smaller."""
    from trialpool.figures.save import PNG_DPI, PNG_DPI_BESIDE, save_figure

    dpi = PNG_DPI_BESIDE if beside else PNG_DPI
    save_figure(figure, path, description=description, dpi=dpi, formats=formats)
