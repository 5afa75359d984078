"""Prepared evidence tables in, the rows that break a rule of the audit out.

A check takes the tables as `audit.prepare` leaves them and yields the name of a rule of `schemas/audit.yaml`
and the rows that break it, with the columns that the rule's sentence shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtrc, fdtrc, ndtr, ndtri, stdtr, stdtrit

from trialpool.contracts import INTERVALS, RATIO_CONTRASTS
from trialpool.evidence.derivation import SHOW_ONLY
from trialpool.evidence.unit_of_analysis import FIRST_PERIOD
from trialpool.measures import RATIOS

Tables = dict[str, pd.DataFrame]
Flagged = Iterator[tuple[str, pd.DataFrame]]
Floats = NDArray[np.float64]
Aggregate = tuple[str, str | Callable[[pd.Series], str]]  # a column, and what becomes of its cells
OUTCOME = ["study_id", "domain", "instrument", "item", "unit"]
TIME = ["weeks", "timepoint", "measure"]
EXACT = 1e-9


class _Cells(dict[str, Any]):
    """A row; besides {name} is "NRS pain", {what} adds arm and time, {counted} is "2 rows"."""

    def __missing__(self, key: str) -> str:
        if key == "counted":
            return f"{self['rows']} row{'s' if self['rows'] > 1 else ''}"
        name = " ".join(filter(None, (self["instrument"], self["item"])))
        if key == "name":
            return name
        arm, weeks = self.get("arm"), self["weeks"]
        when = f"week {weeks:g}" if weeks == weeks else self["timepoint"].replace("_", " ")
        return ", ".join(filter(None, (name, f"arm {arm}" if arm else "", when)))


def sentences(template: str, rows: pd.DataFrame) -> list[str]:
    """A rule's sentence for every row; it names columns, or what `_Cells` adds, in braces."""
    return [template.format_map(_Cells(row)) for row in rows.to_dict("records")]


def _grouped(rows: pd.DataFrame, keys: Sequence[str], **more: Aggregate) -> pd.DataFrame:
    """One row a group: the keys, `row_ids`, how many `rows` it has, the first source_url, and `more`."""
    parts: dict[str, Aggregate] = {"row_ids": ("row_id", _listed), "rows": ("row_id", "size"), **more}
    groups = rows.groupby(list(keys), sort=False, dropna=False)
    return groups.agg(source_url=("source_url", "first"), **parts).reset_index()


def _listed(ids: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(ids))


def _decimals(value: float) -> int:
    """Decimal places of a number as it was typed; trailing zeros are lost on reading, so at least so many."""
    return len(f"{value:.10f}".rstrip("0").partition(".")[2])


def _significant(value: float) -> int:
    """Significant digits of a number as it was typed."""
    return len(f"{abs(value):.{_decimals(value)}f}".replace(".", "").lstrip("0"))


def _slack(value: float) -> float:
    """Half a unit in the last printed place of a number: how far rounding can have moved it."""
    return float(0.5 * 10.0 ** -_decimals(value))


def _half_unit(values: pd.Series) -> pd.Series:
    return pd.Series([_slack(v) if v == v else np.nan for v in values], index=values.index)


def _each(rows: pd.DataFrame, columns: str, function: Callable[..., object]) -> pd.Series:
    """A function of some cells of every row, right for no rows at all."""
    cells = zip(*(rows[name] for name in columns.split()), strict=True)
    return pd.Series([function(*each) for each in cells], index=rows.index, dtype=object)


# Spreads and bounds

FACTOR = 2.5  # an SD so many times smaller or larger than usual is asked about
FEWEST_TRIALS = 3  # others with the same instrument
FEWEST_IN_DOMAIN = 5  # others with another scale of the same domain, as parts of their ranges
WIDEST_SCALE = 100  # intensity scales use their whole range; questionnaires and impairment scores do not
UNEQUAL_FACTOR, UNEQUAL_P = 2.0, 1e-4


def outside_range(tables: Tables) -> Flagged:
    """A value, bound, change or difference that the instrument does not allow."""
    arms, contrasts = tables["continuous"], tables["contrasts"]
    width, final = arms["high"] - arms["low"], arms["measure"] == "final"
    low, high = arms["low"].where(final, -width), arms["high"].where(final, width)
    quantiles = arms[["spread_low", "spread_high"]].where(arms["spread_type"].isin(["iqr", "range"]))
    values = arms[["centre"]].join(quantiles)
    bad = values.lt(low, axis=0).any(axis=1) | values.gt(high, axis=0).any(axis=1)
    factor = contrasts["measure"].map({"mean_difference": 1.0, "change_difference": 2.0})
    farthest = (contrasts["high"] - contrasts["low"]) * factor
    far = contrasts["estimate"].abs() > farthest
    arms = arms.assign(value=arms["centre"], bottom=low, top=high)
    contrasts = contrasts.assign(arm="", value=contrasts["estimate"], bottom=-farthest, top=farthest)
    yield "outside_range", pd.concat([arms[bad], contrasts[far]])


def mean_and_bounds(tables: Tables) -> Flagged:
    """Mean and SD against the bounds of the scale.

    The SD of n values within [a, b] with mean m is at most √((m − a)(b − m)·n/(n − 1)) (Bhatia & Davis 2000).
    A mean nearer than one SD to a bound means that the values cannot be symmetric about it.
    """
    rows = tables["continuous"]
    rows = rows[(rows["measure"] == "final") & (rows["sd"] > 0) & (rows["centre_type"] == "mean")]
    rows = rows.assign(most=_largest_sd(rows), range=_each(rows, "low high", _range_words))
    below, above = rows["centre"] - rows["low"], rows["high"] - rows["centre"]
    tolerance = _half_unit(rows["spread_low"]).where(rows["spread_type"] == "sd", rows["sd"] * 0.01)
    impossible = rows["sd"] - tolerance > rows["most"]
    later = rows["timepoint"] != "baseline"
    yield "mean_sd_impossible", rows[impossible]
    yield "skewed", rows[later & ~impossible & ((below < rows["sd"]) | (above < rows["sd"]))]


def _range_words(low: float, high: float) -> str:
    if low == low and high == high:
        return f"range {low:g} to {high:g}"
    return f"range from {low:g}" if low == low else f"range up to {high:g}"


def _largest_sd(rows: pd.DataFrame) -> pd.Series:
    """Largest SD that a printed mean allows between its bounds, rounding granted; NaN without both."""
    slack = _half_unit(rows["centre"])
    room = (rows["centre"] - rows["low"] + slack) * (rows["high"] - rows["centre"] + slack)
    n = rows["n_any"].fillna(np.inf).clip(lower=2)
    return np.sqrt(room.clip(lower=0) / (1 - 1 / n)).where(rows["measure"] == "final")


def spread_against_other_trials(tables: Tables) -> Flagged:
    """An SD against those of other trials.

    Others are, in a domain whose scales measure one thing (`one_scale` in the vocabulary), the trials with
    any bounded scale of it and the same kind of value (final or change), as parts of their ranges; otherwise
    those with the same instrument, if possible the same item and kind. What would fit as a standard error
    (SD·√n near the usual SD and possible with the mean), or the other way round, is said so; where three
    or more, and half, of what a trial prints together would, the rest of it is in doubt too.
    """
    rows = tables["continuous"]
    rows = rows[(rows["sd"] > 0) & (rows["unit"] != "percent")]
    usual, words = _usual_sd(rows)
    printed = _each(rows, "spread_type spread_low spread_high n_any", _as_printed)
    rows = rows.assign(usual=words, printed=printed)[usual.notna()]
    usual = usual[usual.notna()]
    ratio, root = rows["sd"] / usual, np.sqrt(rows["n_any"])
    as_se = (rows["sd"] * root / usual).where(rows["spread_type"] != "se")
    as_se = as_se.where(~(as_se * usual > _largest_sd(rows)))
    as_sd = (rows["sd"] / root / usual).where(rows["spread_type"] == "se")
    small, large = ratio < 1 / FACTOR, ratio > FACTOR
    fits_se, fits_sd = ((side > 1 / FACTOR) & (side < FACTOR) for side in (as_se, as_sd))
    suspect, table = small & fits_se, ["study_id", "domain", "unit", "weeks", "timepoint", "spread_type"]
    beside = suspect.astype(float).groupby([rows[name] for name in table], dropna=False, sort=False)
    share = beside.transform("mean").where(beside.transform("sum") >= FEWEST_TRIALS)
    yield "se_as_sd", rows[suspect]
    yield "se_beside", rows.assign(share=100 * share)[~suspect & (share >= 0.5)]
    yield "sd_as_se", rows[large & fits_sd]
    yield "spread_small", rows[small & ~fits_se]
    yield "spread_large", rows[large & ~fits_sd]


def _as_printed(kind: str, low: float, high: float, n: float) -> str:
    return f"{kind} {low:g}{'' if high != high else f' to {high:g}'}, n = {'?' if n != n else f'{n:.0f}'}"


def _usual_sd(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """SD to expect for each row from the other trials (NaN if too few), and in words where it is from."""
    width = rows["high"] - rows["low"]
    value = np.log(rows["sd"])
    common = rows["one_scale"].notna() & (width <= WIDEST_SCALE)
    part, others = median_of_others(rows, (value - np.log(width)).where(common), ["domain", "measure"])
    source = "a scale of " + rows["one_scale"].astype(object) + ", by range"
    choices = [((np.exp(part) * width).where(common), others, FEWEST_IN_DOMAIN, source)]
    for keys in (["item", "unit", "measure"], ["unit", "measure"], ["unit"]):
        median, others = median_of_others(rows, value, ["instrument", *keys])
        this = pd.Series("this instrument", rows.index, dtype=object)
        choices.append((np.exp(median), others, FEWEST_TRIALS, this))
    usual, words = pd.Series(np.nan, rows.index), pd.Series("", rows.index, dtype=object)
    for estimate, trials, fewest, source in choices:
        take = usual.isna() & (trials >= fewest) & estimate.notna()
        usual[take] = estimate[take]
        words[take] = [
            f"usual {sd:.3g} ({number:.0f} other trials with {of})"
            for sd, number, of in zip(estimate[take], trials[take], source[take], strict=True)
        ]
    return usual, words


def median_of_others(
    rows: pd.DataFrame, value: pd.Series, keys: Sequence[str]
) -> tuple[pd.Series, pd.Series]:
    """Median over the other trials of their median value, and how many they are; aligned with rows."""
    of_trial = [*keys, "study_id"]
    frame = rows[of_trial].assign(value=value).dropna(subset=["value"])
    medians = frame.groupby(of_trial, sort=False)["value"].median().reset_index()
    medians = medians.sort_values([*keys, "value"], ignore_index=True)
    groups = medians.groupby(list(keys), sort=False)["value"]
    k, place = groups.transform("size").to_numpy(dtype=int), groups.cumcount().to_numpy(dtype=int)
    ends = [  # the middle of k - 1 values once one is gone
        medians["value"].to_numpy().take(np.arange(len(k)) + middle + (place <= middle) - place, mode="clip")
        for middle in ((k - 2) // 2, (k - 1) // 2)
    ]
    table = medians[of_trial].assign(usual=np.where(k > 1, np.mean(ends, axis=0), np.nan), trials=k - 1.0)
    joined = rows.join(table.set_index(of_trial), on=of_trial)
    return joined["usual"], joined["trials"].fillna(0.0)


def spread_unequal(tables: Tables) -> Flagged:
    """Two arms' SDs more than twice apart and beyond chance (F test, p < 0.0001)."""
    rows = tables["continuous"]
    rows = rows[(rows["sd"] > 0) & (rows["n_any"] >= 3)]
    groups = rows.sort_values("sd").groupby(OUTCOME + TIME, dropna=False, sort=False)
    least, most = (part.set_index(OUTCOME + TIME) for part in (groups.head(1), groups.tail(1)))
    pairs = most.join(least[["arm", "sd", "n_any", "row_id"]].add_suffix("_least")).reset_index()
    ratio = pairs["sd"] / pairs["sd_least"]
    p = 2 * fdtrc(pairs["n_any"] - 1, pairs["n_any_least"] - 1, ratio**2)
    pairs = pairs.assign(
        ratio=ratio,
        sd_if_se=pairs["sd_least"] * pairs["n_any_least"] ** 0.5,
        row_ids=pairs["row_id"] + " " + pairs["row_id_least"],
    )
    yield "spread_unequal", pairs[(ratio > UNEQUAL_FACTOR) & (p < UNEQUAL_P)]


# Intervals, p-values and the differences that arms and contrasts both print

ASYMMETRY = 0.1  # of the half-width, beyond what rounding can do
P_GAP = 0.35  # on the normal scale, beyond rounding, between a printed p and that of the interval
ARMS_P_GAP = 0.75  # adjustment and choice of test move a p-value that far
BOUNDED = ["estimate", "spread_low", "spread_high"]


def interval_and_estimate(tables: Tables) -> Flagged:
    """An estimate against its interval, for arms, contrasts and published pools.

    Ratios on their logarithm. The estimate and both bounds may have been moved by rounding; what is left of
    the distance from the middle must exceed a tenth of the half-width.
    """
    for rows in _with_intervals(tables):
        estimate, low, high = (_before_rounding(rows, column) for column in BOUNDED)
        half = (high[0] + high[1] - low[0] - low[1]) / 4
        gap = np.maximum((low[0] + high[0]) / 2 - estimate[1], estimate[0] - (low[1] + high[1]) / 2)
        outside = (estimate[1] < low[0]) | (estimate[0] > high[1])
        yield "estimate_outside_interval", rows[outside]
        yield "interval_asymmetric", rows[~outside & (gap > ASYMMETRY * half) & (half > 0)]


def _with_intervals(tables: Tables) -> Iterator[pd.DataFrame]:
    """Arms, contrasts and published pools with an estimate and a confidence interval, in the same columns."""
    frames = tables["continuous"], tables["contrasts"]
    arms, contrasts = (frame[frame["spread_type"].isin(list(INTERVALS))] for frame in frames)
    arms = arms[arms["centre_type"] != "median"]
    arms = arms.assign(estimate=arms["centre"], ratio=False, label=sentences("{what}", arms))
    labels = sentences("{what}, {arm_1} v {arm_2}", contrasts)
    contrasts = contrasts.assign(ratio=contrasts["measure"].isin(RATIO_CONTRASTS), label=labels)
    names = {"review_id": "study_id", "ci_low": "spread_low", "ci_high": "spread_high"}
    pools = tables["published_pools"].rename(columns=names)
    labels = pools["comparison"] + ", " + pools["outcome"]
    pools = pools.assign(ratio=pools["measure"].isin(RATIOS), label=labels)
    for table in (arms, contrasts, pools):
        rows = table[["study_id", "row_id", "source_url", *BOUNDED, "ratio", "label"]].dropna(subset=BOUNDED)
        yield rows[~rows["ratio"].astype(bool) | (rows[BOUNDED] > 0).all(axis=1)]


def _before_rounding(rows: pd.DataFrame, column: str) -> tuple[pd.Series, pd.Series]:
    """Between what values a printed number lay before rounding; logarithms for ratios.

    An estimate and its bounds are printed with equal places, so the most places of the three count for all.
    """
    slack = pd.concat([_half_unit(rows[each]) for each in BOUNDED], axis=1).min(axis=1)
    ratio, tiny = rows["ratio"].astype(bool), rows[column].abs() * 1e-3 + 1e-12
    low, high = (
        np.log(side.where(side > 0, tiny).where(ratio, 1.0)).where(ratio, side)
        for side in (rows[column] - slack, rows[column] + slack)
    )
    return low, high


def p_and_interval(tables: Tables) -> Flagged:
    """The p-value of a contrast against its own estimate and interval.

    By t on n1 + n2 − 2 df where the numbers are printed, else by the normal; p-values of other tests are
    left out.
    """
    rows = tables["contrasts"]
    rows = rows[rows["spread_type"].isin(list(INTERVALS)) & rows["estimate"].notna()]
    rows = rows[(rows["p_value"] != "") & (rows["p_test"] == "")]
    rows = rows.assign(ratio=rows["measure"].isin(RATIO_CONTRASTS))
    estimate, low, high = (_before_rounding(rows, column) for column in BOUNDED)
    df = rows["n_1"] + rows["n_2"] - 2
    tail = (1 + rows["spread_type"].map(INTERVALS).astype(float)) / 2
    quantile = np.where(df > 0, stdtrit(df.where(df > 0, 1.0), tail), ndtri(tail))
    wide = (high[1] - low[0]) / 2 / quantile
    narrow = np.maximum((high[0] - low[1]) / 2, 1e-12) / quantile
    size = [bound.abs() for bound in estimate]
    crosses = estimate[0] * estimate[1] < 0
    z_low = _as_normal(np.where(crosses, 0.0, np.minimum(*size)) / wide, df)
    z_high = _as_normal(np.maximum(*size) / narrow, df)
    far = _p_gap(rows["p_value"], z_low, z_high) > P_GAP
    yield "p_disagrees", rows.assign(p=2 * ndtr(-np.abs((z_low + z_high) / 2)))[far]


def _p_gap(printed: pd.Series, z_low: Floats, z_high: Floats) -> Floats:
    """How far, as normal deviates, a printed p, with its rounding, lies from those between two deviates."""
    value = pd.to_numeric(printed.str.extract(r"(0?\.\d+|1\.?0*|0)\s*$", expand=False), errors="coerce")
    below, slack = printed.str.contains("<", regex=False), _half_unit(value)
    p_low = np.where(below, 0.0, np.maximum(value - slack, 0.0))
    p_high = np.minimum(np.where(below, value, value + slack), 1.0)
    return np.asarray(np.maximum(_p_to_z(p_high) - z_high, z_low - _p_to_z(p_low)))


def _as_normal(t: Floats, df: pd.Series) -> Floats:
    """Size of a t statistic as the normal deviate of the same p-value; left as it is where df is unknown."""
    size = np.asarray(t, dtype=float)
    return np.where(df > 0, _p_to_z(2 * stdtr(df.where(df > 0, 1.0), -size)), size)


def _p_to_z(p: Floats) -> Floats:
    """Two-sided p as the size of a normal deviate."""
    return np.asarray(np.abs(ndtri(np.clip(np.asarray(p, dtype=float), 1e-300, 1.0) / 2)))


def arms_against_contrasts(tables: Tables) -> Flagged:
    """A printed difference against that of the printed means, and its p against Welch's t-test of them."""
    both = _contrasts_with_arms(tables)
    slack = sum(_half_unit(both[column]) for column in ("estimate", "centre", "centre_2"))
    difference = both["centre"] - both["centre_2"]
    half = (both["spread_high"] - both["spread_low"]) / 4
    allowed = np.where(both["adjusted"] == "yes", half.fillna(np.inf), EXACT)
    turned = (both["estimate"] + difference).abs() <= slack
    reverse = np.where(turned, " (the sign is the other way round)", "").astype(object)
    far = (both["estimate"] - difference).abs() - slack > allowed
    yield "arms_disagree_with_contrast", both.assign(difference=difference, reverse=reverse)[far]
    both = both[(both["p_value"] != "") & (both["p_test"] == "") & (both["adjusted"] != "yes")]
    both = both[(both[["sd", "sd_2"]] > 0).all(axis=1) & (both[["n_any", "n_any_2"]] >= 2).all(axis=1)]
    v1, v2 = both["sd"] ** 2 / both["n_any"], both["sd_2"] ** 2 / both["n_any_2"]
    df = (v1 + v2) ** 2 / (v1**2 / (both["n_any"] - 1) + v2**2 / (both["n_any_2"] - 1))
    z = _p_to_z(2 * stdtr(df, -(both["centre"] - both["centre_2"]).abs() / np.sqrt(v1 + v2)).to_numpy())
    far = _p_gap(both["p_value"], z, z) > ARMS_P_GAP
    yield "p_disagrees_with_arms", both.assign(p=2 * ndtr(-z))[far]


def _contrasts_with_arms(tables: Tables) -> pd.DataFrame:
    """Published differences beside the means of their two arms (`centre`, `centre_2` …), of the same kind."""
    arms = tables["continuous"]
    arms = arms[arms["centre_type"].isin(["mean", "lsmean"]) & (arms["timepoint"] != "baseline")]
    keys = [*OUTCOME, "weeks", "timepoint", "period"]
    pairs = tables["contrasts"]
    pairs = pairs[pairs["measure"].isin(["mean_difference", "change_difference"])]
    values = arms[[*keys, "arm", "measure", "centre", "sd", "n_any", "row_id"]]
    first, second = (values.rename(columns={"measure": "kind", "arm": arm}) for arm in ("arm_1", "arm_2"))
    both = pairs.merge(first, on=[*keys, "arm_1"], suffixes=("", "_1"))
    both = both.merge(second, on=[*keys, "arm_2", "kind"], suffixes=("", "_2"))
    both = both[(both["kind"] == "change") | (both["measure"] == "mean_difference")]
    return both.assign(row_ids=both["row_id"] + " " + both["row_id_1"] + " " + both["row_id_2"])


def scored_otherwise(tables: Tables) -> Flagged:
    """Rows against what the catalogue says of their instrument."""
    rows = pd.concat([tables["continuous"], tables["contrasts"]], ignore_index=True)
    turned, other = (
        (rows[cell] != rows[usual]) & (rows[usual] != "") & (rows[cell] != "")
        for cell, usual in (("better", "better_usual"), ("unit", "unit_usual"))
    )
    units = ["study_id", "instrument", "unit", "unit_usual"]
    yield "direction_unusual", _grouped(rows[turned], ["study_id", "instrument", "better", "better_usual"])
    yield "unit_unusual", _grouped(rows[other], units)
    yield "undefined_scale", _grouped(rows[~rows["poolable"] & ~rows["binary"]], units)


# Counts and whole numbers


def people_beyond_randomised(tables: Tables) -> Flagged:
    """More people analysed than were randomised to an arm; arms that do not add up to their trial."""
    randomised = _randomised(tables["arms"]).rename("limit").rename_axis(["study_id", "who"])
    of_arm = [("continuous", "arm", "n"), ("events", "arm", "n")]
    for table, arm, n in [*of_arm, ("contrasts", "arm_1", "n_1"), ("contrasts", "arm_2", "n_2")]:
        rows = tables[table].rename(columns={"outcome": "instrument"})
        rows = rows.assign(item=rows.get("item", ""), who=rows[arm], people=rows[n])
        rows = rows.join(randomised, on=["study_id", "who"])
        yield "n_exceeds_randomised", rows[rows["people"] > rows["limit"]]
    arms = tables["arms"]
    people = arms[arms["pooled_of"] == ""].groupby("study_id")["n_randomised"]
    studies = tables["studies"]
    studies = studies[studies["design"] != "crossover"]  # there every person is in every arm
    total = studies["study_id"].map(people.sum(min_count=1)).astype(float)
    complete = studies["study_id"].map(people.apply(lambda n: n.notna().all())).eq(True)
    more, less = total > studies["n_randomised"], complete & (total < studies["n_randomised"])
    studies = studies.assign(total=total, severity=np.where(more, "medium", "low"))
    yield "arms_disagree_with_trial", studies[more | less]


def _randomised(arms: pd.DataFrame) -> pd.Series:
    """Number randomised of every arm; of a pooled arm the sum of its arms where it has none itself."""
    own = arms.set_index(["study_id", "arm"])["n_randomised"]
    pooled = arms[(arms["pooled_of"] != "") & arms["n_randomised"].isna()]
    sums = {
        (row.study_id, row.arm): sum(own.get((row.study_id, part), np.nan) for part in row.pooled_of.split())
        for row in pooled.itertuples()
    }
    return own.fillna(pd.Series(sums, dtype=float)) if sums else own


def whole_numbers(tables: Tables) -> Flagged:
    """GRIM, GRIMMER and DEBIT, where the catalogue declares `integer_items` or `binary`.

    Means of baseline and final values and of changes; least-squares means, means with a confidence interval
    (which mostly come from a model) and rows whose n is not printed cannot be tested. Trailing zeros are lost
    on reading, so the test errs on the side of silence.
    """
    rows = tables["continuous"]
    rows = rows[(rows["centre_type"] == "mean") & ~rows["spread_type"].isin(list(INTERVALS))]
    rows = rows[(rows["n"] >= 2) & (rows["unit"] != "percent")]
    rows = rows.assign(printed_sd=rows["spread_low"].where(rows["spread_type"] == "sd"))
    items = rows[rows["integer_items"] >= 1]
    verdicts = _each(items, "centre printed_sd n integer_items", _verdict)
    for rule in ("grim", "grimmer"):
        yield rule, items[verdicts == rule]
    parts = rows[rows["binary"] & rows["printed_sd"].notna() & rows["centre"].between(0, 1)]
    misses = _each(parts, "centre printed_sd n", lambda mean, sd, n: not debit(mean, sd, int(n)))
    yield "debit", parts[misses.astype(bool)]


def _verdict(mean: float, sd: float, n: float, items: float) -> str:
    """What whole-number arithmetic says of one row: "grim", "grimmer" or ""."""
    size, per = int(n), int(items)
    # with steps finer than the rounding every mean is possible
    if size * per < 10.0 ** _decimals(mean) and not grim(mean, size, per):
        return "grim"
    return "grimmer" if sd > 0 and not grimmer(mean, sd, size, per) else ""


def grim(mean: float, n: int, items: int = 1) -> bool:
    """Whether a mean as printed can be that of n scores in steps of 1/items.

    A mean of n whole numbers is a multiple of 1/n (Brown & Heathers 2017). Here and below, rounding either
    way of a half is accepted.

    >>> grim(5.19, 28), grim(5.18, 28), grim(2.33, 5, items=7)
    (False, True, False)
    """
    return bool(_sums(mean, n * items))


def _sums(mean: float, size: int) -> range:
    """Sums of so many whole numbers whose mean rounds to the printed one."""
    slack = _slack(mean) + EXACT
    return range(math.ceil((mean - slack) * size - EXACT), math.floor((mean + slack) * size + EXACT) + 1)


def grimmer(mean: float, sd: float, n: int, items: int = 1) -> bool:
    """Whether mean and SD can both be those of n scores in steps of 1/items (Anaya 2016; Allard 2018).

    For each possible sum T of whole numbers (the scores times items) there must be a whole sum of squares S,
    S ≡ T (mod 2), S ≥ T²/n, whose SD √((S − T²/n)/(n − 1))/items rounds to the printed one.

    >>> grimmer(2.5, 1.3, 4), grimmer(2.5, 1.4, 4)
    (True, False)
    """
    slack = _slack(sd) + EXACT
    low, high = max(sd - slack, 0.0) * items, (sd + slack) * items
    for total in _sums(mean, n * items):
        first = math.ceil(low**2 * (n - 1) + total**2 / n - EXACT)
        first += (first - total) % 2
        if first <= high**2 * (n - 1) + total**2 / n + EXACT:
            return True
    return False


def debit(proportion: float, sd: float, n: int) -> bool:
    """Whether a proportion and an SD can both be those of n zeros and ones (SD with n − 1 or n).

    Their SD is √(p(1 − p)·n/(n − 1)) (Heathers & Brown 2019).

    >>> debit(0.52, 0.51, 20), debit(0.52, 0.3, 20)
    (True, False)
    """
    slack, slack_sd = _slack(proportion) + EXACT, _slack(sd) + EXACT
    bounds = [min(max(proportion + side, 0.0), 1.0) for side in (-slack, slack)]
    products = [p * (1 - p) for p in bounds]
    top = 0.25 if bounds[0] <= 0.5 <= bounds[1] else max(products)
    low, high = math.sqrt(min(products)), math.sqrt(top * n / (n - 1))
    return bool(low - slack_sd <= sd <= high + slack_sd)


# Whole trials

BASELINE_P = 0.01
ACROSS_P = 0.01  # for all trials together
TELLING_DIGITS = 4  # _significant digits of the numbers of a row, for it to say anything when repeated
REPEATED_ROWS = 2
LARGEST_GROUP = 50  # of trials that share one row: more than that is a common value, not a copy


def baseline_imbalance(tables: Tables) -> Flagged:
    """Baselines that differ within one trial, or that differ too much or too little over all trials.

    A one-way analysis of variance from means, SDs and n tests every baseline score. Within a trial the
    smallest p, times the number of scores, is compared with 0.01. Over all trials the p-value of each trial's
    first score is used, one a trial because scores of a trial are correlated: as many below 0.05 (or above
    0.95) as chance would hardly give (binomial, p < 0.01) is a finding.
    """
    scores = _baseline_tests(tables["continuous"])
    scores["number"] = scores.groupby("study_id")["p"].transform("size")
    smallest = scores.loc[scores.groupby("study_id")["p"].idxmin()] if len(scores) else scores
    yield "baseline_imbalance", smallest[smallest["p"] * smallest["number"] < BASELINE_P]
    first = scores.groupby("study_id", sort=False).head(1)
    trials = len(first)
    sides = {"baselines_too_different": first["p"] < 0.05, "baselines_too_alike": first["p"] > 0.95}
    for rule, mask in sides.items():
        named, extreme = first[mask], int(mask.sum())
        if extreme and bdtrc(extreme - 1, trials, 0.05) < ACROSS_P:
            texts = {"row_ids": " ".join(named["row_ids"]), "names": ", ".join(named["study_id"])}
            row = pd.DataFrame([{"study_id": "", "source_url": "", **texts}])
            yield rule, row.assign(extreme=extreme, trials=trials, expected=trials * 0.05)


def _baseline_tests(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[(rows["timepoint"] == "baseline") & (rows["sd"] > 0) & (rows["n_any"] >= 2)]
    weighted = rows.assign(
        total=rows["n_any"] * rows["centre"],
        square=rows["n_any"] * rows["centre"] ** 2,
        within=(rows["n_any"] - 1) * rows["sd"] ** 2,
        value_text=_each(rows, "centre sd", lambda mean, sd: f"{mean:g} (SD {sd:.3g})"),
    )
    sums: dict[str, Aggregate] = {name: (name, "sum") for name in ("n_any", "total", "square", "within")}
    table = _grouped(weighted, OUTCOME, **sums, values_text=("value_text", " v ".join))
    table = table[(table["rows"] > 1) & (table["n_any"] > table["rows"]) & (table["within"] > 0)]
    between = table["square"] - table["total"] ** 2 / table["n_any"]
    df1, df2 = table["rows"] - 1, table["n_any"] - table["rows"]
    f = np.maximum(between, 0.0) / df1 / (table["within"] / df2)
    return table.assign(p=fdtrc(df1, df2, f))


def repeated_numbers(tables: Tables) -> Flagged:
    """The same telling numbers, two rows of them or more, in different trials."""
    rows = pd.concat([_score_marks(tables["continuous"]), _event_marks(tables["events"])])
    rows = rows[["study_id", "row_id", "source_url", "mark"]].drop_duplicates(["study_id", "mark"])
    trials = rows.groupby("mark")["study_id"].transform("size")
    pairs = _pairs(rows[(trials > 1) & (trials <= LARGEST_GROUP)])
    yield "identical_numbers", pairs[pairs["rows"] >= REPEATED_ROWS]


def _pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """Every two trials that share marks: which, how many, and the rows of both."""
    pairs = rows.merge(rows, on="mark", suffixes=("", "_2"))
    pairs = pairs[pairs["study_id"] < pairs["study_id_2"]]
    first: Aggregate = ("mark", lambda marks: "; ".join(marks[:3]))
    table = _grouped(pairs, ["study_id", "study_id_2"], marks=first, ids_2=("row_id_2", _listed))
    return table.assign(row_ids=table["row_ids"] + " " + table["ids_2"])


def same_trial(tables: Tables) -> Flagged:
    """Two trials under one registration, DOI or PubMed number; a cell may hold several numbers."""
    studies = tables["studies"]
    marks = [
        studies.assign(mark=studies[name].str.casefold().str.split(r"[\s,;]+")).explode("mark")
        for name in ("registration", "doi", "pmid", "pmcid")
    ]
    rows = pd.concat(marks, ignore_index=True)[["study_id", "row_id", "source_url", "mark"]]
    yield "same_trial", _pairs(rows[rows["mark"].str.contains(r"\d{5}|^10\.", na=False)].drop_duplicates())


def _score_marks(rows: pd.DataFrame) -> pd.DataFrame:
    def mark(instrument: str, centre: float, low: float, high: float) -> str:
        return f"{instrument} {centre:g} [{low:g}{'' if high != high else f' {high:g}'}]"

    rows = rows[rows["spread_low"].notna() & rows["centre"].notna()]
    digits = rows["centre"].map(_significant) + rows["spread_low"].map(_significant)
    marks = _each(rows, "instrument centre spread_low spread_high", mark)
    return rows.assign(mark=marks)[digits >= TELLING_DIGITS]


def _event_marks(rows: pd.DataFrame) -> pd.DataFrame:
    """All arms of one outcome and time as one mark: single counts repeat by chance, whole tables hardly."""
    keys = ["study_id", "domain", "outcome", "weeks", "timepoint"]
    rows = rows[rows["events"] > 0].sort_values([*keys, "arm"])
    rows = rows.assign(cells=_each(rows, "events n", lambda events, n: f"{events:.0f}/{n:.0f}"))
    table = _grouped(rows, keys, cells=("cells", lambda cells: ", ".join(sorted(cells))))
    table = table.assign(mark=table["outcome"] + " " + table["cells"], row_id=table["row_ids"])
    return table[table["rows"] > 1]


def doubts_on_record(tables: Tables) -> Flagged:
    """What the columns of the tables say themselves."""
    studies = tables["studies"]
    columns = ["study_id", "row_id", "source_url", "period", "use", "use_reason"]
    rows = pd.concat([tables[table][columns] for table in ("continuous", "contrasts", "events")])
    crossover = rows["study_id"].isin(studies.loc[studies["design"] == "crossover", "study_id"])
    yield "doubted_report", studies[studies["report_status"] != ""]
    yield "doubted_row", rows[rows["use"] == SHOW_ONLY]
    yield "paired_arms", _grouped(rows[crossover & (rows["period"] != FIRST_PERIOD)], ["study_id"])


CHECKS: tuple[Callable[[Tables], Flagged], ...] = (
    *(outside_range, mean_and_bounds, spread_against_other_trials, spread_unequal),
    *(interval_and_estimate, p_and_interval, scored_otherwise, arms_against_contrasts),
    *(people_beyond_randomised, whole_numbers),
    *(baseline_imbalance, repeated_numbers, same_trial, doubts_on_record),
)
