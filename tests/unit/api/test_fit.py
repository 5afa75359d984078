"""A fit prints its line, keeps to the policy, answers in labelled tables, and agrees with `stats` and R."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest

import trialpool as tp
from tests.unit.api.trials import bcg
from trialpool import api, stats
from trialpool.synthesis.pool import pool_effects

LINE = "RR 0.49 (0.33 to 0.73), 13 trials; τ² 0.31, I² 92%; new trial 0.14 to 1.76"


def effects(**more):
    arms = {"measure": "RR", "events": ("tpos", "cpos"), "n": ("nt", "nc"), "label": "author"}
    return tp.effects(bcg(), **arms | more)


@pytest.fixture(scope="module")
def fit():
    return tp.pool(effects())


def test_the_block_of_the_design(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    df = bcg()
    # fmt: off
    import trialpool as tp

    dat = tp.effects(df, measure="RR", events=("tpos", "cpos"), n=("nt", "nc"), label="author")
    fit = tp.pool(dat)                                    # REML, interval "auto"; tau2_method=, interval=, level=  # noqa: E501
    assert str(fit) == LINE
    fit.estimate; fit.ci_low; fit.tau2; fit.i2; fit.pi_low; fit.log.estimate      # noqa: B018, E702
    fit.to_frame(); fit.leave_one_out(); fit.influence(); fit.cumulative(order="year"); fit.gosh()   # noqa: E702
    fit.egger(); fit.trim_and_fill(); fit.selection_model(); fit.subgroups("alloc"); fit.regress("ablat + alloc")   # noqa: E501, E702
    fit.forest("forest.svg"); fit.funnel("funnel.svg"); fit.baujat("baujat.svg")   # noqa: E702
    # fmt: on
    assert sorted(path.name for path in tmp_path.iterdir()) == ["baujat.svg", "forest.svg", "funnel.svg"]


def test_numbers_are_natural_and_logarithms_are_there(fit):
    # metafor 3.8-1: rma(yi, vi, data = dat.bcg, test = "knha"), tightened (tests/reference)
    assert fit.log.estimate == pytest.approx(-0.7145323422, abs=1e-9)
    assert fit.estimate == pytest.approx(math.exp(-0.7145323422))
    assert (fit.log.se, fit.tau2) == (pytest.approx(0.18079174, abs=1e-8), pytest.approx(0.3132432581))
    assert fit.pi_low == pytest.approx(math.exp(-1.99601683))
    assert fit.tau2_interval == pytest.approx((0.1197183611, 1.1114790841))
    assert fit.analysis_scale is fit.log
    difference = tp.pool(tp.effects(measure="MD", effect=[1, 2], se=[1, 1]))
    with pytest.raises(AttributeError, match="MD is no ratio"):
        _ = difference.log


@pytest.mark.parametrize("k", [1, 2, 4, 5, 6])
@pytest.mark.parametrize("settings", [{}, {"tau2_method": "FE"}, {"prediction_df": "k-2"}, {"level": 0.9}])
def test_the_headline_is_the_one_of_a_review(k, settings):
    fit = tp.pool(effects().take(range(k)), **settings)
    few = "wald" if k == 1 or settings.get("tau2_method") == "FE" else "bayes"
    assert fit.interval == (few if k < 5 or few == "wald" else "hksj_adhoc")
    rows = fit.data.rows()
    record, _ = pool_effects(fit._spec, rows)
    for name in ("estimate", "ci_low", "ci_high", "p_value", "pi_low", "pi_high"):
        theirs = getattr(record, name)
        assert getattr(fit, name) == pytest.approx(math.nan if theirs is None else theirs, nan_ok=True)
    assert math.isnan(fit.pi_low) == (k < 5 or settings.get("tau2_method") == "FE")


def test_lines():
    few = tp.pool(effects().take([0, 1, 2]))
    line = "RR 0.27 (0.13 to 0.58), 3 trials; τ² 0, I² 0%; Bayesian interval"
    assert str(few) == f"{line}; rare events, see .advice"
    assert str(tp.pool(effects().take([0]))) == "RR 0.41 (0.13 to 1.26), 1 trial"
    wide = tp.pool(effects(), level=0.9, interval="hksj")
    assert str(wide).startswith("RR 0.49 (90% CI 0.35 to 0.68), 13 trials")
    assert str(tp.pool(effects(), tau2_method="FE")).endswith("13 trials; I² 92%")
    unscaled = tp.pool(tp.effects(measure="MD", effect=[1, 2], se=[1, 1]))
    assert "nothing tells the scale of a prior of τ (give prior=)" in str(unscaled)
    assert tp.pool(unscaled.data, prior=0.5).interval == "bayes"
    hazards = tp.effects(measure="HR", effect=[0.5, 0.7], ci=([0.2, 0.5], [1.2, 1.0]))
    assert tp.pool(hazards).interval == "bayes"


def test_tables_are_labelled(fit):
    frame = fit.to_frame()
    assert frame.index.name == "label"
    assert frame.loc["TPT Madras", "weight"] == pytest.approx(10.18944, abs=1e-5)
    assert frame.weight.sum() == pytest.approx(100)
    summary = fit.summary().iloc[0]
    assert (summary.measure, summary.k, summary.n_control) == ("RR", 13, 166283)
    assert (summary.estimate, summary.common_estimate) == (
        fit.estimate,
        pytest.approx(math.exp(-0.4302851637)),
    )
    assert fit.models().loc["Common effect", "estimate"] == summary.common_estimate


def test_leaving_trials_out_and_adding_them(fit):
    # metafor: leave1out, and cumul by year
    without = np.log(fit.leave_one_out().estimate)
    assert without["Aronson"] == pytest.approx(-0.70708378, abs=1e-8)
    assert without["Comstock 1976"] == pytest.approx(-0.77753618, abs=1e-8)
    steps = fit.cumulative(order="year")
    assert list(steps.index[:2]) == ["Aronson", "Ferguson & Simes"]
    assert np.log(steps.estimate.iloc[-2]) == pytest.approx(-0.79476760, abs=1e-8)
    third = tp.pool(effects().take([0, 1, 5]))
    assert steps.iloc[2][["k", "estimate", "ci_high"]].tolist() == [3, third.estimate, third.ci_high]
    assert steps.iloc[:4].pi_low.isna().all()
    assert steps.pi_low.iloc[4:].notna().all()
    influence = fit.influence()
    assert influence.baujat_x["Aronson"] == pytest.approx(0.04781834, abs=1e-8)
    assert influence.influential.dtype == bool
    subsets = fit.gosh()
    assert len(subsets) == 2**13 - 1 - 13
    assert subsets["TPT Madras"].mean() == pytest.approx(0.5, abs=0.001)


def test_numbers_that_are_text_are_ordered_as_numbers(tmp_path):
    fit = tp.pool(tp.effects(measure="MD", effect=[1, 2, 3], se=[1] * 3, label=["A", "B", "C"]))
    assert fit.cumulative(["10", "9", "8.5"]).index.tolist() == ["C", "B", "A"]
    assert fit.cumulative(["b", "c", "a"]).index.tolist() == ["C", "A", "B"]
    days = pd.to_datetime(["2020-10-01", "2020-09-01", "2021-01-01"])
    assert fit.cumulative(days).index.tolist() == ["B", "A", "C"]
    svg = tmp_path / "f.svg"
    fit.forest(svg, sort=["10", "9", "100"], columns=["study", "plot", "effect"])
    said = svg.read_text("utf-8")
    assert said.index(">B<") < said.index(">A<") < said.index(">C<")
    for faulty, problem in (
        (["1", "x", "2"], "'x' is a word and '1' a number"),
        ([1, None, 2], "B has no value"),
    ):
        with pytest.raises(ValueError, match=f"order: {problem}"):
            fit.cumulative(faulty)
        with pytest.raises(ValueError, match=f"sort: {problem}"):
            fit.forest(sort=faulty)


def test_small_studies(fit):
    test = fit.egger()
    assert str(test) == "Egger's test: t = −1.40 on 11 df, p = 0.19"
    assert test.p_value == stats.egger(fit.data.effects, fit.data.variances).p_value
    filled = fit.trim_and_fill()
    assert (filled.missing, filled.side) == (1, "right")
    # metafor: trimfill(rma(yi, vi))
    assert math.log(filled.estimate) == pytest.approx(-0.6571, abs=5e-5)
    assert filled.analysis_scale.estimate == pytest.approx(math.log(filled.estimate))
    assert fit.selection_model().alternative == "less"
    assert fit.fail_safe_n().number == 598
    assert fit.begg().to_frame().loc["Begg's test", "p_value"] == pytest.approx(0.9524, abs=1e-4)
    assert "by PET" in str(fit.pet_peese())
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = test.nothing
    few = tp.pool(effects().take([0, 1])).egger()
    assert "needs at least 3 studies" in str(few)


def test_egger_of_smds_is_on_sample_size():
    arms = {"means": ([1, 2, 3], [1, 1, 1]), "sds": ([1] * 3, [1] * 3), "n": ([10, 20, 30], [10, 20, 30])}
    fit = tp.pool(tp.effects(measure="SMD", **arms))
    assert fit.egger().predictor == "sample_size"
    assert fit.egger(predictor="se").predictor == "se"


def test_subgroups(fit):
    groups = fit.subgroups("alloc")
    # metafor, each group by itself
    assert math.log(groups.to_frame().estimate["random"]) == pytest.approx(-0.97096470, abs=1e-8)
    assert groups.to_frame().tau2["systematic"] == pytest.approx(0.40034588, abs=1e-8)
    assert groups.df == 2
    common = tp.pool(effects(), interval="hksj").subgroups("alloc", tau2="common")
    # metafor: rma(yi, vi, mods = ~ alloc, test = "knha")
    assert (common.statistic, common.df2) == (pytest.approx(0.96622084, abs=1e-8), 10)
    frame = bcg().assign(alloc=[None, *bcg().alloc[1:]])
    some = tp.pool(tp.effects(frame, measure="RR", events=("tpos", "cpos"), n=("nt", "nc"), label="author"))
    with pytest.warns(UserWarning, match=r"1 of 13 trials left out: Aronson \(alloc missing\)"):
        assert some.subgroups("alloc").to_frame().k.sum() == 12


def test_one_group_is_no_comparison(fit):
    with pytest.raises(ValueError, match="group: all trials are of group 'a'; two make a comparison"):
        fit.subgroups(["a"] * 13)


def test_regression():
    fit = tp.pool(effects(), interval="wald")
    latitude = fit.regress("ablat")
    # metafor: rma(yi, vi, mods = ~ ablat)
    assert latitude.to_frame().coefficient.tolist() == pytest.approx([0.2514682100, -0.0291017250])
    assert (latitude.tau2, latitude.r2) == (pytest.approx(0.0763479640), pytest.approx(75.62662181))
    assert str(latitude).startswith(
        "ablat, 13 trials: Q = 16.36 on 1 df, p < 0.001; residual τ² 0.076, I² 68%"
    )
    predicted = latitude.predict({"ablat": [33.46]})
    assert math.log(predicted.estimate[0]) == pytest.approx(0.2514682100 - 0.0291017250 * 33.46)
    both = fit.regress("ablat + C(alloc)")
    assert list(both.to_frame().index)[1:] == ["ablat", "C(alloc)[T.random]", "C(alloc)[T.systematic]"]
    assert both.qm_df == 3
    assert latitude.permutation_test(draws=200).to_frame().index.tolist() == ["Intercept", "ablat"]
    with pytest.raises(ValueError, match=r"formula 'abla': .*the columns are author, year"):
        fit.regress("abla")
    with pytest.raises(ValueError, match="needs a moderator beside the intercept"):
        fit.regress("0 + ablat")
    with pytest.raises(ValueError, match="one moderator"):
        both.bubble()


@pytest.mark.parametrize(
    ("trials", "problem"),
    [
        ({"ablat": [40], "alloc": ["Z"]}, "alloc: 'Z' is none of alternate, random, systematic"),
        ({"ablat": [40]}, "trials: the table has no column 'alloc'"),
        ({"ablat": ["north"], "alloc": ["random"]}, "ablat: 'north' is not a number"),
        ({"ablat": [40, None], "alloc": ["random"] * 2}, "ablat: row 1 is empty; every moderator"),
        ({"ablat": [40], "alloc": [None]}, "alloc: row 0 is empty"),
    ],
)
@pytest.mark.parametrize("formula", ["ablat + alloc", "ablat + C(alloc, Treatment('random'))", "alloc*ablat"])
def test_a_prediction_of_what_no_trial_was_is_refused(fit, formula, trials, problem):
    regression = fit.regress(formula)
    with pytest.raises(ValueError, match=problem):
        regression.predict(trials)
    # read as numbers, and the same whatever was asked before
    text = regression.predict({"ablat": ["40"], "alloc": ["random"]})
    assert text.equals(regression.predict({"ablat": [40], "alloc": ["random"]}))


def test_a_formula_has_no_left_side(fit):
    with pytest.raises(ValueError, match=r"formula 'yi ~ ablat': .* write what follows ~ alone"):
        fit.regress("yi ~ ablat")
    assert fit.regress("~ ablat").coefficients.tolist() == fit.regress("ablat").coefficients.tolist()


def test_a_moderator_with_gaps():
    frame = bcg().assign(ablat=[np.nan, *bcg().ablat[1:]])
    dat = tp.effects(frame, measure="RR", events=("tpos", "cpos"), n=("nt", "nc"), label="author")
    with pytest.warns(UserWarning, match="1 of 13 trials left out: Aronson"):
        assert "12 trials" in str(tp.pool(dat).regress("ablat"))


@pytest.mark.parametrize("gap", [None, np.nan, "", " "])
@pytest.mark.parametrize("kind", [object, "str", "category"])
def test_a_trial_of_unknown_group_is_in_none(gap, kind):
    alloc = pd.Series([gap, *bcg().alloc[1:7], gap, *bcg().alloc[8:]]).astype(kind)
    dat = tp.effects(bcg().assign(alloc=alloc), measure="RR", events=("tpos", "cpos"), n=("nt", "nc"))
    fit, known = tp.pool(dat, interval="wald"), tp.pool(dat.take([1, 2, 3, 4, 5, 6, *range(8, 13)]))
    told = pytest.warns(UserWarning, match=r"2 of 13 trials left out: Trial 1 \((C\()?alloc\)? missing\)")
    with told:
        found = fit.regress("C(alloc)")
    # metafor: rma(yi, vi, mods = ~ factor(alloc)), of which two are NA
    assert found.coefficients.tolist() == pytest.approx([-0.5244915786, -0.7135149818, 0.0796735185])
    assert (found.tau2, found.qm) == (pytest.approx(0.248854998845), pytest.approx(4.44526016786))
    assert "11 trials" in str(found)
    for asked in (lambda fit: fit.bayes_regress("alloc"), lambda fit: fit.location_scale("alloc")):
        with told:
            some = asked(fit)
        assert "11 trials" in str(some)
        pd.testing.assert_frame_equal(some.to_frame(), asked(known).to_frame())
    with told:
        assert fit.subgroups("alloc").to_frame().k.to_dict() == {"random": 5, "alternate": 2, "systematic": 4}
    with pytest.raises(ValueError, match="formula 'alloc': Trial 1 has no value"):
        fit.multivariate(["year"], formula="alloc")


def test_what_is_made_of_an_unknown_number_is_unknown():
    frame = bcg().assign(ablat=[None, *bcg().ablat[1:]], words=pd.array(bcg().alloc, dtype="string"))
    frame["day"] = pd.to_datetime(frame.year.astype(str), format="%Y")
    fit = tp.pool(tp.effects(frame, measure="RR", events=("tpos", "cpos"), n=("nt", "nc"), label="author"))
    with pytest.warns(UserWarning, match=r"1 of 13 trials left out: Aronson \(C\(ablat > 40\) missing\)"):
        assert "12 trials" in str(fit.regress("C(ablat > 40)"))
    # pandas' own type of text is words too
    assert fit.regress("words").coefficients.tolist() == fit.regress("alloc").coefficients.tolist()
    with pytest.raises(ValueError, match="day: a date is no moderator; give a number, such as the year"):
        fit.regress("day")
    with pytest.raises(ValueError, match=r"formula 'year \|': it cannot be worked out"):
        fit.regress("year |")


def test_a_group_that_no_trial_is_of_is_no_term(fit):
    alloc = pd.Series(bcg().alloc).astype(pd.CategoricalDtype(["none", "alternate", "random", "systematic"]))
    own = tp.effects(bcg().assign(alloc=alloc), measure="RR", events=("tpos", "cpos"), n=("nt", "nc"))
    assert tp.pool(own).regress("alloc").to_frame().equals(fit.regress("alloc").to_frame())


def test_robust_priors_are_of_the_measure_not_of_the_fit(monkeypatch):
    scales = []

    def robust_bayes(*numbers, scale, **kind):
        scales.append(scale)
        raise InterruptedError

    monkeypatch.setattr(stats, "robust_bayes", robust_bayes)

    def units(data):
        scales.clear()
        for prior in (None, 0.1):
            with pytest.raises(InterruptedError):
                tp.pool(data, prior=prior).robust_bayes()
        return scales

    numbers = {"effect": [0.5, 0.7, 0.3, 0.4], "se": [0.2, 0.3, 0.4, 0.3]}
    for measure, unit in (("SMD", 1), ("RR", 1), ("OR", math.pi / math.sqrt(3)), ("RD", 0.2)):
        assert units(tp.effects(measure=measure, **numbers)) == [unit, unit]
    means = {"means": ([1, 2, 3], [1, 1, 1]), "sds": ([4] * 3, [4] * 3), "n": ([10, 20, 30], [10, 20, 30])}
    assert units(tp.effects(measure="MD", **means)) == [4, 4]
    with pytest.raises(ValueError, match="scale: nothing tells what an SMD of 1 is as MD; give it"):
        tp.pool(tp.effects(measure="MD", **numbers)).robust_bayes()


@pytest.mark.parametrize("measure", ["PLO", "PR"])
def test_a_group_has_no_effect_that_publication_selects(measure):
    fit = tp.pool(tp.effects(measure=measure, events=[5, 9, 3], n=[50, 60, 40]), prior=0.5)
    for scale in (None, 1.0):
        with pytest.raises(ValueError, match="against no effect, of which there is none for a proportion"):
            fit.robust_bayes(scale=scale)


def test_other_models(fit):
    assert math.log(fit.mantel_haenszel().estimate) == pytest.approx(-0.45370960, abs=1e-8)
    assert math.log(fit.peto().estimate) == pytest.approx(-0.47444631, abs=1e-8)
    assert fit.robust().robust_df == pytest.approx(11.04125, abs=1e-5)
    assert fit.multilevel("alloc").clusters == 3
    posterior = fit.bayes()
    assert posterior.to_frame().loc["mean effect", "estimate"] == pytest.approx(
        fit.summary().bayes_estimate[0]
    )
    assert list(posterior.to_frame().index[:3]) == ["mean effect", "new trial", "Aronson"]
    assert fit.bayes("uniform", scale=4).estimate != posterior.estimate
    # 0.1 * 0.4894 = 0.0489: 51 fewer of 1,000, one of 1 / 0.0511 = 19.6
    assert fit.absolute(0.1).number_needed == pytest.approx(19.5856, abs=1e-4)
    assert fit.multiverse().estimate.is_monotonic_increasing
    assert fit.permutation_test().count == 8192
    with pytest.raises(ValueError, match="the trials have no events"):
        tp.pool(tp.effects(measure="RR", effect=[0.1, 0.2], se=[1, 1])).peto()
    with pytest.raises(ValueError, match="scale: the trials do not say"):
        tp.pool(tp.effects(measure="MD", effect=[1, 2], se=[1, 1])).bayes()


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_a_figure_is_written_in_the_format_of_its_ending(fit, tmp_path, suffix):
    fit.forest(tmp_path / f"forest.{suffix}", title="BCG")
    assert [path.name for path in tmp_path.iterdir()] == [f"forest.{suffix}"]
    with pytest.raises(ValueError, match=r"ends in '.gif': take one of .svg, .pdf, .png"):
        fit.forest(tmp_path / "forest.gif")


def test_the_forest_takes_its_options(fit, tmp_path):
    path = tmp_path / "f.svg"
    options = {"columns": ["study", "plot", "effect"], "headings": {"study": "Source"}, "sort": "year"}
    fit.forest(path, by="alloc", favours=("BCG better", "BCG worse"), **options)
    svg = path.read_text("utf-8")
    said = svg[svg.index("</style>") :]
    for word in ("Source", "Alternate", "Subtotal, 7 trials", "BCG better", "0.49", "Between subgroups"):
        assert word in said
    assert "4/123" not in said
    assert "no published judgement" not in said
    assert said.index("Stein") < said.index("Frimodt")  # 1953, 1973
    for favours in (("BCG",), "ab", ("a", "b", "c")):
        with pytest.raises(ValueError, match=r"favours is .*: needs two words"):
            fit.forest(favours=favours)
    with pytest.raises(ValueError, match="columns: 'wieght' is not among the columns; did you mean 'weight'"):
        fit.forest(columns=["wieght"])
    with pytest.raises(ValueError, match="style: 'x' is not among the styles"):
        fit.forest(style="x")


def test_directions_are_told_where_they_are_known(tmp_path):
    known = tp.pool(effects(names=("BCG", "no vaccine"), better="lower"))
    known.forest(tmp_path / "known.svg")
    assert "favours BCG" in (tmp_path / "known.svg").read_text("utf-8")
    tp.pool(effects()).forest(tmp_path / "unknown.svg")
    assert "favours" not in (tmp_path / "unknown.svg").read_text("utf-8")
    with pytest.raises(ValueError, match="better: say in effects"):
        tp.pool(effects()).posterior_plot()


def test_every_figure_is_drawn(tmp_path):
    fit = tp.pool(effects(better="lower"))
    figures = ("funnel", "baujat", "gosh_plot", "influence_plot", "posterior_plot", "specification_curve")
    for name in figures:
        getattr(fit, name)(tmp_path / f"{name}.svg", title="Tuberculosis")
        assert "Tuberculosis" in (tmp_path / f"{name}.svg").read_text("utf-8")
    fit.regress("ablat").bubble(tmp_path / "bubble.svg")
    assert "Ablat" in (tmp_path / "bubble.svg").read_text("utf-8")


def test_a_notebook_shows_the_fit_with_its_forest(fit):
    shown = fit._repr_html_()
    assert shown.startswith(f"<p>{LINE}</p>")
    assert "<table" in shown
    assert "<svg" in shown
    assert "<svg" in fit.funnel()._repr_svg_()
    assert "Egger" in fit.egger()._repr_html_()


def test_labels_cannot_inject_markup():
    dat = effects(label=["<script>x</script>", *bcg().author[1:]])
    for shown in (tp.pool(dat)._repr_html_(), dat._repr_html_(), tp.pool(dat).bayes()._repr_html_()):
        assert "<script>" not in shown


def test_faulty_calls():
    with pytest.raises(TypeError, match=r"data is a DataFrame: make it with trialpool.effects"):
        tp.pool(bcg())
    with pytest.raises(ValueError, match="interval is 'wide': must be one of auto"):
        tp.pool(effects(), interval="wide")
    with pytest.raises(ValueError, match="tau2_method is 'X'"):
        tp.pool(effects(), tau2_method="X")
    for k, prior, problem in (
        (3, 0, "prior is 0: must be above 0"),
        (13, -1, "prior is -1"),
        (3, "a", "prior: not"),
    ):
        with pytest.raises(ValueError, match=problem):
            tp.pool(effects().take(range(k)), prior=prior)
    with pytest.raises(ValueError, match="scale is 0: must be above 0"):
        tp.pool(effects()).bayes(scale=0)
    with pytest.raises(ValueError, match="order: the table has no column 'yaer': did you mean 'year'"):
        tp.pool(effects()).cumulative(order="yaer")
    with pytest.raises(ValueError, match="cluster has 2 values: needs one for each of the 13 trials"):
        tp.pool(effects()).multilevel([1, 2])


def test_a_fit_survives_pickling(fit):
    assert str(pickle.loads(pickle.dumps(fit))) == LINE
    assert pickle.loads(pickle.dumps(fit.egger())).p_value == fit.egger().p_value


def test_every_method_says_what_it_does():
    for kind in (api.Fit, api.Dataset, api.NetworkFit, api.Result, api.Regression):
        methods = {name: value for name, value in vars(kind).items() if not name.startswith("_")}
        said = (value for value in methods.values() if callable(value) or isinstance(value, property))
        assert all(value.__doc__ for value in said)


def test_the_forest_is_shaped_by_the_words_of_a_review(fit, tmp_path):
    path = tmp_path / "f.svg"
    fit.forest(
        path,
        style="bmj",
        columns=["study", {"alloc": "Allocation"}, "ablat", "events", "plot", "effect", "weight_common"],
        sort="-effect",
        limits=(0.2, 2),
        digits=3,
        labels={fit.data.labels[0]: "Aronson and others"},
        show=["i2", "common", "nnt"],
    )
    svg = path.read_text("utf-8")
    said = svg[svg.index("</style>") :]
    for word in ("Allocation", "Ablat", "/123", "Aronson and others", "I²=92%", "Common effect", "0.489"):
        assert word in said
    assert "0.411 (" not in said  # estimate and interval are two texts
    assert ">0.411<" in said
    assert "95% prediction" not in said
    assert "Number needed to treat: NNTB 124 (94 to 230)" in said
    assert said.index("Comstock &amp; Webster") < said.index("TPT Madras") < said.index("Vandiviere")
    common = tp.pool(fit.data, tau2_method="FE")
    assert f"{common.weights[0]:.1f}" in said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"prediction": "blob"}, "prediction: 'blob' is not among the ways to draw it"),
        ({"limits": (2, 1)}, r"limits: '\[2, 1\]' is not in ascending order"),
        ({"ticks": (0, 1)}, "ticks: '0' is not on the axis of RR"),
        ({"colums": ["study"]}, "colums: '' is the key 'colums' is not known; did you mean 'columns'"),
    ],
)
def test_what_a_forest_cannot_be_is_told(fit, asked, said):
    with pytest.raises(ValueError, match=said):
        fit.forest(**asked)


def test_a_forest_has_the_width_of_a_column_and_the_dots_of_print(fit, tmp_path):
    from PIL import Image

    fit.forest(tmp_path / "f.tiff", style="plain", width=85)
    with Image.open(tmp_path / "f.tiff") as image:
        assert image.size[0] == pytest.approx(85 / 25.4 * 600, abs=1)
        assert round(float(image.info["dpi"][0])) == 600


def test_forests_stand_side_by_side(fit, tmp_path):
    dat = tp.effects(measure="MD", effect=[1.0, 2.0], se=[0.5, 0.6], label=[fit.data.labels[0], "Another"])
    tp.forests({"Risk": fit, "Days": tp.pool(dat)}, tmp_path / "f.svg", title="Both", sort="effect")
    svg = (tmp_path / "f.svg").read_text("utf-8")
    said = svg[svg.index("</style>") :]
    assert said.count(f">{fit.data.labels[0]}<") == 1
    assert said.count("Another<") == 1
    assert "Risk<" in said
    assert "Days<" in said


def test_the_report_says_methods_and_result(fit):
    methods, result = fit.report().split("\n\n")
    assert "restricted maximum likelihood (REML)" in methods
    for word in (
        "RR 0.49 (95% CI 0.33 to 0.73)",
        "13 trials",
        "τ² = 0.31",
        "prediction interval 0.14 to 1.76",
    ):
        assert word in result
    counted = tp.pool(fit.data, method="mh").report()
    assert "Mantel–Haenszel" in counted


FIGURES = (
    "funnel",
    "radial",
    "drapery",
    "orchard",
    "baujat",
    "gosh_plot",
    "influence_plot",
    "posterior_plot",
)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_of_several_trials_is_not_drawn_of_one(figure):
    one = tp.pool(tp.effects(measure="MD", effect=[0.1], se=[0.2], label=["Lu 2020"], better="lower"))
    with pytest.raises(
        ValueError, match=r"Lu 2020 is one trial: the figure needs two at least, \.forest\(\) one"
    ):
        getattr(one, figure)()


def test_what_is_no_file_and_no_fit_is_refused_in_words(fit):
    with pytest.raises(TypeError, match="path is a int: give the name of a file"):
        fit.drapery(3)
    for fits in ([fit], [fit, 1], 3):
        with pytest.raises(ValueError, match="fits: give two or more"):
            tp.forests(fits)
