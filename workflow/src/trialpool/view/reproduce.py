"""A record in; out a script in R or Python that computes its numbers again, and what R said of them.

A script holds the trials as the record has them: their arms where a measure of metafor makes the effect and
variance of them, else effect and variance. No number in it is any that the record does not hold.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from trialpool import stats, text
from trialpool.measures import MEASURES, SIDES, Measure
from trialpool.priors import literature_of
from trialpool.records import Methods, Pooled, Record, Status, Study
from trialpool.stats.effect_sizes import Effects
from trialpool.synthesis import counts
from trialpool.synthesis.pool import BAYES, BESIDE, FLOORED, NATURAL, RHO, THREE_LEVELS, shared_correlation

LANGUAGES = ("r", "python")
SCRIPT = "reproduce.R"  # beside the record of an analysis
AGREE = 1e-6  # relative: the same to the digits that anybody prints. Of most numbers it is 1e-9
COARSE = {"glmm": 1e-3, "cr2": 1e-5}  # what optimisers of R give that stop earlier
SAME = 1e-8  # relative: the effect of the arms is the effect of the record, which has ten digits

# What escalc calls the numbers of arms, and their fields in a record.
MEANS = dict(
    zip(
        ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"),
        (f"{name}_{side}" for side in SIDES for name in ("mean", "sd", "n")),
        strict=True,
    )
)
EVENTS = {"ai": "events_experimental", "n1i": "n_experimental", "ci": "events_control", "n2i": "n_control"}
TIMES = {"x1i": "events_experimental", "t1i": "person_years_experimental"}
TIMES |= {"x2i": "events_control", "t2i": "person_years_control"}
SPREADS = {name: field for name, field in MEANS.items() if name[0] != "m"}
MADE: Mapping[str, tuple[Mapping[str, str], Callable[..., Effects]]] = {
    "MD": (MEANS, stats.mean_difference),
    "SMD": (MEANS, stats.standardized_mean_difference),
    "ROM": (MEANS, stats.ratio_of_means),
    "CVR": (MEANS, stats.log_cv_ratio),
    "VR": (SPREADS, stats.log_variability_ratio),
    "RR": (EVENTS, stats.risk_ratio),
    "OR": (EVENTS, stats.odds_ratio),
    "RD": (EVENTS, stats.risk_difference),
    "IRR": (TIMES, stats.rate_ratio),
    "IRD": (TIMES, stats.rate_difference),
}
ARGUMENTS = {"mean": "means", "sd": "sds", "events": "events", "n": "n", "person_years": "time"}  # of Python
COUNTED = {"mh": "rma.mh", "peto": "rma.peto", "glmm": "rma.glmm"}  # methods of counts that metafor has
TESTS = {"wald": "z", "hksj": "knha", FLOORED: "adhoc"}
ESTIMATORS = (
    "FE",
    "DL",
    "HE",
    "HS",
    "SJ",
    "ML",
    "REML",
    "EB",
    "PM",
)  # of τ², that metafor has by these names
BACK = {"log": "exp", "logit": "plogis", "arcsine": "transf.iarcsin", "root": "transf.isqrt", "z": "tanh"}
HEADLINE = {"estimate": "{0}$beta[[1]]", "ci_low": "{0}$ci.lb", "ci_high": "{0}$ci.ub"}
TESTED = {"se": "{0}$se", "statistic": "{0}$zval", "p_value": "{0}$pval"}
SPREAD = {"tau2": "{0}$tau2", "tau2_low": "spread[[2]]", "tau2_high": "spread[[3]]"}
HETEROGENEITY = {"i2": "{0}$I2", "q": "{0}$QE", "q_p_value": "{0}$QEp"}
BY_HALF = {"pi_low": "{0}$beta[[1]] - half", "pi_high": "{0}$beta[[1]] + half"}
PREDICTED = {"pi_low": "new$pi.lb", "pi_high": "new$pi.ub"}
NO_DIFFERENCE = "no difference in ten digits"
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
Numbers = dict[str, str]  # of a record by their names, each as an expression of R
Row = Mapping[str, Any]


def script_of(record: Record, language: str = "r") -> str:
    """A script that computes the pooled numbers of a record again; "" where the language has no method.

    The one in R asks metafor, and prints them by the names of the record; a posterior, which metafor does not
    have, is a sum in it. The one in Python asks this library.
    """
    if record.status is not Status.POOLED or record.pooled is None:
        return ""
    if language == "r":
        plan = _plan(record, record.pooled)
        return _template("reproduce_r").render(**_trials_in_r(record, plan), **vars(plan)) if plan else ""
    return _in_python(record, record.pooled)


def has_metafor(record: Record) -> bool:
    """Whether `script_of` has a script in R, sooner than by its text."""
    pooled = record.pooled if record.status is Status.POOLED else None
    return pooled is not None and _plan(record, pooled) is not None


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    strict: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    loader = PackageLoader("trialpool", "schemas")
    return Environment(loader=loader, keep_trailing_newline=True, **strict).get_template(f"{name}.j2")


def read_templates() -> None:
    """Compile the templates of both languages, so that who forks from here need not."""
    for language in LANGUAGES:
        _template(f"reproduce_{language}")


@dataclass(frozen=True)
class Plan:
    """What a script in R asks: the models, and every number of the record as an expression of them."""

    model: str
    numbers: Sequence[Numbers]
    fits: Sequence[tuple[str, str, str]] = ()  # of rma: name, estimator of τ², test
    spread: str = ""  # the fit whose τ² gets an interval
    new: str = ""  # the fit of which a new trial is predicted
    counted: str | None = None
    rho: str = ""


def _plan(record: Record, pooled: Pooled) -> Plan | None:
    """The models of a record in metafor; None where it has none."""
    method = counts.method_of({"method": record.methods.method})
    if pooled.interval == THREE_LEVELS["interval"]:
        return Plan(THREE_LEVELS["interval"], _of_three_levels(record, pooled), rho=_rho(record))
    if method == counts.IV:
        known = pooled.interval in (BAYES, *TESTS) and record.methods.tau2_method in ESTIMATORS
        return _of_variances(record, pooled) if known else None
    own = method in COUNTED and not (method == "peto" and record.measure != "OR")
    own = own and MEASURES[record.measure].compares  # the counts of one group are not written out
    approximate = record.methods.glmm_model == "UM.RS"  # by Laplace in rma.glmm, by an integral here
    if not own or approximate or isinstance(record.methods.zero_cells, str):
        return None
    if counts.tables_of(record.measure, record.studies) is None:
        return None
    numbers = [HEADLINE, TESTED, {"tau2": "{0}$tau2"} if method == "glmm" else HETEROGENEITY]
    return Plan(method, _expressions(record, pooled, numbers, "fit"), counted=COUNTED[method])


def _of_variances(record: Record, pooled: Pooled) -> Plan:
    """Inverse variance: the headline, and the models beside it, each once."""
    methods = record.methods
    random = "REML" if methods.tau2_method == "FE" else methods.tau2_method
    fits = {(random, "adhoc"): "random", ("FE", "z"): "common"}
    numbers: list[Numbers] = []
    if pooled.interval == BAYES:
        headline, predicted = _of_posterior(methods, ("estimate", "ci_low", "ci_high")), _predictive(methods)
        numbers += _expressions(record, pooled, [headline, predicted], "")
        name = "common" if methods.tau2_method == "FE" else "random"
    else:
        name = fits.setdefault((methods.tau2_method, TESTS[pooled.interval]), "fit")
        predicted = {"k-1": PREDICTED, "k-2": BY_HALF}.get(methods.prediction_df, {})  # metafor has no other
        numbers += _expressions(record, pooled, [HEADLINE, TESTED, predicted], name)
    numbers += _expressions(record, pooled, [SPREAD, HETEROGENEITY], name)
    for fit in ("random", "common"):
        beside = dict(zip(BESIDE[fit], HEADLINE.values(), strict=True))
        numbers += _expressions(record, pooled, [beside], fit)
    numbers += _expressions(record, pooled, [_of_posterior(methods, BESIDE[BAYES])], "")
    ordered = [(name, *key) for key, name in fits.items()]
    predicts = pooled.interval != BAYES and pooled.pi_low is not None
    predicts &= methods.prediction_df in ("k-1", "k-2")
    return Plan("iv", numbers, ordered, "random", name if predicts else "")


def _of_posterior(methods: Methods, names: Sequence[str]) -> Numbers:
    """Median and bounds of the mean effect."""
    return {name: f"posterior({p})" for name, p in zip(names, ("0.5", *_tails(methods)), strict=True)}


def _predictive(methods: Methods) -> Numbers:
    new = (f"posterior({p}, sqrt(1 / total + tau^2))" for p in _tails(methods))
    return dict(zip(PREDICTED, new, strict=True))


def _tails(methods: Methods) -> tuple[str, str]:
    return f"{(1 - methods.level) / 2:.6g}", f"{(1 + methods.level) / 2:.6g}"


def _of_three_levels(record: Record, pooled: Pooled) -> list[Numbers]:
    own = {"tau2": "tau2", "q": "model$QE", "q_p_value": "model$QEp"}
    return _expressions(record, pooled, [HEADLINE, TESTED, BY_HALF, own], "fit")


def _rho(record: Record) -> str:
    """The correlation of the sampling errors of a trial's effects that the record's model has."""
    if record.methods.several_effects == "multilevel":
        return _number(RHO)
    spec = {"measure": record.measure, "zero_cells": record.methods.zero_cells or 0.5}
    return _number(shared_correlation(spec, record.studies))


def _expressions(record: Record, pooled: Pooled, groups: Iterable[Numbers], fit: str) -> list[Numbers]:
    """Those numbers of some groups that the record has, on its scale, of a fit by this name."""
    measure, found = MEASURES[record.measure], []
    back = "exp" if measure.ratio else BACK.get(measure.scale, "")
    for group in groups:
        own = {name: each.format(fit) for name, each in group.items() if getattr(pooled, name) is not None}
        if own:
            scaled = {name: _natural(measure, back, each) for name, each in own.items() if name in NATURAL}
            found.append(own | scaled)
    return found


def _natural(measure: Measure, back: str, number: str) -> str:
    """An expression of R on the natural scale, kept within what is possible."""
    shown = f"{back}({number})" if back else number
    if measure.group and measure.scale in ("", "log"):
        low, high = measure.possible
        shown = f"min({shown}, {high:g})" if math.isfinite(high) else shown
        shown = f"max({shown}, {low:g})" if math.isfinite(low) else shown
    return shown


# the trials


def _number(value: float) -> str:
    """A number in the fewest digits that mean it."""
    short = f"{value:.10g}"
    return short if float(short) == value else repr(float(value))


def _by_arms(measure: str, studies: Sequence[Study]) -> list[bool]:
    """Of each trial whether metafor's measure of its arms is the effect and variance of the record."""
    if measure not in MADE:
        return [False] * len(studies)
    columns, make = MADE[measure]
    cells = [[getattr(study, field) for study in studies] for field in columns.values()]
    try:
        found = make(*np.array(cells, float))  # what is not known is NaN, which it refuses
    except ValueError:  # of some trial
        return [len(studies) > 1 and _by_arms(measure, [study])[0] for study in studies]
    own = zip(found.effect.tolist(), found.variance.tolist(), studies, strict=True)
    return [
        math.isclose(effect, study.effect, rel_tol=SAME, abs_tol=SAME * math.sqrt(study.variance))
        and math.isclose(variance, study.variance, rel_tol=SAME)
        for effect, variance, study in own
    ]


def _trials_in_r(record: Record, plan: Plan) -> Row:
    """The trials as a table that R reads, and what the template says besides."""
    arms = MADE[record.measure][0] if record.measure in MADE else {}
    made = [True] * len(record.studies) if plan.counted else _by_arms(record.measure, record.studies)
    columns = {**(arms if any(made) else {}), **({} if all(made) else {"yi": "effect", "vi": "variance"})}
    rows, names, nested = [["trial", *columns]], _clusters(record), plan.model == THREE_LEVELS["interval"]
    for study, own in zip(record.studies, made, strict=True):
        used = {*arms} if own else {"yi", "vi"}
        cells = (getattr(study, field) if name in used else None for name, field in columns.items())
        known = ("NA" if value is None else _number(value) for value in cells)
        rows.append([_quoted(names[study.study_id] if nested else study.label or study.study_id), *known])
    methods, pooled = record.methods, record.pooled
    bayes = pooled is not None and pooled.bayes_estimate is not None and plan.model == "iv"
    return {
        "title": text.clean(record.title),
        "measure": record.measure,
        "lines": _aligned(rows),
        "columns": ", ".join(f"{name} = {name}" for name in columns if name in arms),
        "some_printed": not all(made),
        "level": "" if methods.level == 0.95 else f", level = {100 * methods.level:g}",
        "options": _options(plan.model, methods),
        "glmm": methods.glmm_model,
        "paule": methods.tau2_method == "PM",
        "scale": _number(pooled.prior_scale) if pooled and bayes and pooled.prior_scale else "",
        "prior": literature_of(methods.prior) if bayes else None,
        "higgins": methods.prediction_df == "k-2",
        "tail": _tails(methods)[1],
        "bayes": bool(pooled and pooled.interval == BAYES),
        "groups": [", ".join(f"{name} = {each}" for name, each in group.items()) for group in plan.numbers],
    }


def _clusters(record: Record) -> Mapping[str, str]:
    """What tells the trials of a record apart: their labels, or their ids where two have the same."""
    labels = {study.study_id: study.label for study in record.studies}
    return labels if len(set(labels.values())) == len(labels) else {name: name for name in labels}


def _options(model: str, methods: Methods) -> str:
    """What a method of counts is asked besides."""
    if model == "glmm":
        return f', model = "{methods.glmm_model or "UM.FS"}"'
    add = 0.5 if methods.zero_cells is None else methods.zero_cells
    return f", add = c({add}, 0)" if model == "mh" and add != 0.5 else ""


def _quoted(label: str) -> str:
    """A label within a table within single quotes of R."""
    plain = text.clean(label).replace("\\", "/").replace('"', "”")
    return '"' + plain.replace("'", "\\'") + '"'


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, names to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    signs = "<" + ">" * (len(widths) - 1)
    formats = [f"{{:{sign}{width}}}" for sign, width in zip(signs, widths, strict=True)]
    return [" ".join(each.format(cell) for each, cell in zip(formats, row, strict=True)) for row in rows]


def _in_python(record: Record, pooled: Pooled) -> str:
    """The same by this library."""
    methods, given = record.methods, []
    own = counts.of_counts({"method": methods.method})
    if record.measure in MADE and (own or all(_by_arms(record.measure, record.studies))):
        arms: dict[str, list[str]] = defaultdict(list)
        for field in MADE[record.measure][0].values():
            kind = field.rpartition("_")[0]
            arms[ARGUMENTS[kind]].append(_list(getattr(study, field) for study in record.studies))
        given = [(name, f"({', '.join(pair)})") for name, pair in arms.items()]
        if own and methods.zero_cells not in (None, 0.5):
            given.append(("zero_cells", json.dumps(methods.zero_cells)))
    else:
        columns = ("effect", "variance")
        given = [(name, _list(getattr(study, name) for study in record.studies)) for name in columns]
    nested = pooled.interval == THREE_LEVELS["interval"]
    return str(
        _template("reproduce_python").render(
            title=text.clean(record.title),
            measure=record.measure,
            labels=_words(study.label or study.study_id for study in record.studies),
            given=given,
            settings=_settings(methods, pooled),
            model=pooled.interval,
            clusters=_words(_clusters(record)[study.study_id] for study in record.studies),
            rho=_rho(record) if nested else "",
        )
    )


def _words(values: Iterable[str]) -> str:
    return json.dumps([text.clean(value) for value in values], ensure_ascii=False)


def _list(values: Iterable[float]) -> str:
    return f"[{', '.join(map(_number, values))}]"


def _settings(methods: Methods, pooled: Pooled) -> str:
    """The arguments of `trialpool.pool` that differ from what it takes by itself."""
    nested = pooled.interval == THREE_LEVELS["interval"]
    known: dict[str, tuple[Any, Any]] = {"level": (methods.level, 0.95)}
    if counts.of_counts({"method": methods.method}):
        known |= {"method": (methods.method, counts.IV), "glmm_model": (methods.glmm_model, None)}
    elif not nested:
        known |= {"tau2_method": (methods.tau2_method, "REML"), "interval": (pooled.interval, "auto")}
        literature = literature_of(methods.prior) if pooled.bayes_estimate is not None else None
        known |= {
            "prior": (pooled.prior_scale or literature, None),
            "prediction_df": (methods.prediction_df, "k-1"),
        }
    known |= {} if nested else {"prediction_from": (methods.prediction_from, 5)}
    given = {name: value for name, (value, own) in known.items() if value not in (own, None)}
    return "".join(f", {name}={json.dumps(value)}" for name, value in given.items())


# what R said of it


class Checked(NamedTuple):
    """A record beside what R found: how many numbers, by which metafor, the largest relative difference.

    `differs` names the numbers that are not the same, `integrated` says that some are not metafor's, but
    integrals in R.
    """

    metafor: str
    numbers: int
    largest: float
    differs: tuple[str, ...]
    integrated: bool

    @property
    def agrees(self) -> bool:
        """Whether all are the same."""
        return not self.differs

    @property
    def others(self) -> str:
        """What differs, in words.

        >>> Checked("3.8-1", 18, 0.1, ("q", "tau2_low"), False).others
        'q and tau2 low'
        """
        return text.listing(map(text.spaced, self.differs))

    @property
    def words(self) -> str:
        """What came of it, in a clause.

        >>> Checked("3.8-1", 18, 2.4e-9, (), False).words
        'checked with metafor 3.8-1: largest difference 2 × 10⁻⁹'
        """
        came = f"largest difference {power_of_ten(self.largest)}" if self.largest else NO_DIFFERENCE
        return f"checked with metafor {self.metafor}: {came if self.agrees else 'other numbers there'}"


def power_of_ten(value: float) -> str:
    """A small number in one digit and a power of ten.

    >>> power_of_ten(2.96e-10)
    '3 × 10⁻¹⁰'
    """
    digit, power = f"{value:.0e}".split("e")
    return f"{digit} × 10{str(int(power)).translate(SUPERSCRIPT)}"


def told(records: Sequence[Record], checks: Mapping[str, Checked]) -> str:
    """How many of the pooled results were computed again in R, in a sentence; "" for none.

    >>> from trialpool.records import sketch
    >>> pooled = [sketch(Record, analysis=name, status=Status.POOLED) for name in "ab"]
    >>> told(pooled, {"a": Checked("3.8-1", 18, 2.4e-9, (), False)})
    '1 of 2 pooled results was computed again in R with metafor 3.8-1: the largest difference is 2 × 10⁻⁹.'
    """
    same = [check for check in checks.values() if check.agrees]
    if not checks:
        return ""
    pooled = sum(record.status is Status.POOLED for record in records)
    versions = text.listing(sorted({check.metafor for check in checks.values()}))
    said = f"{len(checks)} of {text.count(pooled, 'pooled result')} {'was' if len(checks) == 1 else 'were'}"
    said += f" computed again in R with metafor {versions}"
    largest = max((check.largest for check in same), default=0.0)
    if same:
        said += f": {f'the largest difference is {power_of_ten(largest)}' if largest else NO_DIFFERENCE}"
    others = len(checks) - len(same)
    return f"{said}{f'; {others} came out otherwise, as said there' if others else ''}."


def digest(script: str) -> str:
    """What stands for a script beside the numbers that it gave."""
    return sha256(script.encode()).hexdigest()[:16]


def checked(record: Record, rows: Sequence[Row]) -> Checked | None:
    """A record beside the rows of what R said of it; None where its script has not been run as it is now.

    Numbers are compared relative to R's, or to a standard error where the number is smaller: effects and
    bounds to that of the most precise trial, τ² to its square, others to 1.

    >>> from trialpool.records import sketch
    >>> checked(sketch(Record), []) is None
    True
    """
    plan = _plan(record, record.pooled) if record.pooled and record.status is Status.POOLED else None
    said = {row["quantity"]: row for row in rows}
    if plan is None or not said or {row["script"] for row in rows} != {digest(script_of(record))}:
        return None
    names = [name for group in plan.numbers for name in group]
    unit, ratio = min(study.variance for study in record.studies), MEASURES[record.measure].ratio
    apart = {}
    for name in names:
        floor = 0.0 if ratio else math.sqrt(unit)
        floor = floor if name in NATURAL else unit if name.startswith("tau2") else 1.0
        ours, theirs = getattr(record.pooled, name), said.get(name, {}).get("value")
        apart[name] = math.inf if theirs is None else abs(ours - theirs) / (max(abs(theirs), floor) or 1.0)
    differs = tuple(name for name, gap in apart.items() if not gap <= COARSE.get(plan.model, AGREE))
    integrated = any("posterior(" in each for group in plan.numbers for each in group.values())
    version = str(next(iter(said.values()))["metafor"])
    return Checked(version, len(names), max(apart.values()), differs, integrated)


def checked_of(records: Iterable[Record], rows: Iterable[Row]) -> dict[str, Checked]:
    """Every record that R said something of, by its analysis."""
    theirs = defaultdict(list)
    for row in rows:
        theirs[row["analysis"]].append(row)
    found = ((record.analysis, checked(record, theirs[record.analysis])) for record in records)
    return {analysis: each for analysis, each in found if each}
