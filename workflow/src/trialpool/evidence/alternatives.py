"""What an analysis would pool under other defensible choices of data, one changed or several together.

Most choices only choose differently among candidate effects that are there already: another kind, source,
instrument or item first, several effects a trial. Only those in RECOMPUTED change the candidates themselves,
and these are computed once for every different setting of them. Choices that pool the same numbers as one
before are dropped. Large analyses get fewer crossings, so that the work grows with the evidence, not faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence.assemble import Asked, ask, candidate_table
from trialpool.evidence.crossings import MOST, Numbers, Variant, crossings, new_ones, numbers
from trialpool.evidence.questions import UNLISTED
from trialpool.evidence.scale import spec_frame
from trialpool.evidence.select import NEEDED, choose
from trialpool.evidence.variants import variants

RECOMPUTED = ("multi_arm", "change_correlation", "correlation_source", "borrow_sd", "timepoint")
RANKED = {"outcomes": "outcome_rank", "items": "item_rank"}
ROWS_AT_ONCE = 150_000
CROSSED_ROWS = 400_000  # candidate effects looked at again for the crossings of one analysis


def pooled_instead(
    harmonised: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    asked: Asked,
    scored: pd.DataFrame,
    decided: pd.DataFrame,
    without: pd.DataFrame,
) -> pd.DataFrame:
    """The effects that every variant and crossing would pool: columns of `scored` and `variant`.

    `scored` and `decided` are all candidates before and after the choice, `without` the results without a
    comparison. Rows carry the position of their analysis in `asked`.
    """
    chosen = decided[decided["selected"].astype(bool)]
    seen = {int(position): {numbers(rows)} for position, rows in chosen.groupby("analysis")}
    singles = variants(asked.specs, decided, without, harmonised["arms"])
    first, useful = _pooled(harmonised, tables, asked, scored, singles, seen)
    size = scored["analysis"].value_counts()
    most = {int(place): min(MOST, CROSSED_ROWS // int(count)) for place, count in size.items()}
    crossed = crossings(asked.specs, [singles[at] for at in useful], most)
    second, _ = _pooled(harmonised, tables, asked, scored, crossed, seen)
    return pd.concat([first, second], ignore_index=True)


def _pooled(
    harmonised: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    asked: Asked,
    scored: pd.DataFrame,
    found: Sequence[Variant],
    seen: dict[int, set[Numbers]],
) -> tuple[pd.DataFrame, list[int]]:
    """Selected rows of the variants that pool new numbers, and which variants those are."""
    if not found:
        return scored.iloc[:0].assign(variant=""), []
    others = _settings(asked.specs, found)
    rows = _chosen(scored, [int(v[0]) for v in found], [k is None for k in others], asked, found)
    again = list(dict.fromkeys(key for key in others if key is not None))
    if again:
        specs = [_changed(asked.specs, found[others.index(key)]) for key in again]
        table, _ = candidate_table(harmonised, ask(tables, asked.catalogue, specs))
        place = [again.index(key) if key is not None else 0 for key in others]
        more = _chosen(table, place, [key is not None for key in others], asked, found)
        rows = pd.concat([rows, more], ignore_index=True)
    useful = new_ones(found, rows, seen)
    rows = rows[rows["variant_at"].isin(useful)]
    at = rows["variant_at"].to_numpy(dtype=int)
    position = np.array([position for position, _, _ in found])[at]
    names = np.array([name for _, name, _ in found], dtype=object)[at]
    return rows.drop(columns="variant_at").assign(analysis=position, variant=names), useful


def _settings(specs: Sequence[Mapping[str, Any]], found: Sequence[Variant]) -> list[tuple[int, str] | None]:
    """For every variant which candidates it needs: None for those that are there, else a key."""
    keys: list[tuple[int, str] | None] = []
    for position, _, spec in found:
        changed = {k: spec.get(k) for k in RECOMPUTED if spec.get(k) != specs[position].get(k)}
        keys.append((position, repr(changed)) if changed else None)
    return keys


def _changed(specs: Sequence[Mapping[str, Any]], variant: Variant) -> Mapping[str, Any]:
    """The variant's analysis with only those settings changed that change the candidates."""
    position, _, spec = variant
    return {**specs[position], **{key: spec[key] for key in RECOMPUTED if key in spec}}


def _chosen(
    table: pd.DataFrame, place: Sequence[int], mine: Sequence[bool], asked: Asked, found: Sequence[Variant]
) -> pd.DataFrame:
    """Choose again for the variants that are `mine`: `place` is their analysis' number in `table`."""
    slim = table.loc[table["reason_code"] == "", NEEDED]
    slim = slim.sort_values("analysis", kind="stable")
    numbers_of = slim["analysis"].to_numpy()
    frame = spec_frame([spec for _, _, spec in found])
    pieces = []
    for batch in _batches([at for at, yes in enumerate(mine) if yes], place, numbers_of):
        starts = np.searchsorted(numbers_of, [place[at] for at in batch], side="left")
        ends = np.searchsorted(numbers_of, [place[at] for at in batch], side="right")
        spans = [np.arange(start, end) for start, end in zip(starts, ends, strict=True)]
        rows = slim.take(np.concatenate(spans))
        source = rows.index.to_numpy()
        rows = rows.assign(analysis=np.repeat(batch, [len(span) for span in spans]))
        rows = _ranked_anew(rows.reset_index(drop=True), asked.specs, found)
        selected = choose(rows, frame)["selected"].to_numpy(dtype=bool)
        at = rows["analysis"].to_numpy()[selected]
        pieces.append(table.loc[source[selected]].assign(variant_at=at))
    return pd.concat(pieces, ignore_index=True) if pieces else table.iloc[:0].assign(variant_at=0)


def _batches(which: Sequence[int], place: Sequence[int], numbers_of: np.ndarray) -> Iterator[list[int]]:
    """Variants in groups that look at no more than about ROWS_AT_ONCE candidates together."""
    counts = np.bincount(numbers_of.astype(int), minlength=max(place, default=0) + 1)
    batch: list[int] = []
    rows = 0
    for at in which:
        if batch and rows + counts[place[at]] > ROWS_AT_ONCE:
            yield batch
            batch, rows = [], 0
        batch.append(at)
        rows += int(counts[place[at]])
    if batch:
        yield batch


def _ranked_anew(
    rows: pd.DataFrame, specs: Sequence[Mapping[str, Any]], found: Sequence[Variant]
) -> pd.DataFrame:
    """Ranks of instruments and items by the variant's own order of the same lists."""
    at = rows["analysis"].to_numpy()
    for setting, column in RANKED.items():
        ranks = rows[column].to_numpy(copy=True)
        for number in np.unique(at):
            position, _, spec = found[number]
            usual = list(specs[position][setting])
            if list(spec[setting]) == usual:
                continue
            order = np.array([list(spec[setting]).index(name) for name in usual])
            now = (at == number) & (ranks < min(len(usual), UNLISTED))
            ranks[now] = order[ranks[now]]
        rows[column] = ranks
    return rows
