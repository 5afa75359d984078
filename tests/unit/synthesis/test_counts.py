"""Events pooled as counts: whole analyses by every method, what is absent, and words true for the route."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text

from tests.unit.synthesis.made_up import SPEC
from trialpool import protocol, stats
from trialpool.figures.forest import draw_forest
from trialpool.figures.notes import describe
from trialpool.records import Effect, Status, Unused, from_json, sketch, to_json
from trialpool.records import Record as WholeRecord
from trialpool.synthesis import analyse, pool
from trialpool.view.forest_table import forest_table
from trialpool.view.read import appraised

NIELWEISE = (
    [0, 1, 2, 0, 5, 1, 1, 1, 1, 1, 0, 0],
    [116, 44, 208, 130, 151, 98, 174, 74, 97, 113, 66, 70],
    [3, 3, 9, 7, 6, 4, 3, 2, 19, 2, 7, 1],
    [117, 35, 195, 136, 157, 139, 177, 39, 103, 122, 64, 58],
)
TABLES = [np.array(column, dtype=float) for column in NIELWEISE]


def trials(measure: str = "OR", years: bool = False) -> list[Effect]:
    rows = []
    for at, (a, n1, c, n2) in enumerate(zip(*NIELWEISE, strict=True)):
        make = stats.rate_ratio if years else stats.odds_ratio if measure == "OR" else stats.risk_ratio
        own = make(a, n1, c, n2)
        counts = {"events_experimental": a, "n_experimental": n1, "events_control": c, "n_control": n2}
        if years:
            counts |= {"person_years_experimental": n1 / 10, "person_years_control": n2 / 10}
        known = {"label": f"Trial {at}", "year": 2000 + at, "measure": measure, "kind": "events"}
        known |= {"study_id": f"T{at:02}", "selected": True, "category_control": "sham"}
        known |= {"effect": float(own.effect), "variance": float(own.variance), "reading": "double"}
        rows.append(sketch(Effect, known | counts))
    return rows


def spec(method: str, measure: str = "OR", **more) -> dict:
    return {**SPEC, **protocol.alone(measure, method=method, title="T", **more), "moderators": ["year"]}


def text_of(record) -> str:
    return " ".join(record.methods.text)


FITS = {
    "mh": lambda: stats.mantel_haenszel(*TABLES, measure="OR"),
    "peto": lambda: stats.peto(*TABLES),
    "glmm": lambda: stats.glmm(*TABLES, model="CM.EL"),
    "penalised": lambda: stats.penalised(*TABLES),
}
WORDS = {
    "mh": "Common effect by Mantel–Haenszel's method",
    "peto": "Peto's one-step method, Σ(O − E)/ΣV",
    "glmm": "mixed model of the events, fitted by maximum likelihood (Stijnen et al. 2010), "
    "conditional on the events of both arms together, exact likelihood",
    "penalised": "Common effect by logistic regression with Firth's penalty",
}


@pytest.mark.parametrize("method", FITS)
def test_an_analysis_by_its_method_has_that_methods_numbers_and_words_and_nothing_else(method):
    record, every = analyse.analyse(spec(method, glmm_model="CM.EL"), trials())
    fit, pooled = FITS[method](), record.pooled
    assert pooled.estimate == pytest.approx(np.exp(fit.estimate), rel=1e-12)
    assert (pooled.ci_low, pooled.ci_high, pooled.se) == pytest.approx(
        (np.exp(fit.ci_low), np.exp(fit.ci_high), fit.se), rel=1e-12
    )
    assert pooled.interval == "wald"
    text = text_of(record)
    assert WORDS[method] in text
    assert "Nothing is added to cells without an event" in text
    for absent in ("REML", "Hartung", "Q-profile", "flat prior", "Inverse variance is not"):
        assert absent not in text
    beside = ("random_estimate", "hksj_low", "common_estimate", "bayes_estimate", "prior_scale", "tau2_low")
    assert {getattr(pooled, name) for name in beside} == {None}
    assert (pooled.tau2 is None) == (method != "glmm")
    assert (pooled.pi_low is None) == (method != "glmm")
    assert (pooled.q is None) == (method == "penalised")
    weights = [study.weight for study in record.studies]
    if method == "glmm":
        assert set(weights) == {None}
    else:
        assert weights == pytest.approx(fit.weights.tolist())
        assert sum(weights) == pytest.approx(100)
    assert record.influence == record.bayes == ()
    assert record.dose_response is None
    (row,) = record.moderators
    assert row.caution.startswith("trials are pooled as the events")
    assert list(record.small_study.methods) == ["Harbord", "Peters", "Macaskill", "arcsine"]
    assert set(every.choices["tau2_method"]) >= {method, "REML", "FE"}
    again = from_json(WholeRecord, to_json(record))
    assert (again.methods.method, again.methods.glmm_model) == (method, "CM.EL")


@pytest.mark.parametrize("method", FITS)
def test_other_methods_and_other_trials_stand_in_the_sensitivity_analysis(method):
    record, _ = analyse.analyse(spec(method), trials())
    rows = {(row.kind, row.choice): row for row in record.sensitivity}
    assert rows["main", "as configured"].estimate == record.pooled.estimate
    sparse = {choice for kind, choice in rows if kind == "sparse"}
    names = {"mh": "Mantel–Haenszel", "peto": "Peto", "glmm": "mixed model of events"}
    assert sparse == {
        name for code, name in (names | {"penalised": "penalised regression"}).items() if code != method
    }
    assert ("model", "inverse variance, REML, Hartung–Knapp with the floor") in rows
    assert sum(kind == "leave one out" for kind, _ in rows) == len(trials())
    first = rows["leave one out", "without Trial 0"]
    without = replace(record, studies=record.studies[1:])
    again, _ = pool.pool_effects(spec(method), without.studies)
    assert first.estimate == pytest.approx(again.estimate)


def test_a_method_without_an_answer_draws_the_trials_and_says_so():
    rows = [replace(row, events_control=0) for row in trials()]
    record, every = analyse.analyse(spec("mh"), rows)
    assert (record.status, record.pooled, every) == (Status.NOT_POOLED, None, None)
    assert "The method chosen (mh) has no estimate from these trials" in text_of(record)
    assert len(record.studies) == len(rows)


def test_rates_are_pooled_over_person_years():
    record, _ = analyse.analyse(spec("mh", "IRR", domain="attack"), trials("IRR", years=True))
    tables = TABLES[0], TABLES[1] / 10, TABLES[2], TABLES[3] / 10
    fit = stats.mantel_haenszel(*tables, measure="IRR")
    assert record.pooled.estimate == pytest.approx(np.exp(fit.estimate))
    assert "Rates are made of the events and person-years" in text_of(record)
    assert record.small_study.methods == {}


def test_revmans_rule_is_that_of_the_estimate_and_said():
    record, _ = analyse.analyse(spec("mh", zero_cells="revman"), trials())
    fit = stats.mantel_haenszel(*TABLES, measure="OR", zero_cells="revman")
    assert record.pooled.estimate == pytest.approx(np.exp(fit.estimate))
    assert "As in RevMan, ½ is added to each cell of a trial with an empty one" in text_of(record)


def test_subgroups_are_compared_by_their_own_estimates():
    rows = [replace(row, purpose="treatment" if at % 2 else "prevention") for at, row in enumerate(trials())]
    record = analyse.pooled_record(spec("mh", subgroups="purpose"), rows)
    parts = [np.array([at % 2 == odd for at in range(len(rows))]) for odd in (0, 1)]
    fits = [stats.mantel_haenszel(*(column[part] for column in TABLES), measure="OR") for part in parts]
    assert [group.pooled.estimate for group in record.subgroups] == pytest.approx(
        [np.exp(fit.estimate) for fit in fits]
    )
    difference = (fits[0].estimate - fits[1].estimate) ** 2 / (fits[0].se ** 2 + fits[1].se ** 2)
    assert record.subgroup_test.statistic == pytest.approx(difference)
    assert (record.subgroup_test.df, record.subgroup_test.df2) == (1, None)


def test_inverse_variance_of_rare_events_is_advised_against():
    record = analyse.pooled_record(spec("iv"), trials())
    text = text_of(record)
    assert "Inverse variance is not the best method here, as only 2.9% of the people had the event" in text
    assert "consider Mantel–Haenszel (method: mh), a mixed model of events (glmm)" in text
    assert record.methods.method is None
    common = [replace(row, events_experimental=20, events_control=30) for row in trials()]
    assert "Inverse variance" not in text_of(analyse.pooled_record(spec("iv"), common))


def test_iv_says_which_rule_fills_empty_cells_where_one_is_named():
    named = text_of(analyse.pooled_record(spec("iv", zero_cells="treatment_arm"), trials()))
    assert "Where a trial has an empty cell, each arm's share of both arms is added to its cells" in named
    assert "empty cell" not in text_of(analyse.pooled_record(spec("iv"), trials()))


def test_small_trials_are_tested_by_their_events_where_that_is_asked():
    record, _ = analyse.analyse(spec("iv", small_study="events"), trials())
    fit = stats.event_test("harbord", *TABLES)
    assert record.small_study.methods["Harbord"].p_value == pytest.approx(fit.p_value)
    assert "Harbord's test" in record.small_study.sentence
    assert "Egger" in analyse.analyse(spec("iv"), trials())[0].small_study.methods


def test_trials_without_events_are_drawn_and_counted_and_weigh_nothing():
    rows = trials()
    empty = {"study_id": "Z", "label": "Zero 2020", "reason_code": "no_events", "instrument": "death"}
    empty |= {"events_experimental": 0, "n_experimental": 40, "events_control": 0, "n_control": 42}
    record = appraised(to_json(analyse.analyse(spec("glmm"), rows, [sketch(Unused, empty)])[0]))
    table = forest_table(record)
    (trial,) = table.inestimable
    assert (trial.label, trial.arms["control"].cell) == ("Zero 2020", "0 / 42")
    assert table.totals["control"].n == f"{sum(NIELWEISE[3]) + 42:,}"
    assert table.total.trials == "12 trials"
    drawn = " ".join(text.get_text() for text in draw_forest(record).findobj(Text))
    assert "Zero 2020" in drawn
    assert "not estimable" in drawn
    assert "counted among the people and not in the result" in drawn.replace("\n", " ")
    assert "Mixed model of events" in drawn
    assert "100%" not in drawn
    assert "Zero 2020: not estimable (0 / 40, 0 / 42)" in describe("forest", record)
    weighted = appraised(to_json(analyse.analyse(spec("mh"), rows, [sketch(Unused, empty)])[0]))
    shown = [study.weight.text for study in forest_table(weighted).studies]
    fit = stats.mantel_haenszel(*TABLES, measure="OR")
    assert shown == [f"{weight:.1f}%" for weight in fit.weights]


def test_rates_are_drawn_over_their_person_years():
    record = appraised(to_json(analyse.analyse(spec("mh", "IRR"), trials("IRR", years=True))[0]))
    table = forest_table(record)
    assert table.studies[0].arms["experimental"].cell == "0 / 11.6"
    assert table.totals["control"].n == f"{sum(NIELWEISE[3]) / 10:,.0f}"
    drawn = " ".join(text.get_text() for text in draw_forest(record).findobj(Text))
    assert "Events/time" in drawn
    assert "Events/n" not in drawn
