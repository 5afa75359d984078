"""Which studies, arms and results fit which analysis: eligibility, for all analyses at once.

In: resolved analyses (`specs`), the tables of studies and arms, summaries. Out: an `AnalysisContext` (who is
on which side), and pairs (analysis, result) with how well each fits. An analysis goes by its
`analysis_index`, its position in `specs`; everything after this module is one vectorised pass over all pairs.

An arm is on the experimental (control) side if its category is in that list; a category in both goes by the
arm's `role`, which does not matter otherwise: what a trial calls its control can be the treatment asked
about. Outcomes, items and times are matched as config/README.md has it; without a list of `items` rows
without an item go first; of two times equally near the middle of a window the later counts. Rows without
weeks are in no window; baselines are never used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence.change_scores import with_kinds
from trialpool.evidence.derivation import Reason, plain_text, refuse, setting, steps
from trialpool.evidence.effects import ODDS_RATIO
from trialpool.evidence.scales import in_usual_units
from trialpool.evidence.unit_of_analysis import check_assumptions
from trialpool.measures import SIDES
from trialpool.vocabulary import Vocabulary

Spec = Mapping[str, Any]
EXPERIMENTAL, CONTROL = 1, 2
NOT_ASKED = -1
UNLISTED = 10_000  # rank of what is allowed but not named
NEXT_DOMAIN = 2 * UNLISTED  # by which results of a domain stand behind those of the one before it
CONVERTED = 101 * UNLISTED  # behind all instruments stand events that are converted
ASKED_OF_ARMS = ("condition", "purpose", "experimental", "control", "design")
DOSES = ["sessions", "weeks", "sessions_per_week"]
SHOWN = 40  # letters of a label that a figure always shows
LABELLED = ["study_id", "label", "first_author", "year"]
INITIALS = re.compile(r"(\s+[A-Z]{1,4}){1,2}$")
RESULT = ["study_id", "domain", "instrument", "item", "unit", "weeks", "timepoint", "period", "kind"]
SETTINGS = {
    **{"analysis": None, "measure": None, "better": None, "scale": None, "multi_arm": "combine"},
    **{"several_effects": "prefer", "zero_cells": 0.5, "smd_variance": "LS", "method": "iv"},
    "rom_corrected": False,
    **{"change_correlation": 0.5, "correlation_source": "found"},
    **{"kinds": None, "convert": None, "prefer_source": None, "borrow_sd": False},
    **{"level": 0.95, "p_bounds": False},
}
MISMATCHES = {
    "outcome_rank": (Reason.OTHER_OUTCOME, "an instrument or outcome that the analysis does not ask for"),
    "item_rank": (Reason.OTHER_ITEM, "a part or subscale that the analysis does not ask for"),
    "time_rank": (Reason.OTHER_TIME, "a time that the analysis does not ask for"),
}


@dataclass(frozen=True, slots=True)
class AnalysisContext:
    """Analyses put to the trials.

    `settings` are those of every analysis that arithmetic needs, in the order of `specs`; `studies` carry a
    `study_label`, `arms` for how many arms each stands (`stands_for`), `parts` which these are; `sides` says
    which arm is on which side (see `arm_sides`), `totals` how many there are. `summaries` are those of
    `summaries.harmonise` with the rows of `arms` that they are of (`at`, of contrasts `at_1` and `at_2`);
    arms and events have a `result_id` (a number for every study, outcome, time and kind to which several arms
    contribute), contrasts what `with_kinds` adds. `catalogue` is that of the instruments, `vocabulary` the
    words of the review, `findings` the rows of the audit that some analysis goes by. All are of the trials of
    the analyses' conditions alone.
    """

    specs: Sequence[Spec]
    settings: pd.DataFrame
    studies: pd.DataFrame
    arms: pd.DataFrame
    parts: pd.DataFrame
    sides: pd.DataFrame
    totals: pd.DataFrame
    summaries: Mapping[str, pd.DataFrame]
    catalogue: Mapping[str, Any]
    vocabulary: Vocabulary
    findings: Sequence[Mapping[str, Any]] = ()

    def instead(self, specs: Sequence[Spec]) -> AnalysisContext:
        """The same trials with other analyses put to them."""
        sides = arm_sides(specs, self.studies, self.arms)
        totals = arm_totals(sides, self.arms)
        return replace(self, specs=specs, settings=settings_frame(specs), sides=sides, totals=totals)


def pose(
    summaries: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    catalogue: Mapping[str, Any],
    specs: Sequence[Spec],
    vocabulary: Vocabulary,
    findings: pd.DataFrame | None = None,
) -> AnalysisContext:
    """Put analyses to the trials of the evidence tables; InputError for assumptions that fit no trial."""
    studies = tables["studies"]
    check_assumptions(specs, studies)
    studies = studies.assign(study_label=_study_labels(plain_text(studies[LABELLED])))
    studies = studies[studies["condition"].isin({name for spec in specs for name in spec["condition"]})]
    studies = plain_text(studies.reset_index(drop=True))
    own = set(studies["study_id"])
    told = ["derivation", "cautions"]

    def ready(name: str, rows: pd.Series) -> pd.DataFrame:
        table = summaries[name][rows].reset_index(drop=True)  # from a parquet file steps come as arrays
        table = plain_text(table.drop(columns=told)).assign(**{each: steps(table[each]) for each in told})
        return table if name == "events" else in_usual_units(table, catalogue, vocabulary)

    arms = tables["arms"]
    arms = _with_doses(plain_text(arms[arms["study_id"].isin(own)].reset_index(drop=True)))
    parts = pooled_parts(arms)
    arms["stands_for"] = _arm_weights(arms, parts)
    of_these = {name: ready(name, table["study_id"].isin(own)) for name, table in summaries.items()}
    for name, table in of_these.items():
        for number in ("_1", "_2") if name == "contrasts" else ("",):
            table[f"at{number}"] = arm_rows(arms, table, f"arm{number}")
        if name != "contrasts":
            table["result_id"] = table.groupby(RESULT, dropna=False, sort=False).ngroup()
    contrasts = of_these["contrasts"]
    lenders = ready("arms", summaries["arms"]["instrument"].isin(set(contrasts["instrument"])))
    of_these["contrasts"] = with_kinds(contrasts, of_these["arms"], lenders)
    rules = {rule for spec in specs for rule in spec.get("audit_exclude") or ()}
    met = () if findings is None else findings[findings["rule"].isin(rules)].to_dict("records")
    none = pd.DataFrame()
    whole = AnalysisContext((), none, studies, arms, parts, none, none, of_these, catalogue, vocabulary, met)
    return whole.instead(specs)


def settings_frame(specs: Sequence[Spec]) -> pd.DataFrame:
    """The settings that arithmetic needs, one row an analysis."""
    columns = {name: [spec.get(name, usual) for spec in specs] for name, usual in SETTINGS.items()}
    frame = pd.DataFrame(columns)
    frame["borrow_sd"] = [spec.get("borrow_sd") is True for spec in specs]  # not IF_EMPTY
    frame["scale"] = frame["scale"].astype(object).where(frame["scale"].notna(), None)
    return frame


def _with_doses(arms: pd.DataFrame) -> pd.DataFrame:
    """Arms in which planned doses that follow from others are filled in; what is printed stays.

    sessions = weeks × sessions a week, an average over the programme where sessions get rarer. An arm that
    is several arms together (`pooled_of`) has the mean of their doses, weighted by the people randomised
    where all are known; `mean_dose` says where these differ.
    """
    sessions, weeks, often = (arms[name].astype(float) for name in DOSES)
    arms = arms.assign(
        sessions=sessions.fillna(weeks * often),
        weeks=weeks.fillna(sessions / often.where(often > 0)),
        sessions_per_week=often.fillna(sessions / weeks.where(weeks > 0)),
    )
    by_arm, arms["mean_dose"] = arms.set_index(["study_id", "arm"]), False
    for pooled in arms.index[arms["pooled_of"] != ""]:
        keys = [(arms.at[pooled, "study_id"], part) for part in arms.at[pooled, "pooled_of"].split()]
        parts, people = by_arm.loc[keys, DOSES], by_arm.loc[keys, "n_randomised"].astype(float)
        share = people / people.sum() if people.notna().all() else 1 / len(parts)
        doses = parts.mul(share, axis=0).sum(skipna=False)
        lacking = arms.loc[pooled, DOSES].isna() & doses.notna()
        arms.loc[pooled, DOSES] = arms.loc[pooled, DOSES].fillna(doses)
        arms.loc[pooled, "mean_dose"] = bool((lacking & (parts.nunique() > 1)).any())
    return arms


def _study_labels(studies: pd.DataFrame) -> pd.Series:
    """The label of every study, else "Surname year", with a, b … where two would be alike, else the id.

    A letter at the end of the id (`Lu2020b`) is kept. Long labels that differ only behind what a figure shows
    give way to the ids.
    """
    labels = []
    for study, label, author, year in studies[LABELLED].itertuples(index=False):
        surname = INITIALS.sub("", author).strip()
        letter = re.search(r"(?<=\d)[a-z]$", study)
        when = "" if pd.isna(year) else f" {year:.0f}{letter.group() if letter else ''}"
        labels.append(label or (f"{surname}{when}" if surname else study))
    times, cut = Counter(labels), Counter(label[:SHOWN] for label in set(labels))
    taken = set(labels)
    for at, (study, label) in enumerate(zip(studies["study_id"], labels, strict=True)):
        letters = map("".join, product(["", *ascii_lowercase], ascii_lowercase))
        free = (label + letter for letter in letters if label + letter not in taken)
        if cut[label[:SHOWN]] > 1:
            labels[at] = study
        elif times[label] > 1:
            labels[at] = next(free, study)
        taken.add(labels[at])
    return pd.Series(labels, index=studies.index, dtype=object)


def studies_of(specs: Sequence[Spec], studies: pd.DataFrame) -> list[np.ndarray]:
    """Of every analysis the rows of `studies` that have its condition, looked up, not searched."""
    having = studies.reset_index(drop=True).groupby("condition").indices
    return [_rows_of(having, dict.fromkeys(spec["condition"])) for spec in specs]


def _rows_of(rows: Mapping[Any, np.ndarray], keys: Iterable[Any]) -> np.ndarray:
    """The rows of all keys in ascending order."""
    none = np.zeros(0, dtype=np.intp)
    return np.sort(np.concatenate([none, *(rows.get(key, none) for key in keys)]))


def arm_sides(specs: Sequence[Spec], studies: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """Arms that fit an analysis: columns `analysis_index`, `arm` (row of `arms`), `side`.

    Only studies of the analysis' condition and purpose, and only those with all its sides. Where the analysis
    has a `design`, experimental arms count only that add to an arm of the control side, or that do not.
    """
    study = arms["study_id"].map(pd.Series(np.arange(len(studies)), index=studies["study_id"])).to_numpy()
    arms_of = pd.Series(study).groupby(study).indices
    purpose = studies["purpose"].to_numpy()
    category, role = arms["category"].to_numpy(), arms["role"].to_numpy()
    added_to = arm_rows(arms, arms, "adds_to")
    asked = [repr([spec.get(name) for name in ASKED_OF_ARMS]) for spec in specs]
    found: dict[str, dict[str, np.ndarray]] = {}
    for question, spec, eligible in zip(asked, specs, studies_of(specs, studies), strict=True):
        if question in found:  # as many analyses do
            continue
        if spec["purpose"]:
            eligible = eligible[purpose[eligible] == spec["purpose"]]
        rows = _rows_of(arms_of, eligible)
        experimental = np.isin(category[rows], spec["experimental"])
        control = np.isin(category[rows], spec["control"])
        both = experimental & control
        experimental &= ~both | (role[rows] == "experimental")
        control &= ~both | (role[rows] == "control")
        if design := spec.get("design"):
            added = experimental & np.isin(added_to[rows], rows[control])
            experimental &= added if design == "add_on" else ~added
            control &= np.isin(rows, added_to[rows][added]) | (design != "add_on")
        of_rows = study[rows]
        complete = np.isin(of_rows, of_rows[experimental])
        if spec["control"]:  # else one group is described
            complete &= np.isin(of_rows, of_rows[control])
        fits = (experimental | control) & complete
        side = np.where(experimental[fits], EXPERIMENTAL, CONTROL)
        found[question] = {"arm": rows[fits], "side": side}
    return _one_below_the_other([found[question] for question in asked])


def _one_below_the_other(parts: Sequence[Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """The columns of every analysis as one table, with its number as `analysis_index`."""
    size = [len(next(iter(part.values()))) for part in parts]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return pd.DataFrame({"analysis_index": np.repeat(np.arange(len(parts)), size), **columns})


def pooled_parts(arms: pd.DataFrame) -> pd.DataFrame:
    """Pairs `pooled`, `part` (rows of `arms`), and `parts`, how many parts each pooled arm has."""
    pairs = []
    for pooled in np.flatnonzero((arms["pooled_of"] != "").to_numpy()):
        arm = arms.iloc[pooled]
        same = ((arms["study_id"] == arm["study_id"]) & arms["arm"].isin(arm["pooled_of"].split())).to_numpy()
        pairs += [(pooled, part, int(same.sum())) for part in np.flatnonzero(same)]
    return pd.DataFrame(pairs, columns=["pooled", "part", "parts"])


def _arm_weights(arms: pd.DataFrame, parts: pd.DataFrame) -> np.ndarray:
    """How many arms an arm stands for: 1, or for a pooled arm the number of its parts."""
    weight = np.ones(len(arms), dtype=int)
    weight[parts["pooled"].to_numpy(dtype=int)] = np.maximum(parts["parts"].to_numpy(dtype=int), 2)
    return weight


def arm_totals(sides: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """How many arms of a study fit each side, `experimental` and `control`, by (analysis, study)."""
    rows = sides["arm"].to_numpy(dtype=int)
    weight = arms["stands_for"].to_numpy()[rows]
    study = arms["study_id"].to_numpy()[rows]
    table = sides.assign(study_id=study, single=np.where(weight == 1, 1, 0), pooled=weight)
    groups = table.groupby(["analysis_index", "study_id", "side"])
    wide = groups.agg({"single": "sum", "pooled": "max"}).max(axis=1).unstack("side")
    return wide.reindex(columns=[EXPERIMENTAL, CONTROL]).fillna(0).set_axis(SIDES, axis=1)


def omits_arms(rows: pd.DataFrame, totals: pd.DataFrame) -> np.ndarray:
    """Whether a candidate leaves out arms of its study that would fit (`covered_*` count those it has)."""
    fitting = totals.reindex(pd.MultiIndex.from_frame(rows[["analysis_index", "study_id"]]))
    experimental = rows["covered_experimental"].to_numpy() < fitting["experimental"].to_numpy()
    return np.asarray(experimental | (rows["covered_control"].to_numpy() < fitting["control"].to_numpy()))


def arm_rows(arms: pd.DataFrame, table: pd.DataFrame, arm: str = "arm") -> np.ndarray:
    """The row of `arms` of every row of a table with `study_id` and an arm's code; NaN if there is none."""
    rows = pd.Series(np.arange(len(arms)), index=pd.MultiIndex.from_frame(arms[["study_id", "arm"]]))
    return np.asarray(rows.reindex(pd.MultiIndex.from_frame(table[["study_id", arm]])))


def match_results(context: AnalysisContext, results: pd.DataFrame, specs: Sequence[Spec]) -> pd.DataFrame:
    """Results of an analysis' studies and domain with how well they fit its outcomes, items and time.

    `results` are arm, event or contrast summaries; the studies of an analysis are those with arms on both
    sides. Returns `analysis_index`, `row` (of `results`), `outcome_rank`, `item_rank`, `time_rank` (NOT_ASKED
    where the analysis does not allow it) and `time_order` (smaller is preferred).
    """
    domain, point = results["domain"].to_numpy(), results["timepoint"].to_numpy()
    weeks = results["weeks"].to_numpy(dtype=float)
    codes, instruments = pd.factorize(results["instrument"].to_numpy())
    parts, items = pd.factorize(results["item"].to_numpy())
    results_of = results.reset_index(drop=True).groupby("study_id").indices
    sides = context.sides
    studies = context.arms["study_id"].take(sides["arm"].to_numpy(dtype=int)).to_numpy()
    starts = np.searchsorted(sides["analysis_index"].to_numpy(dtype=int), np.arange(len(specs) + 1))
    matches = []
    for index, spec in enumerate(specs):
        rows = _rows_of(results_of, dict.fromkeys(studies[starts[index] : starts[index + 1]]))
        asked = list(spec.get("domains") or context.vocabulary.within(spec["domain"]))
        rows = rows[np.isin(domain[rows], asked) & (point[rows] != "baseline")]
        outcome, item = _outcome_ranks(spec, instruments, items, codes[rows], parts[rows])
        place = pd.Index(asked).get_indexer(domain[rows])
        outcome = np.where(outcome == NOT_ASKED, NOT_ASKED, outcome + place * NEXT_DOMAIN)
        time_rank, time_order = _time_ranks(spec["timepoint"], point[rows], weeks[rows])
        ranks = {"outcome_rank": outcome, "item_rank": item, "time_rank": time_rank, "time_order": time_order}
        matches.append({"row": rows, **ranks})
    return _one_below_the_other(matches)


def _outcome_ranks(
    spec: Spec, instruments: Any, items: Any, codes: np.ndarray, parts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks by the lists of outcomes and items; looked up a code at a time, so cheap for many rows."""
    listed = {name: rank for rank, name in enumerate(spec["items"])}
    usual = NOT_ASKED if listed else UNLISTED
    listed = listed or {"": 0}
    item_of = np.array([listed.get(name, usual) for name in items], dtype=int)
    item = item_of[parts] if len(items) else np.zeros(0, dtype=int)
    if not spec["outcomes"]:
        return np.full(len(codes), UNLISTED), item
    outcome = np.full(len(codes), NOT_ASKED)
    code_of = {name: code for code, name in enumerate(instruments)}
    part_of = {name: code for code, name in enumerate(items)}
    parts_first = sorted(enumerate(spec["outcomes"]), key=lambda ranked: ":" not in ranked[1])
    for rank, wanted in parts_first:  # "NRS:change" is that part, whatever place the whole NRS has
        code, _, part = wanted.partition(":")
        fits = (codes == code_of.get(code, NOT_ASKED)) & (outcome == NOT_ASKED)
        if part:
            fits &= parts == part_of.get(part, NOT_ASKED)
            item = np.where(fits, 0, item)
        outcome[fits] = rank
    return outcome, item


def _time_ranks(wanted: Any, points: np.ndarray, weeks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(wanted, Mapping):
        low, high = wanted["weeks"]
        inside = (weeks >= low) & (weeks <= high)
        distance = np.abs(weeks - (low + high) / 2) - 1e-6 * weeks  # of two equally near the later
        return np.where(inside, 0, NOT_ASKED), np.where(inside, distance, np.inf)
    rank = np.full(len(points), NOT_ASKED)
    for order, name in enumerate([wanted] if isinstance(wanted, str) else wanted):
        rank[points == name] = order
    return rank, np.where(np.isnan(weeks), np.inf, -weeks)


def refuse_mismatches(rows: pd.DataFrame) -> None:
    """What the analysis does not ask for goes before any other reason (`rows` of `match_results`)."""
    cases = [(rows[name] == NOT_ASKED, code, words) for name, (code, words) in MISMATCHES.items()]
    refuse(rows, cases, override=True)


def event_specs(specs: Sequence[Spec], vocabulary: Vocabulary) -> list[Spec]:
    """What the analyses ask of events.csv: SMDs that convert ask for events of which more are better."""
    responses = vocabulary.events("higher")
    changed: list[Spec] = []
    for spec in specs:
        outcomes = [name for name in spec.get("convert") or [] if name != ODDS_RATIO]
        if spec["measure"] == "SMD" and outcomes:
            spec = {**spec, "domains": responses, "outcomes": outcomes, "items": []}
        changed.append(spec)
    return changed


def domains_of(spec: Spec, vocabulary: Vocabulary) -> list[str]:
    """All domains whose results an analysis may use."""
    (of_events,) = event_specs([spec], vocabulary)
    return [*vocabulary.within(spec["domain"]), *of_events.get("domains", ())]


def rank_conversions_last(rows: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Event rows of SMDs that convert rank behind every instrument; those not named are dropped."""
    converts = setting(settings, "measure", rows) == "SMD"
    keep = ~converts | (rows["outcome_rank"] != NOT_ASKED).to_numpy()
    behind = np.where(converts[keep], CONVERTED, 0)
    return rows[keep].assign(outcome_rank=rows.loc[keep, "outcome_rank"] + behind)
