"""A record of `trialpool.stats` in; numbers on the natural scale, a line and a labelled table of it out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialpool import stats, text
from trialpool.api.data import Dataset, column, floats, frame_of, unknown
from trialpool.errors import nearest
from trialpool.measures import MEASURES
from trialpool.records import Moderator, Record, Study, sketch
from trialpool.synthesis.pool import BOUNDS, NATURAL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINE = ("se", "statistic", "p_value", "ci_low", "ci_high")
ON_SCALE = NATURAL | {"mean", "median", "conditional_mean", "conditional_low", "conditional_high"}
ON_SCALE |= {"shrunk_mean", "shrunk_low", "shrunk_high"}


def natural(measure: str, fit: Any, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The fields of a record of `stats` by name, ratios no longer as logarithms; numbers are Python's own."""
    found, known = {}, MEASURES.get(measure)  # of no measure are absolute effects
    for name in names or [each.name for each in fields(fit)]:
        value = getattr(fit, name)
        if known and known.ratio and name in ON_SCALE:
            value = np.exp(value)
        elif known and known.scale and name in ON_SCALE:
            with np.errstate(invalid="ignore"):  # NaN where there is none
                value = np.vectorize(known.natural)(value)
        found[name] = value.item() if isinstance(value, np.generic) else value
    return found


def table(measure: str, fit: Any, labels: Sequence[Any], names: Sequence[str], index: str) -> pd.DataFrame:
    """Some fields of a record, each (rows,), as columns on the natural scale."""
    columns = natural(measure, fit, names)
    return pd.DataFrame(columns, index=pd.Index(list(labels), name=index))


def effect_words(measure: str, estimate: float, low: float, high: float) -> str:
    """An estimate with its interval, as a line prints it."""
    shown = text.format_values(measure, [estimate, low, high])
    return f"{measure} {shown[0]} ({shown[1]} to {shown[2]})"


@dataclass(frozen=True, eq=False)
class Result:
    """An answer: printed it is a line, `to_frame` its table; numbers are attributes on the natural scale.

    `analysis_scale` is the record of `trialpool.stats` with all it holds, ratios as logarithms.
    """

    measure: str
    said: str
    frame: pd.DataFrame
    analysis_scale: Any

    def __str__(self) -> str:
        return self.said

    def __repr__(self) -> str:
        return self.said

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "analysis_scale" or not hasattr(self.analysis_scale, name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return natural(self.measure, self.analysis_scale, [name])[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(each.name for each in fields(self.analysis_scale))]

    def to_frame(self) -> pd.DataFrame:
        """The answer as a labelled table."""
        return self.frame

    def _repr_html_(self) -> str:
        return f"<p>{text.clean(self.said).replace('<', '&lt;')}</p>{self.frame.to_html()}"


def one_row(measure: str, name: str, said: str, fit: Any) -> Result:
    """A result whose table is one row: the fields of the record that are one number or word."""
    cautions = [said, getattr(fit, "caution", "")]
    words = getattr(fit, "refused", "") or "; ".join(filter(None, cautions))
    known = natural(measure, fit)
    order = sorted(known, key=lambda key: BOUNDS.index(key) if key in BOUNDS else len(BOUNDS))
    row = {key: known[key] for key in order if isinstance(known[key], str | int | float) and known[key] != ""}
    return Result(measure, f"{name}: {words}", pd.DataFrame(row, index=pd.Index([name], name="method")), fit)


@dataclass(frozen=True, eq=False, repr=False)
class Regression(Result):
    """A meta-regression: a row a coefficient, on the analysis scale; of ratios also as factors (`estimate`).

    `analysis_scale` is the `MetaRegression` of `trialpool.stats`: `tau2 i2 r2 qe qm qm_p_value` …
    """

    data: Dataset
    matrix: Any  # the model matrix of formulaic, with its specification
    model: Mapping[str, Any]
    record: Record

    def predict(self, trials: Any) -> pd.DataFrame:
        """The expected effect at the moderators of some rows, with both intervals, on the natural scale.

        Raises ValueError for a column that is missing or has gaps, and for a category that no trial is of.
        """
        frame = frame_of(trials)
        rows = self.matrix.model_spec.get_model_matrix(self._moderators(frame)).iloc[:, 1:]
        fit = stats.predict(self.analysis_scale, rows.to_numpy(float), level=self.model["level"])
        names = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
        return table(self.measure, fit, frame.index, names, str(frame.index.name or "row"))

    def _moderators(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns that the formula names, of the kind and the categories of the trials."""
        spec, columns = self.matrix.model_spec, {}
        seen = {
            re.sub(r"^C\(\s*|[,)].*$|`", "", factor).strip(): state["categories"]
            for factor, (_, state) in spec.encoder_state.items()
            if "categories" in state
        }
        for name in sorted(spec.required_variables):
            values = column(frame, "trials", name)
            for row in values.index[unknown(values)]:
                raise ValueError(f"{name}: row {row} is empty; every moderator needs a value")
            if name in seen:
                for word in values[~values.isin(seen[name])]:
                    raise ValueError(f"{name}: {word!r} is none of {', '.join(map(str, seen[name]))}")
            elif pd.api.types.is_numeric_dtype(self.data.frame[name]):
                values = pd.Series(floats(name, values), values.index)
            columns[name] = values
        return pd.DataFrame(columns)

    def _numbers_of(self, terms: Sequence[str]) -> tuple[list[int], str]:
        """The coefficients of some terms of the formula, the intercept being 0, and what to call them."""
        places = {str(term): list(range(*part.indices(len(self.frame)))) for term, part in self._slices}
        known = {name: numbers for name, numbers in places.items() if numbers != [0]}
        for term in terms:
            if term not in known:
                raise ValueError(f"terms: {term!r} is no term of the formula, which has {', '.join(known)}")
        chosen = list(terms) or list(known)
        return [number for term in chosen for number in known[term]], ", ".join(chosen)

    @property
    def _slices(self) -> Any:
        return self.matrix.model_spec.term_slices.items()

    def test(self, *terms: str) -> Result:
        """Some terms of the formula tested together (all, if none is named): χ² or, of HKSJ, F."""
        numbers, names = self._numbers_of(terms)
        fit = stats.wald_test(self.analysis_scale, numbers)
        letter, df = ("Q", f"{fit.df:g}") if np.isinf(fit.df2) else ("F", f"{fit.df:g} and {fit.df2:g}")
        said = f"{letter} = {text.number(fit.statistic)} on {df} df, {text.p_value(fit.p_value)}"
        return one_row("", f"Wald test of {names}", said, fit)

    def likelihood_ratio(self, *terms: str) -> Result:
        """The model compared with that without some terms (without any, if none is named), both by ML."""
        numbers, names = self._numbers_of(terms)
        fit = stats.likelihood_ratio(self.data.effects, self.data.variances, self._design, numbers)
        said = f"χ² = {text.number(fit.statistic)} on {fit.df:g} df, {text.p_value(fit.p_value)}"
        return one_row("", f"Likelihood-ratio test of {names}", said, fit)

    def robust(self, cluster: Any = None, *, terms: Sequence[str] = ()) -> Result:
        """The coefficients with cluster-robust (CR2) errors, and `terms` tested together (HTZ; all if none).

        `cluster` is a column of what belongs together; by default every trial stands for itself.
        """
        numbers, names = self._numbers_of(terms)
        labels = None if cluster is None else self.data.column("cluster", cluster).tolist()
        kind: Any = {name: self.model[name] for name in ("tau2_method", "level")} | {"terms": numbers}
        fit = stats.robust_regression(self.data.effects, self.data.variances, self._design, labels, **kind)
        columns = {"coefficient": "coefficients"} | {name: f"robust_{name}" for name in (*LINE, "df")}
        frame = pd.DataFrame({name: getattr(fit, of) for name, of in columns.items()}, self.frame.index)
        test = fit.omnibus
        df = f"{test.df:g} and {test.df2:.1f}"
        said = f"F = {text.number(test.statistic)} on {df} df, {text.p_value(test.p_value)}"
        if np.isnan(test.statistic):
            said = f"no test of them together, with {fit.clusters} clusters"
        words = "; ".join(filter(None, (f"Robust (CR2) test of {names}: {said}", fit.caution)))
        return Result("", words, frame, fit)

    def kenward_roger(self) -> Result:
        """The coefficients, and all moderators together, by Kenward and Roger (1997), τ² by REML."""
        data = self.data.effects, self.data.variances, self._design
        fit = stats.kenward_roger(*data, level=self.model["level"])
        columns = {"coefficient": "coefficients"} | {name: name for name in (*LINE, "df")}
        frame = pd.DataFrame({name: getattr(fit, of) for name, of in columns.items()}, self.frame.index)
        test = fit.omnibus
        df = f"{test.df:g} and {test.df2:.1f}"
        said = f"F = {text.number(test.statistic)} on {df} df, {text.p_value(test.p_value)}"
        return Result("", f"Kenward–Roger test of all moderators: {said}", frame, fit)

    def vif(self) -> pd.DataFrame:
        """Variance inflation factors of the terms; of several columns the generalised one (Fox & Monette).

        `gsif` = GVIF^(1/(2·columns)) compares terms: how many times wider an interval is for the others.
        """
        names = [str(term) for term, _ in self._slices if str(term) != "1"]
        groups = [self._numbers_of([name])[0] for name in names]
        found = stats.vif(self.analysis_scale, groups)
        columns = {"columns": list(map(len, groups)), "vif": found}
        frame = pd.DataFrame(columns, pd.Index(names, name="term"))
        return frame.assign(gsif=frame["vif"] ** (1 / (2 * frame["columns"])))

    def permutation_test(self, *, draws: int = 1000, seed: int = 1) -> Result:
        """The coefficients, and all moderators together, tested by exchanging them among the trials."""
        kind: Any = {name: self.model[name] for name in ("tau2_method", "interval")}
        kind |= {"draws": draws, "seed": seed}
        fit = stats.permutation_test(self.data.effects, self.data.variances, self._design, **kind)
        frame = pd.DataFrame({"p_value": fit.p_value}, index=self.frame.index)
        said = f"all moderators {text.p_value(fit.qm_p_value)} of {fit.count:,} permutations"
        return Result(self.measure, f"Permutation test: {said}", frame, fit)

    @property
    def _design(self) -> Any:
        return self.matrix.iloc[:, 1:].to_numpy(float)

    def bubble(self, path: Any = None, *, title: str = "") -> Figure:
        """The trials over one number, with the fitted line and its band."""
        from trialpool.api.drawings import shown

        if self._design.shape[1] != 1:
            raise ValueError("a bubble plot has one moderator, which is a number")
        values, fit = self._design[:, 0].tolist(), self.analysis_scale
        name = re.sub(r"\W+", "_", str(self.frame.index[1])).strip("_")
        slope = zip(
            ("slope", "slope_low", "slope_high"), (fit.coefficients, fit.ci_low, fit.ci_high), strict=True
        )
        known: dict[str, Any] = {of: float(numbers[1]) for of, numbers in slope}
        known |= {"moderator": name, "kind": "number", "k": len(values), "p_value": float(fit.qm_p_value)}
        row = sketch(Moderator, known | {key: self.model[key] for key in ("tau2_method", "interval")})
        kind = type("Study", (Study,), {"__annotations__": {name: float}})
        pairs = zip(self.record.studies, values, strict=True)
        studies = tuple(kind(**vars(study), **{name: value}) for study, value in pairs)
        drawn = replace(self.record, studies=studies, moderators=(row,))
        return shown("moderators", self.data, drawn, path, title)


def regression(data: Dataset, formula: str, model: Mapping[str, Any], record: Record) -> Regression:
    """The meta-regression of trials on a `formula` of their columns; `record` is of their fit without it."""
    matrix = model_matrix(data, formula)
    names = list(matrix.columns)
    if names[:1] == ["Intercept"] and (same := _constant(data, formula)):
        raise ValueError(f"formula {formula!r}: all trials have the same {text.listing(same)}")
    if names[:1] != ["Intercept"] or len(names) < 2:
        raise ValueError(f"formula {formula!r}: needs a moderator beside the intercept, which stays")
    fit = stats.meta_regression(data.effects, data.variances, matrix.iloc[:, 1:].to_numpy(float), **model)
    columns = {"coefficient": "coefficients"} | {name: name for name in LINE}
    frame = pd.DataFrame({name: getattr(fit, of) for name, of in columns.items()})
    if data.natural.ratio:
        factors = {"estimate": "coefficient", "estimate_low": "ci_low", "estimate_high": "ci_high"}
        frame = frame.assign(**{name: np.exp(frame[of]) for name, of in factors.items()})
    frame.index = pd.Index(names, name="term")
    df = f"{fit.qm_df:g}" if np.isinf(fit.df) else f"{fit.qm_df:g} and {fit.df:g}"
    test = f"{'Q' if np.isinf(fit.df) else 'F'} = {text.number(fit.qm)} on {df} df"
    test += f", {text.p_value(float(fit.qm_p_value))}"
    left = f"residual τ² {text.significant(float(fit.tau2))}, I² {text.percent(float(fit.i2) / 100)}"
    said = (
        f"{formula}, {text.count(len(data), 'trial')}: {test}; {left}, R² {text.percent(float(fit.r2) / 100)}"
    )
    return Regression(data.measure, said, frame, fit, data, matrix, model, record)


def _constant(data: Dataset, formula: str) -> list[str]:
    """The columns of a formula that are the same in all trials."""
    from formulaic import Formula

    named = sorted({*map(str, Formula(formula).required_variables)} & {*map(str, data.frame)})
    return [name for name in named if data.frame[name].nunique(dropna=False) < 2]


def model_matrix(data: Dataset, formula: str) -> Any:
    """The model matrix of a formula, without trials of which a column is unknown; its index are positions.

    ValueError where it names what is no column, or is none.
    """
    from formulaic import Formula, ModelMatrix
    from formulaic.errors import FormulaicError

    if "~" in str(formula).strip()[1:]:
        raise ValueError(f"formula {formula!r}: what is explained is known; write what follows ~ alone")
    known = [str(name) for name in data.frame]
    problem = "it cannot be worked out; write columns joined by +, of words as C(group)"
    try:
        read = Formula(formula)
        names = [*map(str, read.required_variables)]
        if absent := sorted({*names} - {*known}):
            near = nearest(absent[0], known)
            problem = f"no column is called {absent[0]!r}{f', did you mean {near!r}' * bool(near)}"
        frame = data.frame.reset_index(drop=True)
        gaps = [unknown(frame[name]) for name in names if name in frame]
        frame = frame[~np.any([np.zeros(len(frame), dtype=bool), *gaps], axis=0)]
        frame = frame.assign(**{name: _moderator(name, frame[name]) for name in names if name in frame})
        found = read.get_model_matrix(frame, na_action="drop")
    except FormulaicError:
        found = None
    if not isinstance(found, ModelMatrix):
        raise ValueError(f"formula {formula!r}: {problem}; the columns are {', '.join(known)}")
    return found


def _moderator(name: str, values: pd.Series) -> pd.Series:
    """A column as formulaic tells numbers from words, of groups those that there are."""
    if values.dtype.kind in "mM":
        raise ValueError(f"{name}: a date is no moderator; give a number, such as the year")
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.remove_unused_categories()
    return (values.astype(object) if isinstance(values.dtype, pd.StringDtype) else values).infer_objects()


def unknown_of(data: Dataset, *formulas: str) -> dict[str, NDArray[np.bool_]]:
    """Of every formula the trials (k,) of which it is unknown: such have no group, not the first one."""
    rows = np.arange(len(data))
    return {formula: ~np.isin(rows, model_matrix(data, formula).index) for formula in formulas}
