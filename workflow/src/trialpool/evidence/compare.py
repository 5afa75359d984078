"""From summaries to the effects of every analysis, with what was left out and what is known to exist.

In: summaries, the tables of studies and arms, the catalogue of instruments, resolved analyses. Out: a
`Comparison` of typed tables. Left out is, one line each: a result that met an analysis' condition and domain
and was not used; a study with such results whose arms or purpose are others; a trial that fits and of which
no number in the domain could be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialpool import io
from trialpool.contracts import EFFECTS, EXCLUDED, KNOWN, STUDIES, Kind, Table
from trialpool.evidence.choices import alternative_datasets
from trialpool.evidence.derivation import Reason, refuse, steps
from trialpool.evidence.match import CONTROL, EXPERIMENTAL, AnalysisContext, Spec, pose, studies_of
from trialpool.evidence.pairs import OF_EXPERIMENTAL, UNPAIRED, compute_effects
from trialpool.evidence.risk_of_bias import Judgements, Scope
from trialpool.evidence.select import select_effects
from trialpool.measures import IN_UNITS, SIDES
from trialpool.records import JOINT, Choices, Steps
from trialpool.vocabulary import Vocabulary, general

COMPARED = (EFFECTS, EXCLUDED, KNOWN)
DTYPES = {
    **dict.fromkeys((Kind.CODES, Kind.STEPS, Kind.CHOICES), "object"),
    **{Kind.TEXT: "string", Kind.NUMBER: "Float64", Kind.COUNT: "Int64", Kind.FLAG: "boolean"},
}
SORTED_BY = [
    *("analysis", "variant", "year", "study_id", "instrument", "item", "weeks", "row_ids", "reason_code")
]
GRAVE = ("high", "medium")
LACKING = (Reason.NO_SPREAD, Reason.ADJUSTED, Reason.NO_N)  # why a result may want a borrowed SD
IF_EMPTY = "if_empty"  # `borrow_sd` of an analysis that borrows only where it would pool nothing
OTHER_ARMS = "its arms are not those that the analysis compares"
OTHER_GROUP = "none of its arms is of the group that the analysis describes"
COUNTS = [f"{name}_{side}" for side in SIDES for name in ("events", "n")]
EMPTY = ("arm_experimental", "arm_control", "instrument", "item", "timepoint", "row_ids")
OF_STUDY = ["analysis_index", "study_id"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What all analyses compare: candidate effects, what was left out, and the trials known to exist.

    Columns EFFECTS, EXCLUDED and KNOWN, sorted by analysis (in the order given), year and study.
    """

    effects: pd.DataFrame
    excluded: pd.DataFrame
    known: pd.DataFrame


def compare(
    summaries: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    catalogue: Mapping[str, Any],
    specs: Sequence[Spec],
    findings: pd.DataFrame | None = None,
    vocabulary: Vocabulary | None = None,
) -> Comparison:
    """Effects of every analysis with the chosen ones marked, what was not used and why, and its trials.

    `summaries` as of `summaries.harmonise`, `tables` as read, `specs` resolved analyses. Each effect carries
    its trial's risk of bias and the audit's `findings` on its rows, where there are any. `vocabulary` holds
    the words of the review and the conversions of its units.
    """
    return compare_posed(
        pose(summaries, tables, catalogue, specs, vocabulary or general(), findings), tables, findings
    )


def compare_posed(
    context: AnalysisContext, tables: Mapping[str, pd.DataFrame], findings: pd.DataFrame | None = None
) -> Comparison:
    """The same of analyses that are put to the trials of the tables."""
    specs = context.specs
    candidates, unpaired = compute_effects(context)
    decided = select_effects(candidates, context.settings)
    results = pd.concat([table[["analysis_index", "reason_code"]] for table in (decided, unpaired)])
    used = set(decided.loc[decided["selected"], "analysis_index"])
    could = set(results.loc[results["reason_code"].isin(LACKING), "analysis_index"]) - used
    empty = [at for at, spec in enumerate(specs) if spec.get("borrow_sd") == IF_EMPTY and at in could]
    if empty:
        lent = [{**spec, "borrow_sd": True} if at in empty else spec for at, spec in enumerate(specs)]
        more, without = compute_effects(context.instead([lent[at] for at in empty]))
        context = context.instead(lent)
        candidates, unpaired = (_in_place(*each, empty) for each in ((candidates, more), (unpaired, without)))
        decided = select_effects(candidates, context.settings)
    excluded = excluded_results(context, decided, unpaired)
    known = known_trials(context)
    alternatives = alternative_datasets(context, candidates, decided, unpaired)
    usual = decided[decided["effect"].notna()]
    usual = usual.assign(variant=[Choices()] * len(usual))
    del candidates, decided, unpaired  # the largest tables; what follows needs the room
    both = [_described(usual, context), _described(alternatives, context).assign(selected=False)]
    names = [spec["analysis"] for spec in specs]
    effects = typed(pd.concat(both, ignore_index=True), EFFECTS, names)
    effects = judged(effects, tables.get("risk_of_bias"))
    effects["covariates"] = pd.array(_covariates(tables["studies"], effects["study_id"]), dtype=object)
    effects = _counted_in(effects, tables["arms"], specs)
    if findings is not None:
        effects = flagged(effects, findings)
    return Comparison(effects, typed(excluded, EXCLUDED, names), typed(known, KNOWN, names))


def judged(effects: pd.DataFrame, judgements: pd.DataFrame | None) -> pd.DataFrame:
    """Effects with `risk_of_bias` and `judgements`: what holds of each result, empty where nobody judged."""
    known = Judgements([])
    if judgements is not None:
        known = Judgements(judgements[judgements["study_id"].isin(effects["study_id"])].to_dict("records"))
    weeks = effects["weeks"].astype(object).where(effects["weeks"].notna(), None)
    results = list(zip(effects["study_id"], effects["domain"], effects["timepoint"], weeks, strict=True))
    risks, lines = {}, {}
    for study, *result in set(results):
        risks[study, *result] = known.risk(study, Scope(*result))
        lines[study, *result] = known.line(study, Scope(*result))
    return effects.assign(
        risk_of_bias=[risks[result] for result in results], judgements=[lines[result] for result in results]
    )


def _counted_in(effects: pd.DataFrame, arms: pd.DataFrame, specs: Sequence[Spec]) -> pd.DataFrame:
    """Effects with the people randomised to each side, in analyses that ask about missing outcomes."""
    asking = {spec["analysis"] for spec in specs if spec.get("missing_outcomes")}
    if not asking:
        return effects
    people = arms.set_index(["study_id", "arm"])["n_randomised"].astype(float).to_dict()
    for side in SIDES:
        keys = zip(effects["analysis"], effects["study_id"], effects[f"arm_{side}"], strict=True)
        counts = [
            sum(people.get((study, arm), np.nan) for arm in str(joined).split(JOINT))
            if analysis in asking
            else np.nan
            for analysis, study, joined in keys
        ]
        effects[f"randomised_{side}"] = pd.array(counts, dtype="Float64")
    return effects


def _covariates(studies: pd.DataFrame, of: Iterable[str]) -> list[Any]:
    """What the review says of each effect's trial besides; None where it says nothing."""
    if "covariates" not in studies:
        return [None for _ in of]
    pairs = zip(studies["study_id"], studies["covariates"], strict=True)
    known = {study: Choices.parse(said) for study, said in pairs if isinstance(said, str)}
    return [known.get(study) for study in of]


def _in_place(table: pd.DataFrame, anew: pd.DataFrame, analyses: Sequence[int]) -> pd.DataFrame:
    """A table with other rows of some analyses, which `anew` numbers by their places among them."""
    anew = anew.assign(
        analysis_index=np.array(analyses, dtype=int)[anew["analysis_index"].to_numpy(dtype=int)]
    )
    return pd.concat([table[~table["analysis_index"].isin(analyses)], anew], ignore_index=True)


def typed(table: pd.DataFrame, contract: Table, analyses: list[str]) -> pd.DataFrame:
    """The columns and types of a contract, sorted, with the analyses by name instead of `analysis_index`."""
    table = table.rename(columns={"analysis_index": "analysis"}).reset_index(drop=True)
    keys = [name for name in SORTED_BY if name in table]
    table = table.sort_values(keys, kind="stable", key=_as_written, ignore_index=True)
    out = {}
    for name, kind in contract.kinds.items():
        values = table[name] if name in table else pd.Series(pd.NA, range(len(table)))
        if name == "analysis":
            values = pd.Series(np.array(analyses, dtype=object)[values.to_numpy(dtype=int)])
        if kind is Kind.COUNT:
            values = pd.to_numeric(values).round()
        out[name] = values.astype(DTYPES[kind])
        if kind is Kind.TEXT:
            out[name] = out[name].fillna("")
    return pd.DataFrame(out)


def _as_written(column: pd.Series) -> pd.Series:
    return column.map(str) if column.name == "variant" else column


def _described(rows: pd.DataFrame, context: AnalysisContext) -> pd.DataFrame:
    """Candidates by the names of EFFECTS, with what belongs to the study and the analysis."""
    study = context.studies.set_index("study_id").reindex(rows["study_id"])
    spec = context.settings.take(rows["analysis_index"].to_numpy())
    rescaled = (spec["scale"].notna() & spec["measure"].isin(IN_UNITS)).to_numpy()
    scale_unit = "points on " + spec["scale"].fillna("").str.replace("-", "–")
    added = {name: study[name].to_numpy() for name in ("year", "condition", "purpose", "design")}
    randomised = _randomised(rows, context.arms)
    added["n_randomised"] = np.where(np.isnan(randomised), study["n_randomised"], randomised)
    added |= {"label": study["study_label"].to_numpy(), "measure": spec["measure"].to_numpy()}
    added |= {f"arm_{side}": rows[f"arm_id_{side}"] for side in SIDES}
    added |= {name: rows[f"{name}_experimental"] for name in OF_EXPERIMENTAL}
    added |= {"columns": _plot_columns(rows, context)}
    added |= {"cluster": rows["study_id"], "unit": np.where(rescaled, scale_unit, rows["unit"])}
    table = rows.assign(**added)
    return table[[name for name in ("analysis_index", *EFFECTS.names) if name in table]]


def _plot_columns(rows: pd.DataFrame, context: AnalysisContext) -> list[str]:
    """What a forest plot asks for of the table of trials, that no effect has by itself: JSON, "" for none."""
    own = {*STUDIES.names}.difference(EFFECTS.names)
    asked = [
        [name for name in (spec.get("shape") or {}).get("columns", ()) if name in own]
        for spec in context.specs
    ]
    if not any(asked):
        return [""] * len(rows)
    trials = context.studies.set_index("study_id")
    found = []
    for at, study in zip(rows["analysis_index"], rows["study_id"], strict=True):
        texts = {name: trials.at[study, name] for name in asked[int(at)]}
        known = {name: str(text) for name, text in texts.items() if not pd.isna(text) and str(text)}
        found.append(json.dumps(known, ensure_ascii=False) if known else "")
    return found


def _randomised(rows: pd.DataFrame, arms: pd.DataFrame) -> np.ndarray:
    """People randomised to the arms that each row compares, NaN where one of them does not say."""
    known = arms.set_index(["study_id", "arm"])["n_randomised"].astype(float).to_dict()
    keys = list(rows[["study_id", *(f"arm_id_{side}" for side in SIDES)]].itertuples(index=False, name=None))
    sums = {
        (study, *sides): sum(
            known.get((study, arm), np.nan) for side in filter(None, sides) for arm in side.split(JOINT)
        )
        for study, *sides in set(keys)
    }
    return np.array([sums[key] for key in keys], dtype=float)


def flagged(effects: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """Effects with `audit`, the rules of high or medium severity that question one of their rows; also among
    the cautions.

    >>> effects = pd.DataFrame({"row_ids": ["a.csv:2 a.csv:3"], "cautions": [()]})
    >>> findings = pd.DataFrame({"row_ids": ["a.csv:3"], "severity": ["high"], "rule": ["se_as_sd"],
    ...                          "finding": ["spread too small"]})
    >>> flagged(effects, findings)[["audit", "cautions"]].values.tolist()
    [['se_as_sd', ('audit: spread too small',)]]
    """
    grave = findings[findings["severity"].isin(GRAVE)]
    by_row: dict[str, list[tuple[str, str]]] = {}
    for rows, rule, words in zip(grave["row_ids"], grave["rule"], grave["finding"], strict=True):
        for row in str(rows).split():
            by_row.setdefault(row, []).append((str(rule), str(words)))
    met = [
        list(dict.fromkeys(chain.from_iterable(by_row.get(row, ()) for row in rows.split())))
        for rows in effects["row_ids"]
    ]
    audited = [sum((Steps.parse(f"audit: {words}") for _, words in entries), ()) for entries in met]
    rules = [" ".join(dict.fromkeys(rule for rule, _ in entries)) for entries in met]
    return effects.assign(audit=rules, cautions=steps(effects["cautions"], audited))


def excluded_results(
    context: AnalysisContext, candidates: pd.DataFrame, unpaired: pd.DataFrame
) -> pd.DataFrame:
    """Everything that was asked for and not used (columns UNPAIRED, `label` and `year`).

    `candidates` are all candidates with their reasons, `unpaired` the results without a comparison.
    Reconstructed rows (see `change_scores`) are not listed: what they are made of is.
    """
    unused = candidates[(candidates["reason_code"] != "") & ~candidates["reconstructed"].astype(bool)]
    names = {f"arm_id_{side}": f"arm_{side}" for side in SIDES}
    shown = unused.rename(columns=names)[[*UNPAIRED, *COUNTS]].copy()
    shown.loc[~_drawn(shown, context), COUNTS] = np.nan
    parts = [shown, unpaired[UNPAIRED], _excluded_studies(context)]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    labels = context.studies.set_index("study_id")[["study_label", "year"]].reindex(table["study_id"])
    return table.assign(label=labels["study_label"].to_numpy(), year=labels["year"].to_numpy())


def _drawn(rows: pd.DataFrame, context: AnalysisContext) -> np.ndarray:
    """Which unused results are trials whose counts tell nothing, and are drawn.

    That is where an analysis names how it pools counts: by a method, or by a rule for empty cells.
    """
    named = [
        spec.get("method", "iv") != "iv" or isinstance(spec.get("zero_cells"), str) for spec in context.specs
    ]
    asks = np.array([*named, False])[rows["analysis_index"].to_numpy(int)]
    return np.asarray(asks & rows["reason_code"].isin([Reason.NO_EVENTS, Reason.ALL_EVENTS]))


def _excluded_studies(context: AnalysisContext) -> pd.DataFrame:
    """Studies with numbers of other arms, or with another purpose: one line each."""
    eligible = studies_of(context.specs, context.studies)
    at = np.repeat(np.arange(len(eligible)), [len(rows) for rows in eligible])
    studies = context.studies.take(np.concatenate(eligible)).reset_index(drop=True)
    purpose = np.array([spec["purpose"] for spec in context.specs], dtype=object)[at]
    groups = np.array([not spec["control"] for spec in context.specs], dtype=bool)[at]
    table = studies[["study_id", "source_url"]].assign(analysis_index=at, weeks=np.nan)
    fitting = _among(table, OF_STUDY, [_arms_of_sides(context)])
    results = [rows[["study_id", "domain"]] for rows in context.summaries.values()]
    elsewhere = ~fitting & _among(table, OF_STUDY, [_asking(context, pd.concat(results))])
    other_purpose = (studies["purpose"] != purpose) & np.array([bool(each) for each in purpose], dtype=bool)
    cases = (
        (elsewhere & other_purpose, Reason.OTHER_PURPOSE, [f"not a trial of {each}" for each in purpose]),
        (elsewhere & groups, Reason.OTHER_COMPARISON, OTHER_GROUP),
        (elsewhere, Reason.OTHER_COMPARISON, OTHER_ARMS),
    )
    refuse(table, cases)
    return table[table["reason_code"] != ""].assign(**dict.fromkeys(EMPTY, ""))[UNPAIRED]


def _among(table: pd.DataFrame, keys: list[str], others: Iterable[pd.DataFrame]) -> np.ndarray:
    """Whether each row's keys are those of some row of the other tables."""
    known = pd.concat([other[keys] for other in others]).drop_duplicates()
    return np.asarray(pd.MultiIndex.from_frame(table[keys]).isin(pd.MultiIndex.from_frame(known)))


def _arms_of_sides(context: AnalysisContext) -> pd.DataFrame:
    """The arms that fit the analyses: `analysis_index`, `side`, `study_id`, `arm`, `category`."""
    arms = context.arms[["study_id", "arm", "category"]].take(context.sides["arm"].to_numpy(dtype=int))
    sides = context.sides[["analysis_index", "side"]]
    return pd.concat([sides.reset_index(drop=True), arms.reset_index(drop=True)], axis=1)


def reported(context: AnalysisContext) -> pd.DataFrame:
    """Pairs (`analysis_index`, `study_id`) of which some fitting arm has a result in the analysis' domain."""
    keys = ["study_id", "arm", "domain"]
    sources = (("arms", "arm"), ("events", "arm"), ("contrasts", "arm_1"), ("contrasts", "arm_2"))
    results = [
        table.loc[table["timepoint"] != "baseline", ["study_id", arm, "domain"]].set_axis(keys, axis=1)
        for table, arm in ((context.summaries[name], arm) for name, arm in sources)
    ]
    by = ["analysis_index", "study_id", "arm"]
    fitting, asking = _arms_of_sides(context), _asking(context, pd.concat(results))
    return fitting.loc[_among(fitting, by, [asking]), OF_STUDY].drop_duplicates(ignore_index=True)


def _asking(context: AnalysisContext, results: pd.DataFrame) -> pd.DataFrame:
    """Results (with a `domain`), once for each analysis that asks for their domain, by `analysis_index`."""
    asked = [
        (at, domain)
        for at, spec in enumerate(context.specs)
        for domain in context.vocabulary.within(spec["domain"])
    ]
    asking = pd.DataFrame(asked, columns=["analysis_index", "domain"])
    return asking.merge(results.drop_duplicates(), on="domain")


def known_trials(context: AnalysisContext) -> pd.DataFrame:
    """Trials of an analysis' condition and purpose whose arms it compares, with or without numbers."""
    table = _arms_of_sides(context)
    columns = {
        f"category_{name}": table[table["side"] == side]
        .groupby(OF_STUDY, sort=False)["category"]
        .agg(lambda categories: tuple(dict.fromkeys(categories)))
        for name, side in (("experimental", EXPERIMENTAL), ("control", CONTROL))
    }
    known = pd.DataFrame(columns).rename_axis(OF_STUDY).reset_index()
    sides = known["category_control"]  # none of one group
    known["category_control"] = [each if isinstance(each, tuple) else () for each in sides]
    study = context.studies.set_index("study_id").loc[known["study_id"]].reset_index()
    known = known.assign(**{name: study[name] for name in ("year", "n_randomised", "source_url")})
    return known.assign(label=study["study_label"], has_numbers=_among(known, OF_STUDY, [reported(context)]))


def write_comparison(
    comparison: Comparison | None,
    paths: Sequence[str | Path],
    earlier: Sequence[Any] = (),
    stay: Iterable[str] = (),
    order: Sequence[str] = (),
) -> None:
    """Write the effects, excluded and known rows of some analyses, in this order, as parquet.

    With those of the analyses that `stay` as they are in three `earlier` Arrow tables, all in this `order`.
    """
    for at, contract in enumerate(COMPARED):
        rows = [io.arrow_table(getattr(comparison, contract.name), contract)] if comparison else []
        rows += [_of_analyses(earlier[at], list(stay))] if earlier else []
        io.write_arrow(paths[at], _in_order(rows, order) if earlier else rows[0])


def _of_analyses(table: Any, analyses: Sequence[str]) -> Any:
    return table.filter(_places(table, analyses).is_valid())


def _in_order(tables: Sequence[Any], analyses: Sequence[str]) -> Any:
    """The rows of Arrow tables by the order of their analyses."""
    from pyarrow import concat_tables

    rows = concat_tables([table for table in tables if len(table)] or tables[:1])
    return rows.take(np.argsort(_places(rows, analyses), kind="stable")).combine_chunks()


def _places(table: Any, analyses: Sequence[str]) -> Any:
    """Where the analysis of every row of an Arrow table is in a list, null where it is not."""
    from pyarrow import array
    from pyarrow.compute import index_in

    return index_in(table["analysis"], array(analyses, table["analysis"].type))
