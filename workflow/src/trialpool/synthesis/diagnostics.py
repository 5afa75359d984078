"""Pooled effects in, what else they say out: influence, small-study effects, three levels, Bayes, moderators.

Every function refuses what the number of trials does not allow, in a sentence or by an empty result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from trialpool import records
from trialpool.contracts import EFFECTS, Kind
from trialpool.measures import MEASURES, OF_EVENTS
from trialpool.records import Effect, Moderator, ModeratorGroup, ModeratorTerm, is_formula, sketch, taken
from trialpool.synthesis import counts, pool
from trialpool.synthesis.pool import Spec, arrays, finite, model_of, numbers_of, trials_of
from trialpool.synthesis.sensitivity import DEPENDENT
from trialpool.text import count
from trialpool.yaml_files import shipped

T = TypeVar("T")
FEWEST_FOR_INFLUENCE = 3
FEWEST_FOR_MODERATORS = 4
ANY = "any"
TERM = {  # fields of a moderator's coefficient, and of the fit
    **{"slope": "coefficients", "slope_low": "ci_low", "slope_high": "ci_high"},
    **{"statistic": "statistic", "p_value": "p_value"},
}
COLLINEAR = 10.0  # a variance inflation factor that says so
DRAWS, SEED = 2000, 1
TESTS = {"Harbord": "harbord", "Peters": "peters", "Macaskill": "macaskill", "arcsine": "arcsine"}


def influence_rows(spec: Spec, effects: Sequence[Effect]) -> tuple[records.Influence, ...]:
    """The measures of Viechtbauer & Cheung 2010 for each trial; none below three trials.

    `influential` marks a trial that any of metafor's usual limits marks.
    """
    if len(effects) < FEWEST_FOR_INFLUENCE:
        return ()
    from trialpool.stats import influence

    model = {name: value for name, value in model_of(spec).items() if name != "level"}
    return _each(records.Influence, spec, effects, influence(*arrays(effects), **model))


def cumulative_rows(spec: Spec, effects: Sequence[Effect]) -> tuple[records.Cumulative, ...]:
    """The pooled estimate after each trial in the order given (that of the years), natural scale."""
    steps = (pool.pool_effects(spec, effects[: at + 1], beside=False)[0] for at in range(len(effects)))
    bounds = ({name: getattr(step, name, None) for name in pool.BOUNDS} for step in steps)
    return tuple(taken(records.Cumulative, row, **each) for row, each in zip(effects, bounds, strict=True))


def _each(kind: type[T], spec: Spec, effects: Sequence[Effect], fit: Any) -> tuple[T, ...]:
    """A record an effect, with the fit's numbers of it."""
    numbers = (numbers_of(kind, spec["measure"], fit, at) for at in range(len(effects)))
    return tuple(taken(kind, row, **of_row) for row, of_row in zip(effects, numbers, strict=True))


def small_study(spec: Spec, effects: Sequence[Effect]) -> records.SmallStudy:
    """Funnel asymmetry: the tests and adjustments that k allows, or the sentence that says why not.

    Below `robustness.test_k` trials nothing is tested: with few trials a test finds nothing whether or not
    small trials differ (Cochrane Handbook 13.3.5.4). Estimates are on the natural scale.
    """
    wanted, k = spec["robustness"]["test_k"], len(trials_of(effects))
    trials, said = count(k, "trial") if effects else "0 trials", ""
    if spec["interval"] == pool.THREE_LEVELS["interval"]:
        said = "some give several effects; small trials are tested where each gives one."
    elif not MEASURES[spec["measure"]].has_null:
        said = "one group is described, so that there is no effect by which small trials may be selected."
    elif k < wanted:
        said = f"too few to test whether small trials differ (at least {wanted} needed)."
    if said:
        return records.SmallStudy(sentence=f"{trials}: {said}", methods={})
    if spec.get("small_study") == "events" or counts.of_counts(spec):
        return _small_events(spec, effects, trials)
    from trialpool.stats import begg, egger, pet_peese, selection_model, trim_and_fill

    data, level, tau2_method = arrays(effects), spec["level"], spec["tau2_method"]
    better = spec["better"] or ("higher" if data[0].sum() > 0 else "lower")
    side = "less" if better == "lower" else "greater"
    fits = {
        "Egger": egger(*data, level=level, **egger_predictor(spec, effects)),
        "Begg": begg(*data),
        "trim and fill (L0)": trim_and_fill(*data, **model_of(spec)),
        "PET-PEESE": pet_peese(*data, tau2_method=tau2_method, level=level),
        "selection model (3PSM)": selection_model(*data, alternative=side, level=level),
    }
    kind, measure = records.SmallStudyMethod, spec["measure"]
    methods = {name: sketch(kind, numbers_of(kind, measure, fit)) for name, fit in fits.items()}
    return records.SmallStudy(sentence=_asymmetry(trials, "Egger's", methods["Egger"]), methods=methods)


def _asymmetry(trials: str, test: str, found: records.SmallStudyMethod) -> str:
    """What a test says, and that the funnel is asymmetric or not."""
    if found.p_value is None:
        return ""
    word = "an asymmetric funnel" if found.p_value < 0.1 else "no clear asymmetry of the funnel"
    return f"{trials}: {word} ({test} test, p = {found.p_value:.2g})."


def _small_events(spec: Spec, effects: Sequence[Effect], trials: str) -> records.SmallStudy:
    """Tests of events, which do not find asymmetry where effects hang on their own standard errors.

    Of odds ratios all four, Harbord's first; of risk ratios and differences those that are of them.
    """
    from trialpool.stats import event_test

    measure, tables = spec["measure"], counts.tables_of(spec["measure"], effects)
    if measure not in OF_EVENTS or tables is None:
        why = "small trials are tested by the events among people of both arms, which are not known of all"
        return records.SmallStudy(sentence=f"{trials}: {why}.", methods={})
    tests = TESTS if measure == "OR" else {name: test for name, test in TESTS.items() if test != "harbord"}
    kind = {"measure": measure, "level": spec["level"]}
    methods = {}
    for name, test in tests.items():
        fit = event_test(test, *tables, **kind)
        methods[name] = sketch(records.SmallStudyMethod, numbers_of(records.SmallStudyMethod, measure, fit))
    first = next(iter(methods))
    return records.SmallStudy(sentence=_asymmetry(trials, f"{first}'s", methods[first]), methods=methods)


def egger_predictor(spec: Spec, effects: Sequence[Effect]) -> Mapping[str, Any]:
    """Egger's predictor: the size of all trials where the standard error depends on the effect (SMD)."""
    sizes = [[row.n_experimental for row in effects], [row.n_control for row in effects]]
    if spec["measure"] == "SMD" and all(side for column in sizes for side in column):
        return {"predictor": "sample_size", "n1": np.array(sizes[0], float), "n2": np.array(sizes[1], float)}
    return {"predictor": "se"}


def multilevel_model(
    spec: Spec, effects: Sequence[Effect], pooled: Sequence[Effect]
) -> records.Multilevel | None:
    """The three-level model of all effects of all trials, where trials give more effects than one.

    `effects` are the rows of the effects table, `pooled` those of the main result. Sampling errors within a
    trial correlate by 0.6; cluster-robust (CR2) interval with Satterthwaite df. None where every trial gives
    one effect, or fewer than two trials are there.
    """
    modelled = spec["several_effects"] == "multilevel"
    rows = list(pooled) if modelled else [row for row in effects if row.variant == (DEPENDENT,)]
    trials = trials_of(rows)
    if len(trials) < 2 or len(rows) == len(trials):
        return None
    from trialpool.stats import multilevel

    ids = np.array([row.study_id for row in rows])
    fit = multilevel(*arrays(rows), ids, rho=pool.RHO, level=spec["level"])
    more = {"effects": len(rows), "trials": len(trials), "rho": pool.RHO, "caution": fit.caution}
    return records.Multilevel(**numbers_of(records.Multilevel, spec["measure"], fit) | more)


def posteriors(spec: Spec, effects: Sequence[Effect]) -> tuple[records.Posterior, ...]:
    """One entry a prior of τ: posterior of the mean (flat prior), of τ, of a new trial; shrunken trials.

    Probabilities are of benefit (`p_benefit`) and of benefit beyond the MCID (`p_beyond_mcid`), for the mean
    and for a new trial (`..._new`). A prior's scale in typical standard deviations is multiplied by `unit`.
    """
    scale = pool.prior_scale(spec, effects)
    if len(effects) < 2 or scale is None or MEASURES[spec["measure"]].group:
        return ()
    return tuple(_posterior(spec, effects, prior, scale) for prior in pool.priors_of(spec))


def _posterior(spec: Spec, effects: Sequence[Effect], prior: str, scale: float) -> records.Posterior:
    fit = pool.posterior(spec, effects, scale, prior)
    shrunk = SimpleNamespace(estimate=fit.shrunk_mean, ci_low=fit.shrunk_low, ci_high=fit.shrunk_high)
    return records.Posterior(
        prior=prior,
        scale=pool.tau_prior_of(spec, scale, prior)[-1],
        unit=scale / spec["prior"]["scale"],
        **numbers_of(records.Posterior, spec["measure"], fit),
        **_probabilities(spec, fit),
        shrunk=_each(records.Shrunk, spec, effects, shrunk),
    )


def _probabilities(spec: Spec, fit: Any) -> Mapping[str, Any]:
    from trialpool.stats import posterior_below, predictive_below

    lower, mcid = spec["better"] == "lower", (spec["mcid"] or {}).get("value")
    thresholds = {"p_benefit": 0.0, "p_beyond_mcid": None}
    if mcid and not MEASURES[spec["measure"]].ratio:
        thresholds["p_beyond_mcid"] = -mcid if lower else mcid
    found: dict[str, float | None] = {}
    for name, threshold in thresholds.items():
        for suffix, below in (("", posterior_below), ("_new", predictive_below)):
            chance = None if threshold is None else float(below(fit, threshold))
            found[name + suffix] = chance if chance is None or lower else 1 - chance
    return found


def moderator_rows(spec: Spec, effects: Sequence[Effect]) -> tuple[Moderator, ...]:
    """One row a declared moderator: meta-regression for numbers, a subgroup test for words.

    Trials that do not report a moderator are left out of its row (`k` says how many remain). One model serves
    all: common τ², Knapp-Hartung t and F, permutation p by all permutations, or 2000 of them with seed 1.
    Slopes are on the analysis scale, per unit of the moderator; of two words the second minus the first.
    `groups` holds each word's k, estimate and interval on the natural scale.

    What cannot be tested says why in `caution`; where nothing can (fewer than 4 trials, or effects that
    depend on each other) that is one row of the moderator "any". Below `robustness.moderator_k` trials a
    test carries a caution.
    """
    if not spec["moderators"] or not effects:
        return ()
    trials, refused, fewest = len(trials_of(effects)), "", FEWEST_FOR_MODERATORS
    if trials < fewest:
        refused = f"{count(trials, 'trial')}: at least {fewest} are needed to compare trials by anything"
    elif counts.of_counts(spec):
        refused = "trials are pooled as the events that they count: moderators are not tested"
    elif trials < len(effects):
        refused = "trials give several effects each: moderators are tested where each gives one"
    if refused:
        return (_moderator(spec, ANY, k=trials, caution=refused),)
    tested = (_tested_together if is_formula(name) else _tested for name in spec["moderators"])
    return tuple(test(spec, effects, name) for test, name in zip(tested, spec["moderators"], strict=True))


def moderator_name(code: str) -> str:
    """A moderator in a reader's words.

    >>> moderator_name("programme_weeks"), moderator_name("risk_of_bias")
    ('weeks of treatment', 'risk of bias')
    """
    return str(shipped("sentences")["moderators"].get(code, code.replace("_", " ")))


def _moderator(spec: Spec, name: str, **values: Any) -> Moderator:
    return sketch(Moderator, analysis=spec["analysis"], moderator=name, **values)


def _tested(spec: Spec, effects: Sequence[Effect], name: str) -> Moderator:
    numeric = EFFECTS.kinds[name] in (Kind.NUMBER, Kind.COUNT)
    known = [row for row in effects if getattr(row, name, None) not in (None, "")]
    values = [float(getattr(row, name)) if numeric else str(getattr(row, name)) for row in known]
    size = {"kind": "number" if numeric else "words", "k": len(known), "levels": len(set(values))}
    refused = _refusal(values, len(effects), numeric)
    if refused:
        return _moderator(spec, name, **size, caution=refused)
    words = sorted(set(map(str, values)))
    design = np.array([[value == word for word in words[1:]] for value in values], dtype=float)
    if numeric:
        design = np.array(values, dtype=float)[:, None]
    # Knapp-Hartung, as for the pooled effect where that is one
    interval = "hksj" if spec["interval"] == "wald" else model_of(spec)["interval"]
    model = {"tau2_method": spec["tau2_method"], "interval": interval}
    return _moderator(
        spec,
        name,
        **size,
        **model,
        **_test(spec, known, design, model),
        caution=_caution(spec, values, numeric),
        groups=() if numeric else _groups(spec, known, [str(value) for value in values], model),
    )


def _tested_together(spec: Spec, effects: Sequence[Effect], formula: str) -> Moderator:
    """Several moderators by a formula of columns and covariates: all tested together, each coefficient too.

    `p_value` is that of the model's own test, `p_likelihood_ratio` by ML, `p_robust` by CR2 and HTZ.
    """
    from formulaic import Formula

    said = " ".join(formula.split())
    model_formula = Formula(said.removeprefix("~"))
    names = sorted(str(name) for name in model_formula.required_variables)
    columns = {name: _column_of(effects, name) for name in names}
    unknown = [name for name, values in columns.items() if not any(value is not None for value in values)]
    known = [at for at, row in enumerate(zip(*columns.values(), strict=True)) if None not in row]
    refused = f"{', '.join(unknown)}: known of none of the {len(effects)} trials" if unknown else ""
    if not refused:
        import pandas as pd

        frame = pd.DataFrame({name: [values[at] for at in known] for name, values in columns.items()})
        matrix = model_formula.get_model_matrix(frame) if known else frame
        refused = _refusal_together(matrix, len(effects))
    if refused:
        return _moderator(spec, said, kind="formula", k=len(known), caution=refused)
    return _together(spec, [effects[at] for at in known], said, matrix)


def _column_of(effects: Sequence[Effect], name: str) -> list[Any]:
    """A column of the effects table, or a covariate of the trials, numbers where all are; None of unknown."""
    found = [dict(row.covariates or ()).get(name, getattr(row, name, None)) for row in effects]
    found = [None if value == "" else value for value in found]
    try:
        return [None if value is None else float(value) for value in found]
    except (TypeError, ValueError):
        return [None if value is None else str(value) for value in found]


def _refusal_together(matrix: Any, trials: int) -> str:
    """Why a model matrix of moderators cannot be tested, or nothing."""
    k, p = matrix.shape
    if list(matrix.columns)[:1] != ["Intercept"] or p < 2:
        return "a formula needs an intercept and a moderator"
    if k < max(p + 2, FEWEST_FOR_MODERATORS):
        return f"known of {k} of the {trials} trials: at least {p + 2} are needed for {p} coefficients"
    numbers = matrix.to_numpy(float)
    if np.linalg.matrix_rank(numbers / np.abs(numbers).max(0)) < p:
        return "its columns say the same of these trials, or nothing"
    return ""


def _together(spec: Spec, effects: Sequence[Effect], formula: str, matrix: Any) -> Moderator:
    from trialpool.stats import likelihood_ratio, meta_regression, robust_regression

    design = matrix.to_numpy(float)[:, 1:]
    interval = "hksj" if spec["interval"] == "wald" else model_of(spec)["interval"]
    model = {"tau2_method": spec["tau2_method"], "interval": interval}
    data = (*arrays(effects), design)
    fit = meta_regression(*data, level=spec["level"], **model)
    robust = robust_regression(*data, tau2_method=spec["tau2_method"], level=spec["level"])
    groups, factors = _inflation(fit, matrix)
    pairs = zip(groups, factors, strict=True)
    inflated = {number: factor for group, factor in pairs for number in group}
    terms = tuple(
        ModeratorTerm(
            term=str(name),
            **{of: finite(getattr(fit, field)[at]) for of, field in TERM.items()},
            p_robust=finite(robust.robust_p_value[at]),
            vif=inflated.get(at),
        )
        for at, name in enumerate(matrix.columns)
    )
    return _moderator(
        spec,
        formula,
        kind="formula",
        k=len(effects),
        **model,
        **_all_slopes(data, fit, model),
        p_likelihood_ratio=finite(likelihood_ratio(*data).p_value),
        p_robust=finite(robust.omnibus.p_value),
        terms=terms,
        caution=_caution_together(spec, matrix, max(factors)),
        groups=(),
    )


def _inflation(fit: Any, matrix: Any) -> tuple[list[list[int]], list[float]]:
    """The coefficients of each term of a formula, and its variance inflation factor."""
    from trialpool.stats import vif

    slices = [part for term, part in matrix.model_spec.term_slices.items() if str(term) != "1"]
    groups = [list(range(*part.indices(matrix.shape[1]))) for part in slices]
    return groups, vif(fit, groups).tolist()


def _caution_together(spec: Spec, matrix: Any, inflated: float) -> str | None:
    """What a reader must know of several moderators together."""
    each, cautions = spec["robustness"]["moderator_k"], []
    if len(matrix) < each * (matrix.shape[1] - 1):
        cautions.append(f"fewer than {each} trials a coefficient: chance findings and missed ones are likely")
    interacting = any(":" in str(name) for name in matrix.columns)  # whose parts always go together
    if inflated > COLLINEAR and not interacting:
        cautions.append("its terms go together in these trials, so that the model cannot tell them apart")
    return "; ".join(cautions) or None


def _refusal(values: Sequence[Any], trials: int, numeric: bool) -> str:
    """Why a moderator cannot be tested, or nothing."""
    if not values:
        return f"known of none of the {trials} trials"
    if len(values) < FEWEST_FOR_MODERATORS:
        return f"known of {len(values)} of the {trials} trials: at least {FEWEST_FOR_MODERATORS} are needed"
    if len(set(values)) < 2:
        value = f"{values[0]:g}" if numeric else str(values[0]).replace("_", " ").replace("+", " + ")
        which = "every trial" if len(values) == trials else f"the {len(values)} trials of which it is known"
        return f"the same in {which} ({value})"
    if not numeric and len(set(values)) > len(values) - 2:
        return f"{len(set(values))} different answers in {len(values)} trials: no groups to compare"
    return ""


def _caution(spec: Spec, values: Sequence[Any], numeric: bool) -> str | None:
    wanted, cautions = spec["robustness"]["moderator_k"], []
    if len(values) < wanted:
        cautions.append(f"fewer than {wanted} trials: chance findings and missed ones are likely")
    if not numeric and min(Counter(values).values()) == 1:
        cautions.append("a group of one trial differs in all that this trial differs in")
    return "; ".join(cautions) or None


def _test(
    spec: Spec, effects: Sequence[Effect], design: pool.Floats, model: Mapping[str, Any]
) -> Mapping[str, Any]:
    from trialpool.stats import meta_regression

    data = (*arrays(effects), design)
    fit = meta_regression(*data, level=spec["level"], **model)
    slopes: dict[str, Any] = {}
    if design.shape[1] == 1:
        columns = {"slope": fit.coefficients, "slope_low": fit.ci_low, "slope_high": fit.ci_high}
        slopes = {name: finite(values[1]) for name, values in columns.items()}
    return {**_all_slopes(data, fit, model), **slopes}


def _all_slopes(data: Any, fit: Any, model: Mapping[str, Any]) -> Mapping[str, Any]:
    """The test of all slopes of a meta-regression, by its own statistic and by permutation."""
    from trialpool.stats import permutation_test

    shuffled = permutation_test(*data, draws=DRAWS, seed=SEED, **model)
    numbers: dict[str, Any] = {"statistic": fit.qm, "df2": fit.df, "p_value": fit.qm_p_value, "r2": fit.r2}
    numbers |= {"tau2_residual": fit.tau2, "p_permutation": shuffled.qm_p_value}
    permutations = f"{'all' if shuffled.exact else f'seed {SEED}'}, {shuffled.count}"
    shown = {name: finite(number) for name, number in numbers.items()}
    return {**shown, "df": data[2].shape[1], "permutations": permutations}


def _groups(
    spec: Spec, effects: Sequence[Effect], labels: Sequence[str], model: Mapping[str, Any]
) -> tuple[ModeratorGroup, ...]:
    """Each word's pooled effect in the model of the test: the τ² and the scale are common to all groups."""
    from trialpool.stats import subgroups

    fit = subgroups(*arrays(effects), labels, tau2="common", level=spec["level"], **model)
    of_group = [numbers_of(ModeratorGroup, spec["measure"], fit.pooled, at) for at in range(len(fit.names))]
    groups = sorted(zip(fit.names, fit.k, range(len(fit.names)), strict=True))
    return tuple(ModeratorGroup(level=name, k=int(k), **of_group[at]) for name, k, at in groups)


def adjusted(rows: Sequence[Moderator]) -> list[Moderator]:
    """The same rows with `p_adjusted`: Holm over every moderator tested in the whole review.

    >>> [row.p_adjusted for row in adjusted([sketch(Moderator, p_value=p) for p in (0.01, None, 0.04)])]
    [0.02, None, 0.04]
    """
    from statsmodels.stats.multitest import multipletests

    tested = [row.p_value for row in rows if row.p_value is not None]
    holm = iter(multipletests(tested, method="holm")[1].tolist() if tested else [])
    return [replace(row, p_adjusted=None if row.p_value is None else next(holm)) for row in rows]


def moderator_table(rows: Sequence[Moderator]) -> Iterator[Mapping[str, Any]]:
    """Rows of moderators.csv: each test, and below it one row a group.

    >>> groups = (ModeratorGroup(level="treatment", k=2, estimate=None, ci_low=None, ci_high=None),)
    >>> test = sketch(Moderator, analysis="a", moderator="purpose", k=4, groups=groups)
    >>> [(row.get("level"), row["k"]) for row in moderator_table([test])]
    [(None, 4), ('treatment', 2)]
    """
    for row in rows:
        test = records.to_json(row)
        parts = [*test.pop("groups"), *test.pop("terms", ())]
        yield test
        for part in parts:
            part["level"] = part.get("level", part.pop("term", None))
            yield {name: test[name] for name in ("analysis", "moderator", "kind")} | part
