"""A table of trials in, their effects and variances with labels and all other columns out.

Tables may be pandas, polars, pyarrow, anything with the data frame interchange protocol, a mapping of
columns, or nothing where arrays are given themselves.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import narwhals
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from trialpool import stats, text
from trialpool.errors import suggestion
from trialpool.measures import (
    CHANGES,
    CORRELATIONS,
    GROUP_MEANS,
    MEASURES,
    OF_EVENTS,
    OF_MEANS,
    OF_RATES,
    PROPORTIONS,
    RATES,
    SIDES,
    Measure,
    Of,
)
from trialpool.records import Direction, Effect, Record, Unused, sketch, taken
from trialpool.stats.effect_sizes import SMD_VARIANCES
from trialpool.view.read import Appraised

Floats = NDArray[np.float64]
Given = str | ArrayLike  # the name of a column, or the values themselves
MOST_NAMED = 5  # trials in a warning
Maker = Callable[..., stats.Effects]


def _of_group(name: str, scale: str, *numbers: ArrayLike, **options: Any) -> stats.Effects:
    """Single groups by a function of `stats`, which is loaded when it is asked for."""
    found: stats.Effects = getattr(stats, name)(*numbers, scale=scale, **options)
    return found


MAKERS: dict[str, Maker] = {
    "MD": stats.mean_difference,
    "SMD": stats.standardized_mean_difference,
    "ROM": stats.ratio_of_means,
    "RR": stats.risk_ratio,
    "OR": stats.odds_ratio,
    "RD": stats.risk_difference,
    "IRR": stats.rate_ratio,
    "IRD": stats.rate_difference,
    "CVR": stats.log_cv_ratio,
    "VR": stats.log_variability_ratio,
    "SMCC": lambda m1, s1, n, m2, s2, r: stats.standardized_mean_change(m1, m2, s2, n, r, sd2=s1),
    "SMCR": lambda m1, s1, n, m2, s2, r: stats.standardized_mean_change(m1, m2, s2, n, r),
    "MC": lambda m1, s1, n, m2, s2, r: stats.paired_effects(m1 - m2, stats.change_sd(s1, s2, r), n),
    **{scale: partial(_of_group, "proportion", scale) for scale in PROPORTIONS},
    **{scale: partial(_of_group, "rate", scale) for scale in RATES},
    **{scale: partial(_of_group, "single_mean", scale) for scale in GROUP_MEANS},
    "COR": lambda n, r: stats.correlation(r, n, scale="COR"),
    "ZCOR": lambda n, r: stats.correlation(r, n, scale="ZCOR"),
}
FILLED = (*OF_EVENTS, *OF_RATES, "PR", "PLN", "PLO", "IR", "IRLN")  # measures to which `zero_cells` applies
ARGUMENTS = {"mean": "means", "sd": "sds", "person_years": "time"}  # of columns that are called otherwise


# What a measure is made of, by the names of columns.
KINDS = {
    **dict.fromkeys(OF_EVENTS, ("events", "n")),
    **dict.fromkeys(OF_RATES, ("events", "person_years")),
    **dict.fromkeys(OF_MEANS, ("mean", "sd", "n")),
    "VR": ("sd", "n"),
    **dict.fromkeys(CHANGES, ("mean", "sd", "n", "r")),  # pairs of means and SDs, after and before
    **dict.fromkeys(PROPORTIONS, ("events", "n")),
    **dict.fromkeys(RATES, ("events", "person_years")),
    **dict.fromkeys(GROUP_MEANS, ("mean", "sd", "n")),
    **dict.fromkeys(CORRELATIONS, ("r", "n")),
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Trials with one effect each on the analysis scale (ratios as logarithms), shape (k,) throughout.

    `arms` holds what is known of the arms by the names of the contract (`n_control` …), `frame` all columns
    that came with the trials, `names` what the arms are called, `better` ("lower", "higher", or "" where
    unknown) which effects are good. `left_out` says of every row not used why; `inestimable` are trials whose
    counts tell nothing of a ratio, once they are pooled as counts.
    """

    measure: str
    effects: Floats
    variances: Floats
    labels: tuple[str, ...]
    frame: pd.DataFrame
    arms: Mapping[str, Floats] = field(default_factory=dict)
    names: tuple[str, str] = SIDES
    better: str = ""
    left_out: tuple[str, ...] = ()
    zero_cells: float | str = 0.5
    inestimable: tuple[Unused, ...] = ()

    def __len__(self) -> int:
        return len(self.effects)

    def __str__(self) -> str:
        used = f"{text.count(len(self), 'trial')}, {MEASURES[self.measure].name}"
        return f"{used}; left out: {'; '.join(self.left_out)}" if self.left_out else used

    def __repr__(self) -> str:
        return f"<Dataset: {self}>"

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html())

    @property
    def natural(self) -> Measure:
        """The measure, which leads back to the natural scale."""
        return MEASURES[self.measure]

    def take(self, rows: ArrayLike) -> Dataset:
        """Some of the trials, by a mask (k,) or positions, in that order."""
        at = np.arange(len(self))[np.asarray(rows)]
        arms = {name: values[at] for name, values in self.arms.items()}
        labels = tuple(self.labels[int(row)] for row in at)
        numbers = self.effects[at], self.variances[at]
        known: dict[str, Any] = {
            "arms": arms,
            "names": self.names,
            "better": self.better,
            "zero_cells": self.zero_cells,
        }
        return Dataset(self.measure, *numbers, labels, self.frame.iloc[at], **known)

    def without_inestimable(self) -> Dataset:
        """The trials whose counts tell something of a ratio; the others are remembered, to be drawn."""
        if not self.natural.ratio:
            return self
        names = [f"{name}_{side}" for name in ("events", "n") for side in SIDES]
        a, c = (self.arms[name] for name in names[:2])
        n1, n2 = (self.arms.get(name, np.full(len(self), np.inf)) for name in names[2:])
        told = (a + c > 0) & (a + c < n1 + n2)
        if told.all():
            return self
        silent = []
        for at in np.flatnonzero(~told):
            known = {name: self.arms[name][at].item() for name in names if name in self.arms}
            code = "no_events" if a[at] + c[at] == 0 else "all_events"
            silent.append(sketch(Unused, known, label=self.labels[int(at)], reason_code=code))
        said = tuple(f"{row.label} (not estimable)" for row in silent)
        return replace(self.take(told), left_out=self.left_out + said, inestimable=tuple(silent))

    def column(self, name: str, given: Given) -> pd.Series:
        """One value a trial, by the name of a column or given as they are; `name` is that of the argument.

        Raises ValueError for an unknown column, and for another number of values than there are trials.
        """
        found = column(self.frame, name, given)
        if len(found) != len(self):
            raise ValueError(f"{name} has {len(found)} values: needs one for each of the {len(self)} trials")
        return found.set_axis(self.frame.index)

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """One row a trial, by its label: effect and variance with the interval, and all columns it came with.

        `effect, variance, ci_low, ci_high` are on the analysis scale, `estimate …` on the natural one.
        """
        single = stats.pool(self.effects[:, None], self.variances[:, None], interval="wald", level=level)
        bounds = {"ci_low": single.ci_low, "ci_high": single.ci_high}
        natural = np.exp if self.natural.ratio else self.natural.naturals
        shown = {"estimate": self.effects, "estimate_low": single.ci_low, "estimate_high": single.ci_high}
        columns: dict[str, Any] = {"effect": self.effects, "variance": self.variances, **bounds}
        columns |= {name: natural(values) for name, values in shown.items()} | dict(self.arms)
        own, rest = pd.DataFrame(columns), self.frame.reset_index(drop=True)
        whole = pd.concat([own, rest[[name for name in rest if name not in own]]], axis=1)
        return whole.set_axis(pd.Index(self.labels, name="label"))

    def rows(self, **more: Sequence[str]) -> list[Effect]:
        """The trials as records of the synthesis, in their order; `more` gives text fields their values."""
        known = {name: values.tolist() for name, values in self.arms.items()} | more
        return [
            sketch(
                Effect,
                {name: values[at] for name, values in known.items()},
                study_id=f"{at:06d}",  # records are sorted by it
                label=label,
                measure=self.measure,
                effect=float(self.effects[at]),
                variance=float(self.variances[at]),
                selected=True,
            )
            for at, label in enumerate(self.labels)
        ]


def effects(
    data: Any = None,
    *,
    measure: str,
    events: Sequence[Given] | Given | None = None,
    n: Sequence[Given] | Given | None = None,
    means: Sequence[Given] | Given | None = None,
    sds: Sequence[Given] | Given | None = None,
    time: Sequence[Given] | Given | None = None,
    r: Given | None = None,
    effect: Given | None = None,
    o_minus_e: Given | None = None,
    se: Given | None = None,
    variance: Given | None = None,
    ci: Sequence[Given] | None = None,
    label: Given | tuple[str, ...] | None = None,
    level: float = 0.95,
    log: bool | None = None,
    zero_cells: float | str = 0.5,
    smd_variance: str = "LS",
    rom_corrected: bool = False,
    names: tuple[str, str] = SIDES,
    better: str = "",
) -> Dataset:
    """The effect of every trial in a table, with its sampling variance.

    `measure` is RR OR RD (of `events` and `n`), IRR IRD (of `events` and `time` at risk), MD SMD ROM CVR (of
    `means`, `sds` and `n`), VR (of `sds` and `n`), HR or GIV (any other effect); each of these pairs is the
    experimental arm, then the control arm. Any measure may be given as published instead: `effect` with `se`,
    `variance` or `ci` (an interval of `level`); ratios of hazards or rates also as the log-rank test's
    `o_minus_e` with its `variance`. Ratios count as logarithms with `se` or `variance`, and as printed with
    `ci`, unless `log` says otherwise. Every argument is the name of a column of `data` or the values
    themselves. `label` names the trials; several columns are joined.

    Of single groups `measure` is PR PLN PLO PAS (proportions), IR IRLN IRS (rates over `time`), MN MNLN
    (means), COR ZCOR (correlations `r`), as metafor names the scales on which they are pooled; they take one
    column each. MC, SMCC and SMCR are changes of one group of `n` people, whose `means` and `sds` are pairs,
    after and before, correlated by `r`; SMCC is in SDs of the change, SMCR in SDs before.

    `zero_cells` is added to all cells of a table with an empty one, or is a rule by its name: none, constant,
    treatment_arm, revman (see `trialpool.stats`). `smd_variance` is LS, UB, revman5, or unequal for SDs that
    are not pooled (SMDH); `rom_corrected` takes the bias of small samples out of ratios of means.
    `names` and `better` ("lower", "higher") are what figures say of the arms and of the direction.

    Rows in which something is missing are left out, and a warning names them. Raises ValueError for a column
    that is not there, an argument that is missing or too much, and impossible numbers, by the trial's label.

    >>> dat = effects(measure="RR", events=([4, 6], [11, 29]), n=([123, 306], [139, 303]), label=["A", "B"])
    >>> dat.to_frame()[["estimate", "estimate_low", "estimate_high"]].round(2)
           estimate  estimate_low  estimate_high
    label
    A          0.41          0.13           1.26
    B          0.20          0.09           0.49
    """
    _known(measure, better)
    two_words("names", names)
    stats.effect_sizes.rule_of(zero_cells)
    stats.checks.one_of("smd_variance", smd_variance, SMD_VARIANCES)
    frame = frame_of(data)
    printed = {"effect": effect, "se": se, "variance": variance, "o_minus_e": o_minus_e}
    pairs = {"events": events, "n": n, "mean": means, "sd": sds, "person_years": time, "ci": ci}
    printed |= {"r": r}
    single = [] if MEASURES[measure].compares else ["n"] if measure in CHANGES else [*KINDS[measure]]
    given = {name: value for name, value in {**printed, **pairs}.items() if value is not None}
    _complete(measure, given)
    columns = _numbers(frame, given, single)
    length = max(map(len, columns.values()))
    if data is None:
        frame = pd.DataFrame(index=range(length))
    if len(frame) != length:
        needed = f"needs one for each of the {len(frame)} rows of data"
        raise ValueError(f"{next(iter(columns))} has {length} values: {needed}")
    labels = _labels(frame, label, length)
    kept, left_out = whole_rows({name: np.isnan(values) for name, values in columns.items()}, labels)
    numbers = {name: values[kept] for name, values in columns.items()}
    known = [name for name, keep in zip(labels, kept, strict=True) if keep]
    if o_minus_e is not None:
        found = _of_log_rank(numbers, known)
    elif effect is None:
        options: dict[str, Any] = {"zero_cells": zero_cells} if measure in FILLED else {}
        options |= {"corrected": True} if rom_corrected and measure == "ROM" else {}
        options |= {"variance": smd_variance} if measure == "SMD" else {}
        found = _made(measure, numbers, known, options)
    else:
        found = _published(measure, numbers, known, level, log)
    arms = {name: values for name, values in numbers.items() if name.endswith(SIDES)}
    if ci is not None and level == 0.95 and not log:
        arms |= {f"printed_{end}": numbers[f"ci_{end}"] for end in ("low", "high")}
    return Dataset(measure, *found, tuple(known), frame[kept], arms, names, better, left_out, zero_cells)


def frame_of(data: Any) -> pd.DataFrame:
    """Any table as a pandas frame; None is a frame without columns.

    Raises TypeError for what is no table.
    """
    if isinstance(data, pd.DataFrame):
        return data
    if data is None or isinstance(data, Mapping):
        return pd.DataFrame(data)
    with suppress(TypeError):
        return pd.DataFrame(narwhals.from_native(data, eager_only=True).to_dict(as_series=False))
    if hasattr(data, "__dataframe__"):
        return pd.api.interchange.from_dataframe(data)
    raise TypeError(f"data is a {type(data).__name__}: give a data frame, a mapping of columns, or arrays")


def _known(measure: str, better: str) -> None:
    if measure not in MEASURES:
        raise ValueError(f"measure is {measure!r}: {suggestion(str(measure), MEASURES)}")
    stats.checks.one_of("better", better, ("", "lower", "higher"))


def two_words(name: str, given: Any) -> None:
    """Refuse what does not name two sides."""
    if (
        not isinstance(given, tuple | list)
        or len(given) != 2
        or not all(isinstance(one, str) for one in given)
    ):
        raise ValueError(f"{name} is {given!r}: needs two words, such as {name}=('one', 'other')")


def _complete(measure: str, given: Mapping[str, Any]) -> None:
    """Refuse what is not one whole description of the effects."""
    arms = set(KINDS.get(measure, ()))
    spreads = [name for name in ("se", "variance", "ci") if name in given]
    if "effect" in given and len(spreads) == 1 and "o_minus_e" not in given:
        return
    if arms and given.keys() in (arms, arms | {"n"}):
        return
    if MEASURES[measure].of is Of.TIMES and given.keys() == {"o_minus_e", "variance"}:
        return
    wanted = f"{text.listing(sorted(ARGUMENTS.get(name, name) for name in arms))}; or " if arms else ""
    had = text.listing(ARGUMENTS.get(name, name) for name in given) or "nothing"
    raise ValueError(f"measure {measure} needs {wanted}effect with one of se, variance and ci: here is {had}")


def _numbers(frame: pd.DataFrame, given: Mapping[str, Any], single: Sequence[str] = ()) -> dict[str, Floats]:
    """The columns of numbers by the names of the contract, missing ones NaN; one for a `single` one."""
    columns: dict[str, Floats] = {}
    for name, value in given.items():
        if name in ("effect", "se", "variance", "o_minus_e", "r"):
            columns[name] = floats(name, column(frame, name, value))
            continue
        if name in single:
            columns[f"{name}_experimental"] = floats(name, column(frame, name, value))
            continue
        if isinstance(value, str) or len(value) != 2:
            raise ValueError(f"{name}: needs two columns, such as {name}=('one', 'other')")
        for end, each in zip(("low", "high") if name == "ci" else SIDES, value, strict=True):
            columns[f"{name}_{end}"] = floats(name, column(frame, name, each))
    same_length(columns)
    return columns


def same_length(columns: Mapping[str, Sequence[Any] | Floats]) -> None:
    """Refuse columns, by the names of their arguments, that differ in length."""
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {', '.join(f'{n} {k}' for n, k in lengths.items())}")


def column(frame: pd.DataFrame, name: str, given: Any) -> pd.Series:
    """A column of a frame by its name, or the values themselves; `name` is that of the argument."""
    if isinstance(given, pd.Series):
        return given.reset_index(drop=True)
    if not isinstance(given, str):  # beside text numpy would make a gap in a list the word "nan"
        values = np.asarray(given, dtype=object if isinstance(given, list | tuple) else None)
        if values.ndim > 1:
            raise ValueError(f"{name} has shape {values.shape}: needs one value a row")
        return pd.Series(values).infer_objects()
    if given not in frame:
        raise ValueError(f"{name}: the table has no column {given!r}: {suggestion(given, map(str, frame))}")
    return frame[given]


def unknown(values: pd.Series) -> NDArray[np.bool_]:
    """Where a column has no value: a gap, or a word without a letter.

    >>> unknown(pd.Series(["a", None, "", " "])).tolist()
    [False, True, True, True]
    """
    blank = [isinstance(value, str) and not value.strip() for value in values]
    return np.asarray(values.isna().to_numpy() | np.array(blank, dtype=bool))


def floats(name: str, values: pd.Series) -> Floats:
    """Numbers, missing ones NaN; a ValueError for what is none."""
    numbers = pd.to_numeric(values, errors="coerce")
    words = values[numbers.isna() & ~unknown(values)]
    if len(words):
        raise ValueError(f"{name}: {str(words.iloc[0])!r} is not a number; leave what is unknown empty")
    return np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan))


def _labels(frame: pd.DataFrame, label: Any, length: int) -> list[str]:
    """A name for every row: as given, else the index of the table, else by number."""
    if label is None:
        own = not isinstance(frame.index, pd.RangeIndex)
        return [str(name) if own else f"Trial {at + 1}" for at, name in enumerate(frame.index)]
    joined = isinstance(label, tuple) and all(isinstance(each, str) and each in frame for each in label)
    columns = [column(frame, "label", each) for each in (label if joined else (label,))]
    if len(columns[0]) != length:
        raise ValueError(f"label has {len(columns[0])} values: needs one for each of the {length} trials")
    rows = enumerate(zip(*columns, strict=True), 1)
    return [f"Trial {at}" if pd.isna(list(row)).any() else " ".join(map(str, row)) for at, row in rows]


def whole_rows(
    unknown: Mapping[str, NDArray[np.bool_]], labels: Sequence[str], of: str = "trials"
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Which rows, trials or arms, are whole, and of the others what is missing, which a warning tells."""
    kept = ~np.any(list(unknown.values()), axis=0)
    left_out = tuple(
        f"{labels[int(row)]} ({', '.join(name for name, gaps in unknown.items() if gaps[row])} missing)"
        for row in np.flatnonzero(~kept)
    )
    if left_out:
        few, more = left_out[:MOST_NAMED], len(left_out) - MOST_NAMED
        told = f"{len(left_out)} of {len(labels)} {of} left out: {'; '.join(few)}"
        warnings.warn(f"{told}{f'; and {more} more' if more > 0 else ''}", stacklevel=3)
    if not kept.any():
        raise ValueError("no trial is whole: of each something is missing")
    return kept, left_out


def _made(
    measure: str, numbers: Mapping[str, Floats], labels: Sequence[str], options: Mapping[str, Any]
) -> tuple[Floats, Floats]:
    """Effects and variances from the arms."""
    kinds = KINDS[measure]
    names = [f"{kind}_{side}" for side in SIDES for kind in kinds]
    names = [name for name in names if name in numbers] + ["r"] * ("r" in numbers)
    arguments = [numbers[name] for name in names]
    make = MAKERS[measure]
    try:
        found = make(*arguments, **options)
    except ValueError as problem:
        for label, *row in zip(labels, *arguments, strict=True):
            try:
                make(*row, **options)
            except ValueError as own:
                raise ValueError(f"{label}: {own}") from None
        raise problem from None
    return found.effect, found.variance


def _of_log_rank(numbers: Mapping[str, Floats], labels: Sequence[str]) -> tuple[Floats, Floats]:
    """Log ratios (O - E)/V with variance 1/V (Yusuf et al. 1985)."""
    excess, spread = numbers["o_minus_e"], numbers["variance"]
    for at in np.flatnonzero(~(spread > 0)):
        raise ValueError(f"{labels[int(at)]}: variance is {spread[at]:g}, must be above 0")
    return excess / spread, 1 / spread


def _published(
    measure: str, numbers: Mapping[str, Floats], labels: Sequence[str], level: float, log: bool | None
) -> tuple[Floats, Floats]:
    """Effects and variances from what was printed."""
    for name, values in numbers.items():
        for at in np.flatnonzero(~np.isfinite(values)):
            raise ValueError(f"{labels[int(at)]}: {name} is {values[at]:g}, must be a finite number")
    logs = "ci_low" not in numbers if log is None else log
    scaled = dict(numbers)
    if MEASURES[measure].ratio and not logs:
        for name in [name for name in ("effect", "ci_low", "ci_high") if name in scaled]:
            for at in np.flatnonzero(scaled[name] <= 0):
                problem = "a ratio is above 0: say log=True if these are logarithms"
                raise ValueError(f"{labels[int(at)]}: {name} is {scaled[name][at]:g}: {problem}")
            scaled[name] = np.log(scaled[name])
    effect = scaled["effect"]
    for spread in scaled.keys() & {"se", "variance"}:
        for at in np.flatnonzero(scaled[spread] <= 0):
            raise ValueError(f"{labels[int(at)]}: {spread} is {scaled[spread][at]:g}, must be above 0")
        return effect, scaled[spread] ** (2 if spread == "se" else 1)
    low, high = scaled["ci_low"], scaled["ci_high"]
    for at in np.flatnonzero((effect < low) | (effect > high)):
        middle, *bounds = (f"{numbers[name][at]:g}" for name in ("effect", "ci_low", "ci_high"))
        raise ValueError(
            f"{labels[int(at)]}: effect {middle} lies outside its interval, {' to '.join(bounds)}"
        )
    for at in np.flatnonzero(low == high):
        printed = f"ci is {numbers['ci_low'][at]:g} to {numbers['ci_high'][at]:g}"
        raise ValueError(f"{labels[int(at)]}: {printed}, which has no width; give more digits, or se")
    return effect, stats.se_from_ci(low, high, level=level) ** 2


def appraised(
    data: Dataset, record: Record, title: str = "", favours: tuple[str, str] | None = None
) -> Appraised:
    """A record that says of its question what is known of it."""
    sides = favours or ((record.direction.left, record.direction.right) if data.better else ("", ""))
    known: dict[str, Any] = {"title": title, "timepoint": "", "condition": ()}
    known["direction"] = Direction(left=sides[0], right=sides[1])
    known["comparison"] = record.comparison if data.names != SIDES else ""
    if data.natural.group:
        known |= {"experimental_name": data.names[0] if data.names != SIDES else "", "control_name": ""}
        known |= {"comparison": known["experimental_name"], "direction": record.direction}
    return taken(Appraised, record, **known)
