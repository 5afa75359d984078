"""What an analysis would pool under other defensible choices of data, one changed or several together.

In: all candidate effects before and after the choice. Out: for every alternative that can differ (see
config/README.md, "How effects come about") the whole set of effects that it would pool, named by its choices
in `variant` and never `selected`. Only the settings in RECOMPUTED change the candidates themselves, which are
then computed once for every different setting of them; the others choose among those that are there.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence.derivation import Reason, Route
from trialpool.evidence.match import NEXT_DOMAIN, UNLISTED, AnalysisContext, Spec, settings_frame
from trialpool.evidence.pairs import compute_effects
from trialpool.evidence.select import NEEDED, choose
from trialpool.measures import CORRELATIONS as CORRELATED
from trialpool.measures import OF_GROUPS
from trialpool.records import Choice, Choices

CORRELATIONS = (0.3, 0.5, 0.7, 0.9)
MULTI_ARM = ("combine", "split", "first", "covariance")
MULTI_ARM_OF_ONE = ("combine", "first")  # group
PASSED_OVER = {Reason.OTHER_INSTRUMENT: "instrument", Reason.OTHER_ITEM_PREFERRED: "item"}
# dependent effects are another model, not another choice of data
DEPENDENT = (Choice("several_effects", "multilevel"), Choice("multi_arm", "covariance"))
RECOMPUTED = [
    *("multi_arm", "change_correlation", "correlation_source", "borrow_sd", "timepoint", "audit_exclude")
]
RANKED = {"outcomes": "outcome_rank", "items": "item_rank"}
MOST = 128  # combinations of an analysis
ROWS_AT_ONCE = 150_000
COMBINED_ROWS = 400_000  # candidate effects looked at again for the combinations of one analysis

Numbers = frozenset[tuple[str, str, str]]
Changes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alternative:
    """An analysis under other choices, `spec` with all their settings."""

    analysis_index: int
    choices: Choices
    spec: Spec


def alternative_datasets(
    context: AnalysisContext, candidates: pd.DataFrame, decided: pd.DataFrame, unpaired: pd.DataFrame
) -> pd.DataFrame:
    """The effects that every alternative would pool: columns of `candidates`, and `variant`.

    `candidates` are before the choice, `decided` after it; `unpaired` are results without a comparison.
    """
    chosen = decided[decided["selected"].astype(bool)]
    seen = {int(str(index)): {_numbers(rows)} for index, rows in chosen.groupby("analysis_index")}
    singles = _singles(context, decided, unpaired)
    first, useful = _pooled(context, candidates, singles, seen)
    size = candidates["analysis_index"].value_counts()
    most = {int(str(index)): min(MOST, COMBINED_ROWS // int(count)) for index, count in size.items()}
    combined = _combinations(context.specs, useful, most)
    second, _ = _pooled(context, candidates, combined, seen)
    return pd.concat([first, second], ignore_index=True)


def _singles(context: AnalysisContext, decided: pd.DataFrame, unpaired: pd.DataFrame) -> list[Alternative]:
    """Alternatives with one choice changed that can differ."""
    have = decided[decided["effect"].notna()]
    bare = decided["reason_code"].isin([Reason.ADJUSTED, Reason.NO_N]) & (decided["kind"] == "contrast")
    no_sd = bare.groupby(decided["analysis_index"]).any().rename("no_sd")
    flags = pd.concat([_offered(have), _lost(unpaired, context.summaries["arms"]), no_sd], axis=1)
    can = flags.reindex(range(len(context.specs))).fillna(False).astype(bool).to_dict("records")
    passed = _passed_over(have)
    return [
        Alternative(index, Choices([choice]), {**spec, **changes})
        for index, spec in enumerate(context.specs)
        for choice, changes in _changes(spec, can[index], passed.get(index, set()))
    ]


def _passed_over(have: pd.DataFrame) -> dict[int, set[tuple[str, str]]]:
    """The instruments and items of each analysis that another one was preferred to."""
    passed: dict[int, set[tuple[str, str]]] = {}
    for code, column in PASSED_OVER.items():
        lost = have[have["reason_code"] == code]
        for index, name, item in zip(lost["analysis_index"], lost[column], lost["item"], strict=True):
            names = {(column, name), (column, f"{name}:{item}")}  # a part may be listed as CODE:item
            passed.setdefault(int(index), set()).update(names)
    return passed


def _offered(have: pd.DataFrame) -> pd.DataFrame:
    """What the candidate effects of each analysis offer, as flags by its index."""
    contrast, used = have["kind"] == "contrast", have["selected"].astype(bool)
    both = contrast.groupby([have["analysis_index"], have["study_id"]]).transform("nunique") > 1
    flags = {
        "several_arms": (have["arms_experimental"] > 1) | (have["arms_control"] > 1),
        "correlation": (have["route"] == Route.CORRELATION) & used,
        "contrast_used": both & used & contrast,
        "arms_used": both & used & ~contrast,
        "instruments": have["reason_code"] == Reason.OTHER_INSTRUMENT,
        "items": have["reason_code"] == Reason.OTHER_ITEM_PREFERRED,
        "times": have["reason_code"] == Reason.OTHER_TIME_PREFERRED,
        "questioned": have["reason_code"] == Reason.QUESTIONED,
    }
    for kind in ("final", "change"):
        flags[f"{kind}_used"] = (have["basis"] == kind) & used
        flags[f"{kind}_offered"] = have["basis"] == kind
    return pd.DataFrame(flags).groupby(have["analysis_index"]).any()


def _lost(unpaired: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """What the results without a comparison could give each analysis, as flags by its index."""
    bare = arms[arms["sd_borrowed"].notna() & arms["mean"].notna() & (arms["n"] >= 2) & arms["sd"].isna()]
    parts = unpaired["row_ids"].str.split().explode()
    borrowable = parts.isin(bare["row_ids"]).groupby(level=0).any().reindex(unpaired.index, fill_value=False)
    borrow = (unpaired["reason_code"] == Reason.NO_SPREAD) & borrowable
    return pd.DataFrame({"borrow": borrow}).groupby(unpaired["analysis_index"]).any()


def _changes(
    spec: Spec, can: Mapping[str, bool], passed: set[tuple[str, str]]
) -> Iterator[tuple[Choice, Changes]]:
    """Each choice with the settings that it changes."""
    usual, rules = spec["multi_arm"], list(MULTI_ARM)
    if spec["measure"] in OF_GROUPS:
        rules = [] if spec["measure"] in CORRELATED else list(MULTI_ARM_OF_ONE)
    if can["several_arms"] or usual != "combine":
        yield from ((Choice("multi_arm", rule), {"multi_arm": rule}) for rule in rules if rule != usual)
    if can["correlation"]:
        for r in CORRELATIONS:
            yield Choice("r", f"{r:g}"), {"change_correlation": r, "correlation_source": "assumed"}
    for kind, other in (("change", "final"), ("final", "change")):
        if can[f"{other}_used"] and can[f"{kind}_offered"]:
            yield Choice("kinds", f"{kind} only"), {"kinds": [kind]}
            if spec["measure"] != "SMD" or spec.get("kinds"):  # an SMD mixes them only where it says so
                yield Choice("kinds", kind), {"kinds": [kind, other]}
    for source, other in (("arms", "contrast"), ("contrasts", "arms")):
        if can[f"{other}_used"]:
            yield Choice("source", source), {"prefer_source": source}
    yield from _other_results(spec, can, passed)
    if (can["instruments"] or can["items"]) and spec.get("several_effects", "prefer") == "prefer":
        yield Choice("several_effects", "multilevel"), {"several_effects": "multilevel"}
    if (can["borrow"] or can["no_sd"]) and spec.get("borrow_sd") is not True:
        yield Choice("borrow_sd", "true"), {"borrow_sd": True}


def _other_results(
    spec: Spec, can: Mapping[str, bool], passed: set[tuple[str, str]]
) -> Iterator[tuple[Choice, Changes]]:
    for setting, column in (("outcomes", "instrument"), ("items", "item")):
        for name in spec[setting][1:]:
            if (column, name) in passed:
                yield Choice(setting, name), {setting: sorted(spec[setting], key=lambda each: each != name)}
    named = spec["timepoint"]
    if not isinstance(named, str | Mapping) and len(named) > 1 and can["times"]:
        yield Choice("timepoint", "last"), {"timepoint": list(reversed(named))}
    if can["questioned"]:
        yield Choice("audit", "included"), {"audit_exclude": []}


def _combinations(
    specs: Sequence[Spec], singles: Sequence[Alternative], most: Mapping[int, int]
) -> list[Alternative]:
    """Combinations of two or more alternatives of an analysis, at most so many, with all their settings."""
    by_analysis: dict[int, dict[str, list[Alternative]]] = {}
    for single in singles:
        (choice,) = single.choices
        if choice not in DEPENDENT:
            dimensions = by_analysis.setdefault(single.analysis_index, {})
            dimensions.setdefault(choice.dimension, []).append(single)
    combined = []
    for index, dimensions in by_analysis.items():
        sets = itertools.chain.from_iterable(
            itertools.product(*(dimensions[name] for name in names))
            for size in range(2, len(dimensions) + 1)
            for names in itertools.combinations(dimensions, size)
        )
        for parts in itertools.islice(sets, most.get(index, MOST)):
            changed = dict(specs[index])
            for part in parts:
                changed |= {key: value for key, value in part.spec.items() if value != specs[index].get(key)}
            choices = Choices(itertools.chain.from_iterable(part.choices for part in parts))
            combined.append(Alternative(index, choices, changed))
    return combined


def _numbers(rows: pd.DataFrame) -> Numbers:
    """What is pooled, to ten digits: two choices that pool the same numbers are one."""
    return frozenset(
        (study, f"{effect:.10g}", f"{variance:.10g}")
        for study, effect, variance in zip(rows["study_id"], rows["effect"], rows["variance"], strict=True)
    )


def _pooled(
    context: AnalysisContext,
    candidates: pd.DataFrame,
    alternatives: Sequence[Alternative],
    seen: dict[int, set[Numbers]],
) -> tuple[pd.DataFrame, list[Alternative]]:
    """Selected rows of the alternatives that pool new numbers, which `seen` learns; and which those are."""
    there: dict[int, int] = {}  # by alternative: where its candidates are
    anew: dict[int, int] = {}
    again: dict[tuple[int, str], Spec] = {}
    for at, other in enumerate(alternatives):
        usual = context.specs[other.analysis_index]
        changed = {key: other.spec.get(key) for key in RECOMPUTED if other.spec.get(key) != usual.get(key)}
        if changed:
            key = (other.analysis_index, repr(changed))
            again.setdefault(key, {**usual, **changed})
            anew[at] = list(again).index(key)
        else:
            there[at] = other.analysis_index
    parts = [_chosen(context, candidates, there, alternatives)]
    if again:
        table, _ = compute_effects(context.instead(list(again.values())), only_candidates=True)
        parts.append(_chosen(context, table, anew, alternatives))
    rows = pd.concat(parts, ignore_index=True)
    useful = []
    for at, group in rows.groupby("alternative"):
        before, pooled = seen.setdefault(alternatives[at].analysis_index, set()), _numbers(group)
        if pooled not in before:
            before.add(pooled)
            useful.append(at)
    rows = rows[rows["alternative"].isin(useful)]
    others = [alternatives[at] for at in rows["alternative"]]
    rows = rows.drop(columns="alternative").assign(
        analysis_index=np.array([other.analysis_index for other in others], dtype=int),
        variant=pd.Series([other.choices for other in others], index=rows.index, dtype=object),
    )
    return rows, [alternatives[at] for at in useful]


def _chosen(
    context: AnalysisContext,
    table: pd.DataFrame,
    index_of: Mapping[int, int],
    alternatives: Sequence[Alternative],
) -> pd.DataFrame:
    """Choose again for alternatives: `index_of` says for which, and where their analysis is in `table`."""
    slim = table.loc[table["reason_code"] == "", NEEDED].sort_values("analysis_index", kind="stable")
    rows_of = {int(str(index)): rows for index, rows in slim.groupby("analysis_index").indices.items()}
    settings = settings_frame([other.spec for other in alternatives])
    none = np.zeros(0, dtype=int)
    rows_of_each = [(at, rows_of.get(index, none)) for at, index in index_of.items()]
    pieces = [table.iloc[:0].assign(alternative=0)]
    for batch in _batches(rows_of_each):
        taken = slim.take(np.concatenate([rows for _, rows in batch]))
        rows = taken.assign(analysis_index=np.repeat([at for at, _ in batch], [len(r) for _, r in batch]))
        rows = _ranked_anew(rows.reset_index(drop=True), context.specs, alternatives)
        selected = choose(rows, settings)["selected"].to_numpy(dtype=bool)
        at = rows["analysis_index"].to_numpy()[selected]
        pieces.append(table.loc[taken.index[selected]].assign(alternative=at))
    return pd.concat([piece for piece in pieces if len(piece)] or pieces[:1], ignore_index=True)


def _batches(rows_of_each: Sequence[tuple[int, np.ndarray]]) -> Iterator[list[tuple[int, np.ndarray]]]:
    """Alternatives with their rows, in groups of about ROWS_AT_ONCE candidates."""
    last = np.cumsum([len(rows) for _, rows in rows_of_each], dtype=int) // ROWS_AT_ONCE
    for _, batch in itertools.groupby(zip(last, rows_of_each, strict=True), key=operator.itemgetter(0)):
        yield [entry for _, entry in batch]


def _ranked_anew(
    rows: pd.DataFrame, specs: Sequence[Spec], alternatives: Sequence[Alternative]
) -> pd.DataFrame:
    """Ranks of instruments and items by the alternative's own order of the same lists."""
    at = rows["analysis_index"].to_numpy()
    for setting, column in RANKED.items():
        ranks = rows[column].to_numpy(copy=True)
        for number in np.unique(at):
            other = alternatives[number]
            usual, wanted = list(specs[other.analysis_index][setting]), list(other.spec[setting])
            if wanted != usual:
                order = np.array([wanted.index(name) for name in usual])
                place, own = np.divmod(ranks, NEXT_DOMAIN)
                listed = (at == number) & (own < min(len(usual), UNLISTED))
                ranks[listed] = place[listed] * NEXT_DOMAIN + order[own[listed]]
        rows[column] = ranks
    return rows
