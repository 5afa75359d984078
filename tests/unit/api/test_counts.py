"""Fits of events as counts, of rates and of hazards: numbers, words, tables, what is refused."""

import math

import numpy as np
import pytest

import trialpool as tp
from trialpool import stats

COUNTS = (
    [0, 1, 2, 0, 5, 1, 1, 0],
    [116, 44, 208, 130, 151, 98, 174, 118],
    [3, 3, 9, 7, 6, 4, 3, 0],
    [117, 35, 195, 136, 157, 139, 177, 105],
)
A, N1, C, N2 = COUNTS


def data(measure="OR", **more):
    return tp.effects(measure=measure, events=(A, C), n=(N1, N2), **more)


def test_a_fit_of_counts_has_the_methods_numbers_and_no_others():
    fit = tp.pool(data(), method="mh")
    ours = stats.mantel_haenszel(A, N1, C, N2, measure="OR")
    assert fit.log.estimate == pytest.approx(ours.estimate, rel=1e-12)
    assert (fit.k, len(fit.data.inestimable)) == (7, 1)
    assert str(fit).endswith("Mantel–Haenszel; 1 further trial not estimable")
    assert fit.weights == pytest.approx(ours.weights[:-1])
    assert np.isnan([fit.tau2, fit.pi_low]).all()
    mixed = tp.pool(data(), method="glmm", glmm_model="CM.AL")
    assert mixed.tau2 == pytest.approx(stats.glmm(A, N1, C, N2, model="CM.AL").tau2)
    assert np.isnan(mixed.weights).all()


def test_of_differences_trials_without_events_count():
    fit = tp.pool(data("RD"), method="mh")
    assert (fit.k, fit.data.inestimable) == (8, ())
    assert fit.analysis_scale.estimate == pytest.approx(
        stats.mantel_haenszel(A, N1, C, N2, measure="RD").estimate
    )


def test_sets_of_trials_go_by_the_method():
    fit = tp.pool(data(), method="peto")
    without = fit.leave_one_out()
    keep = [1, 2, 3, 4, 5, 6]
    ours = stats.peto(*(np.array(column)[keep] for column in COUNTS))
    assert without.estimate.iloc[0] == pytest.approx(np.exp(ours.estimate))
    assert fit.cumulative()["k"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    groups = fit.subgroups(["a", "b", "a", "b", "a", "b", "a"])
    assert groups.to_frame()["k"].tolist() == [4, 3]


def test_revmans_rule_reaches_mantel_and_haenszel():
    fit = tp.pool(data(zero_cells="revman"), method="mh")
    ours = stats.mantel_haenszel(A, N1, C, N2, measure="OR", zero_cells="revman")
    assert fit.log.estimate == pytest.approx(ours.estimate)
    assert fit.log.estimate != pytest.approx(tp.pool(data(), method="mh").log.estimate, abs=1e-3)


def test_tests_of_events_say_their_line():
    fit = tp.pool(data("RR"))
    said = [fit.harbord(), fit.peters(), fit.macaskill(), fit.arcsine_test("random")]
    assert [str(each).split(":")[0] for each in said] == [
        "Harbord's test",
        "Peters' test",
        "Macaskill's test",
        "Arcsine test",
    ]
    ours = stats.event_test("peters", A, N1, C, N2, measure="RR")
    assert said[1].p_value == pytest.approx(ours.p_value)


def test_rare_events_are_advised_against_in_the_line_and_common_ones_not():
    fit = tp.pool(data())
    assert fit.advice.startswith("only 2.1% of the people had the event: consider Mantel–Haenszel")
    assert str(fit).endswith("rare events, see .advice")
    many = [30] * 8
    assert tp.pool(tp.effects(measure="OR", events=(many, many), n=(N1[:4] * 2, N2[:4] * 2))).advice == ""
    assert tp.pool(data(), method="mh").advice == ""


def test_rates_and_hazards_are_made_of_their_own():
    years = [10.0, 20.0, 30.0], [12.0, 19.0, 33.0]
    rates = tp.effects(measure="IRR", events=([3, 4, 5], [6, 7, 8]), time=years)
    assert rates.effects[0] == pytest.approx(np.log((3 / 10) / (6 / 12)))
    assert tp.pool(rates, method="mh").measure == "IRR"
    assert tp.pool(rates).peto().measure == "IRR"
    hazards = tp.effects(measure="HR", o_minus_e=[-3.0, 1.0], variance=[10.0, 8.0])
    assert hazards.effects.tolist() == [-0.3, 0.125]
    assert hazards.variances.tolist() == [0.1, 0.125]
    needed = tp.pool(hazards, tau2_method="FE").absolute(0.4).number_needed
    survived = 0.6 ** np.exp(-2 / 18)
    assert needed == pytest.approx(1 / (survived - 0.6))


def test_both_figures_are_drawn_and_of_events(tmp_path):
    fit = tp.pool(data(), method="mh")
    for draw, name in ((fit.labbe, "labbe"), (fit.radial, "radial"), (fit.forest, "forest")):
        draw(tmp_path / f"{name}.svg")
        assert (tmp_path / f"{name}.svg").stat().st_size > 3000
    assert "not estimable" in (tmp_path / "forest.svg").read_text("utf-8")
    assert "<p>" in fit._repr_html_()
    with pytest.raises(ValueError, match="of events in two arms"):
        tp.pool(tp.effects(measure="MD", effect=[1.0, 2.0], se=[0.5, 0.6])).labbe()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: tp.pool(data(), method="cmh"), "method is 'cmh': must be one of iv, mh"),
        (lambda: tp.pool(data("RR"), method="peto"), "gives no risk ratio: the measure is one of OR, IRR"),
        (lambda: tp.pool(data(), method="glmm", glmm_model="X"), "glmm_model is 'X'"),
        (lambda: tp.pool(data(), method="mh").influence(), "case diagnostics are of inverse variance"),
        (lambda: tp.pool(data(), method="mh").trim_and_fill(), "trim and fill are of inverse variance"),
        (lambda: tp.effects(measure="OR", events=(A, C), n=(N1, N2), zero_cells="half"), "zero_cells"),
        (lambda: tp.effects(measure="IRR", events=(A, C)), "needs events and time; or effect"),
        (lambda: tp.effects(measure="OR", o_minus_e=[1.0], variance=[2.0]), "measure OR needs"),
        (lambda: tp.effects(measure="HR", o_minus_e=[1.0], variance=[0.0]), "variance is 0"),
        (
            lambda: tp.pool(tp.effects(measure="OR", effect=[0.1, 0.2], se=[0.1, 0.1]), method="mh"),
            "the trials have no counts",
        ),
        (
            lambda: tp.pool(tp.effects(measure="OR", events=(A, [0] * 8), n=(N1, N2)), method="mh"),
            "the ratio is undefined",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize(("measure", "size"), [("PLO", "n"), ("IRLN", "time")])
def test_one_group_is_pooled_by_a_mixed_model_of_its_counts(measure, size, tmp_path):
    events, sizes = [0, 2, 3, 4, 5, 6], [9, 9, 8, 9, 9, 10]
    fit = tp.pool(tp.effects(measure=measure, events=events, **{size: sizes}), method="glmm")
    theirs = stats.glmm_single(events, sizes, measure=measure)
    assert fit.analysis_scale.estimate == pytest.approx(theirs.estimate)
    assert fit.tau2 == pytest.approx(theirs.tau2)
    assert "mixed model of events" in str(fit)
    fit.forest(tmp_path / "forest.svg")
    with pytest.raises(ValueError, match="nobody or everybody"):
        tp.pool(tp.effects(measure="PLO", events=[0, 0], n=[9, 8]), method="glmm")


@pytest.mark.parametrize("measure", ["PLN", "PLO", "IRLN", "MNLN"])
def test_a_bound_that_is_not_known_is_not_shown_as_a_number(measure):
    columns, _ = GROUPS[measure]
    fit = tp.pool(tp.effects(measure=measure, **columns))  # two trials: no prediction interval
    assert math.isnan(fit.pi_low)
    assert "new trial" not in str(fit)


@pytest.mark.parametrize(
    "ask",
    [
        "fail_safe_n",
        "permutation_test",
        "selection_model",
        "smooth_selection",
        "p_uniform",
        "excess_significance",
    ],
)
def test_what_is_asked_against_no_effect_is_not_asked_of_one_group(ask):
    """A proportion has no such value: log odds of 0 are a half. A correlation has one."""
    fit = tp.pool(tp.effects(measure="PLO", events=[1, 2, 3, 4, 5, 6], n=[9, 9, 8, 9, 9, 10]))
    with pytest.raises(ValueError, match="against no effect, of which there is none for a proportion"):
        getattr(fit, ask)()
    related = tp.effects(measure="ZCOR", r=[0.6, 0.5, 0.7, 0.4, 0.6], n=[20, 30, 40, 25, 35])
    getattr(tp.pool(related), ask)()


def test_what_is_of_tables_of_people_says_so_of_others():
    alone = tp.pool(tp.effects(measure="PLO", events=[1, 2, 3], n=[9, 9, 8]))
    with pytest.raises(ValueError, match="of two arms, not of measure PLO"):
        alone.mantel_haenszel()
    with pytest.raises(ValueError, match="a proportion of one group has no other models"):
        alone.multiverse()
    rates = tp.pool(tp.effects(measure="IRR", events=([1, 2, 3], [2, 4, 3]), time=([9, 9, 8], [9, 8, 9])))
    with pytest.raises(ValueError, match="Harbord's test is of events among people, not of measure IRR"):
        rates.harbord()


GROUPS = {
    "PR": ({"events": [3, 5], "n": [10, 20]}, [0.3, 0.25]),
    "PLN": ({"events": [3, 5], "n": [10, 20]}, [0.3, 0.25]),
    "PLO": ({"events": [3, 5], "n": [10, 20]}, [0.3, 0.25]),
    "PAS": ({"events": [3, 5], "n": [10, 20]}, [0.3, 0.25]),
    "IR": ({"events": [3, 5], "time": [10.0, 20.0]}, [0.3, 0.25]),
    "IRLN": ({"events": [3, 5], "time": [10.0, 20.0]}, [0.3, 0.25]),
    "IRS": ({"events": [3, 5], "time": [10.0, 20.0]}, [0.3, 0.25]),
    "MN": ({"means": [3.0, 5.0], "sds": [1.0, 2.0], "n": [10, 20]}, [3, 5]),
    "MNLN": ({"means": [3.0, 5.0], "sds": [1.0, 2.0], "n": [10, 20]}, [3, 5]),
    "COR": ({"r": [0.3, 0.25], "n": [10, 20]}, [0.3, 0.25]),
    "ZCOR": ({"r": [0.3, 0.25], "n": [10, 20]}, [0.3, 0.25]),
}


@pytest.mark.parametrize("measure", GROUPS)
def test_single_groups_come_back_on_the_scale_that_a_reader_knows(measure, tmp_path):
    columns, natural = GROUPS[measure]
    dat = tp.effects(measure=measure, **columns)
    assert dat.to_frame().estimate.tolist() == pytest.approx(natural)
    fit = tp.pool(dat, interval="wald")
    assert min(natural) < fit.estimate < max(natural)
    assert fit.leave_one_out().estimate.tolist() == pytest.approx(natural[::-1])
    fit.forest(tmp_path / "forest.svg")
    drawn = (tmp_path / "forest.svg").read_text("utf-8")
    assert "no-effect" not in drawn
    assert "minus control" not in drawn


def test_changes_and_spreads_are_those_of_stats():
    change = {
        "means": ([3.0, 4.0], [2.0, 2.5]),
        "sds": ([1.0, 2.0], [1.5, 2.5]),
        "n": [10, 20],
        "r": [0.5, 0.6],
    }
    raw = tp.effects(measure="SMCR", **change)
    ours = stats.standardized_mean_change([3.0, 4.0], [2.0, 2.5], [1.5, 2.5], [10, 20], [0.5, 0.6])
    assert (raw.effects.tolist(), raw.variances.tolist()) == (ours.effect.tolist(), ours.variance.tolist())
    own = tp.effects(measure="SMCC", **change)
    ours = stats.standardized_mean_change([3, 4], [2, 2.5], [1.5, 2.5], [10, 20], [0.5, 0.6], sd2=[1, 2])
    assert own.effects.tolist() == ours.effect.tolist()
    spread = tp.effects(measure="VR", sds=([1.0, 2.0], [2.0, 2.0]), n=([10, 20], [10, 20]))
    assert (
        spread.effects.tolist() == stats.log_variability_ratio([1, 2], [10, 20], 2, [10, 20]).effect.tolist()
    )
    arms = {"means": ([3.0, 4.0], [2.0, 2.5]), "sds": ([1.0, 2.0], [1.5, 2.5]), "n": ([10, 20], [11, 19])}
    unequal = tp.effects(measure="SMD", smd_variance="unequal", **arms)
    assert unequal.effects[0] == stats.heteroscedastic_smd(3, 1, 10, 2, 1.5, 11).effect
    corrected = tp.effects(measure="ROM", rom_corrected=True, **arms)
    assert corrected.effects[0] == stats.ratio_of_means(3, 1, 10, 2, 1.5, 11, corrected=True).effect


@pytest.mark.parametrize(
    "asked", [{"prior": 0.5}, {"interval": "hksj"}, {"tau2_method": "DL"}, {"prediction_df": "HTS"}]
)
@pytest.mark.parametrize("method", ["mh", "peto", "glmm", "penalised"])
def test_what_a_method_of_counts_would_set_aside_is_refused(method, asked):
    data = tp.effects(measure="OR", events=([5, 9, 3], [4, 3, 2]), n=([50, 60, 40], [50, 60, 40]))
    (name,) = asked
    with pytest.raises(ValueError, match=f"{name}: method '{method}' takes none; leave it out"):
        tp.pool(data, method=method, **asked)
    tp.pool(data, **tp.pool(data, method=method).settings)
