"""Published pooled results and our records in, one beside the other in one direction out, with reasons."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from trialpool.contracts import PUBLISHED_POOLS
from trialpool.errors import nearest, suggestion
from trialpool.measures import MEASURES, Values
from trialpool.records import PublishedFigure, PublishedPanel, PublishedPool, Record, Status, columns_of
from trialpool.synthesis.pool import BOUNDS
from trialpool.text import people
from trialpool.yaml_files import KeyPath, Slip, read_checked, read_sound

Row = Mapping[str, Any]
EXACT, PATTERNS = ("condition", "review_id", "measure"), ("comparison", "outcome")
LISTS = ("treatments", "turned", "left_out", "pools")
THEIRS = [name for name in PUBLISHED_POOLS.names if name in columns_of(PublishedPool)]
AXIS = columns_of(PublishedPanel)
NOWHERE = "no figure shows this outcome"
_YEAR = re.compile(r"(?:19|20)\d\d")


def load_published(
    path: str | Sequence[str] | None,
    analyses: Iterable[str],
    reviews: Collection[str] = (),
    *,
    checked: bool = False,
) -> Row:
    """The rules of config/published.yaml: `figures` and `review_trials` by name, the other keys in order.

    Without a file (None, or Snakemake's empty input) there are no rules. Raises InputError for a key missing
    or unknown, a pattern that is no regular expression, a measure that cannot be turned, two panels of one
    name, an analysis that the configuration does not have, and a review that is not among `reviews`, if any
    are known. One that is `checked` already, as before any job runs, is only read.
    """
    known = list(analyses)

    def slips(rules: Row) -> Iterator[Slip]:
        yield from _published_slips(rules, known)
        yield from _review_slips(rules, reviews)

    read = read_sound if checked else partial(read_checked, schema="published", more=slips)
    content = read(str(path)) if path else {}
    named = {key: content.get(key) or {} for key in ("figures", "review_trials")}
    return {**named, **{key: content.get(key) or [] for key in LISTS}}


def _published_slips(rules: Row, analyses: Sequence[str]) -> Iterator[Slip]:
    """What the schema cannot say."""
    figures = [(("figures", name), entry) for name, entry in (rules.get("figures") or {}).items()]
    panels = [
        ((*path, "panels", str(at)), each)
        for path, entry in figures
        for at, each in enumerate(entry["panels"])
    ]
    listed = [((key, str(at)), entry) for key in LISTS for at, entry in enumerate(rules.get(key) or [])]
    for path, entry in [*figures, *panels, *listed]:
        yield from _entry_slips(path, entry, analyses)
    axes = [(*path[:2], panel["measure"], panel.get("name", "")) for path, panel in panels]
    for at, (path, panel) in enumerate(panels):
        if axes[at] in axes[:at]:
            problem = f"an earlier panel of this figure has the measure {panel['measure']} and this name"
            yield Slip((*path, "name"), "", problem, "name what each of them measures")


def _review_slips(rules: Row, reviews: Collection[str]) -> Iterator[Slip]:
    """Reviews that have no row in the table, where its reviews are known."""
    listed = [
        (key, at, entry) for key in ("turned", "left_out") for at, entry in enumerate(rules.get(key) or ())
    ]
    named: list[tuple[KeyPath, str]]
    named = [((key, str(at), "review_id"), entry["review_id"]) for key, at, entry in listed]
    named += [(("review_trials", name), name) for name in rules.get("review_trials") or ()]
    for path, name in named:
        if reviews and name not in reviews:
            near = nearest(name, reviews)
            remedy = f"did you mean '{near}'" if near else "write one of that table, or remove it"
            yield Slip(path, name, "not the review_id of any row of published_pools.csv", remedy)


def _entry_slips(path: KeyPath, entry: Row, analyses: Sequence[str]) -> Iterator[Slip]:
    for key in PATTERNS:
        try:
            re.compile(entry.get(key, ""))
        except re.error as error:
            yield Slip((*path, key), entry[key], f"not a regular expression: {error}", "correct it")
    slug, measure = entry.get("analysis"), entry.get("measure")
    if slug is not None and slug not in analyses:
        problem = "not an analysis of the configuration"
        yield Slip((*path, "analysis"), slug, problem, suggestion(slug, analyses))
    if path[0] == "turned" and not MEASURES[str(measure)].reversible:
        problem = (
            "a measure that cannot be turned: its value for the opposite outcome does not follow from it"
        )
        yield Slip((*path, "measure"), str(measure), problem, "list the row under left_out")


def published_figure(name: str, rules: Row) -> PublishedFigure:
    """What a figure shows, by the rules."""
    figure = rules["figures"][name]
    panels = ({"name": ""} | {key: panel[key] for key in AXIS if key in panel} for panel in figure["panels"])
    return PublishedFigure(
        title=figure["title"],
        panels=tuple(PublishedPanel(**panel) for panel in panels),
        treatments=tuple(each["name"] for each in rules["treatments"]),
    )


def published_rows(pools: Sequence[Row], rules: Row, records: Sequence[Record]) -> list[PublishedPool]:
    """Every published pool with its figure, our analysis of the nearest question, and their differences.

    Rows keep the order of the evidence table; `figure` and `analysis` are empty where no rule matches.
    """
    by_slug = {record.analysis: record for record in records}
    return [_published_row(pool, rules, by_slug) for pool in pools]


def _published_row(pool: Row, rules: Row, records: Mapping[str, Record]) -> PublishedPool:
    rule = _first(rules["pools"], pool)
    record = records[rule["analysis"]] if rule else None
    whole: Row = rules["review_trials"].get(pool["review_id"], {})
    year = _YEAR.search(str(pool["review_id"]))
    theirs: Row = {name: pool.get(name) for name in THEIRS}
    row = PublishedPool(
        **theirs,
        year=int(year.group()) if year else None,
        review_trials=whole.get("trials"),
        treatment=_first(rules["treatments"], pool).get("name", ""),
        **_aligned(pool, rules),
        analysis=rule.get("analysis", ""),
        same_direction=None,
        differences="",
    )
    if record:
        row = replace(row, **_ours(record, row.better))
    differs = "; ".join(differences(row, record, rule.get("differs", "")))
    return replace(row, same_direction=_agree(row, record), differences=differs)


def most_trials(pools: Iterable[Row], rules: Row) -> dict[str, float]:
    """The most trials that a published pool whose nearest question is an analysis has, by analysis."""
    most: dict[str, float] = {}
    for pool in pools:
        analysis, trials = _first(rules["pools"], pool).get("analysis", ""), pool["n_studies"]
        if analysis and trials:
            most[analysis] = max(trials, most.get(analysis, 0.0))
    return most


def _first(rules: Iterable[Row], pool: Row) -> Row:
    """The first rule that a row matches, or an empty one."""
    return next((rule for rule in rules if _matches(rule, pool)), {})


def _matches(rule: Row, pool: Row) -> bool:
    if any(rule[key] != pool[key] for key in EXACT if key in rule):
        return False
    patterns = [(rule[key], str(pool[key] or "")) for key in PATTERNS if key in rule]
    return all(re.search(pattern, text, re.IGNORECASE) is not None for pattern, text in patterns)


def _aligned(pool: Row, rules: Row) -> Row:
    """Figure and panel of a row, and its values in the direction of that; or why it is left out."""
    panels = (
        (name, panel)
        for name, figure in rules["figures"].items()
        if _matches(figure, pool)
        for panel in figure["panels"]
        if _matches(panel, pool)
    )
    left_out = _first(rules["left_out"], pool).get("reason", "")
    nowhere: tuple[str, Row] = ("", {})
    name, panel = nowhere if left_out else next(panels, nowhere)
    turned = _first(rules["turned"], pool).get("reason", "") if panel else ""
    values: Values = (pool["estimate"], pool["ci_low"], pool["ci_high"]) if panel else (None, None, None)
    values = MEASURES[pool["measure"]].turned(values) if turned else values
    return {
        **{"figure": name, "panel": panel.get("name", ""), "better": panel.get("better", "")},
        **{f"aligned_{name}": value for name, value in zip(BOUNDS, values, strict=True)},
        **{"turned": turned, "left_out": left_out or ("" if panel else NOWHERE)},
    }


def _ours(record: Record, better: str) -> Row:
    """Our result as it is, and in the direction of a panel where the measure allows that."""
    fixed, pooled = record.methods.tau2_method == "FE", record.pooled
    values: Values = (pooled.estimate, pooled.ci_low, pooled.ci_high) if pooled else (None, None, None)
    aligned = values if better else (None, None, None)
    if better not in ("", record.better):
        measure = MEASURES[record.measure]
        aligned = measure.turned(values) if measure.reversible else (None, None, None)
    return {
        **{f"our_{name}": getattr(record, name) for name in ("comparison", "status", "k", "measure")},
        **{f"our_{name}": value for name, value in zip(BOUNDS, values, strict=True)},
        **{f"our_aligned_{name}": value for name, value in zip(BOUNDS, aligned, strict=True)},
        "our_n": people(record.n_experimental, record.n_control),
        "our_model": "" if record.status is not Status.POOLED else "fixed" if fixed else "random",
    }


def _agree(row: PublishedPool, record: Record | None) -> bool | None:
    """Whether both estimates favour the same side; None where a direction or an estimate is not known."""
    if record is None or row.aligned_estimate is None or row.our_estimate is None:
        return None
    theirs = _benefit(row.measure, row.aligned_estimate, row.better)
    return theirs == _benefit(record.measure, row.our_estimate, record.better)


def _benefit(measure: str, estimate: float, better: str) -> int:
    """1 where an estimate is a benefit, -1 where it is harm, 0 where it is neither."""
    above, below = estimate > MEASURES[measure].null, estimate < MEASURES[measure].null
    return (above - below) * (1 if better == "higher" else -1)


def differences(row: PublishedPool, record: Record | None, differs: str = "") -> list[str]:
    """The reasons for different numbers that the tables can tell, in words.

    >>> from trialpool.records import sketch
    >>> row = sketch(PublishedPool, n_studies=23, measure="SMD", model="random", ci_low=-2.0, ci_high=-1.0)
    >>> differences(row, sketch(Record, status=Status.SINGLE_STUDY, k=1, measure="MD"))
    ['23 trials there, 1 here', 'SMD there, MD here']
    """
    if record is None:
        return ["no analysis here asks this question"]
    reasons = [differs] if differs else []
    if record.status is Status.NO_DATA:
        return [*reasons, "no trial with usable numbers here"]
    if row.n_studies is None:
        reasons.append(f"number of trials in the pool not stated there, {record.k} here")
    elif row.n_studies != record.k:
        reasons.append(f"{row.n_studies:g} trials there, {record.k} here")
    if row.measure != record.measure:
        return [*reasons, f"{row.measure} there, {record.measure} here"]
    random = record.status is Status.POOLED and record.methods.tau2_method != "FE"
    if row.model == "fixed" and random:
        reasons.append("fixed effect there, random effects here")
    if row.left_out:
        return reasons
    low, high = row.aligned_ci_low, row.aligned_ci_high
    our_low, our_high = row.our_aligned_ci_low, row.our_aligned_ci_high
    if low is None or high is None or our_low is None or our_high is None:
        return [*reasons, "an interval is missing"]
    apart = high < our_low or our_high < low
    return [*reasons, "intervals do not overlap" if apart else "intervals overlap"]
