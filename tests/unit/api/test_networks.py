"""Networks from arms and from pairs: the same numbers, a league table, a ranking, a figure."""

import math

import numpy as np
import pytest

import trialpool as tp
from trialpool import stats

ARMS = {
    "study": ["1", "1", "2", "2", "3", "3", "4", "4", "4"],
    "arm": ["a", "b", "b", "c", "a", "c", "a", "b", "c"],
    "r": [9, 5, 6, 4, 8, 3, 7, 4, 5],
    "n": [50] * 9,
}
OF_ARMS = {"study": "study", "treatment": "arm", "measure": "OR", "events": "r", "n": "n", "reference": "a"}


def pairs():
    """Every pair of arms of a trial, as netmeta's pairwise() has them."""
    rows = []
    for name in "1234":
        at = [row for row, study in enumerate(ARMS["study"]) if study == name]
        rows += [(name, at[j], at[i]) for i in range(len(at)) for j in range(i + 1, len(at))]
    one, other = (np.array([row[side] for row in rows]) for side in (1, 2))
    r, n, arm = (np.array(ARMS[name]) for name in ("r", "n", "arm"))
    odds = stats.odds_ratio(r[one], n[one], r[other], n[other])
    table = {"study": [row[0] for row in rows], "t1": arm[one], "t2": arm[other]}
    return table | {"te": odds.effect, "v": odds.variance}


def test_arms_and_pairs_give_the_same_network():
    arms = tp.network(ARMS, **OF_ARMS)
    dat = tp.effects(pairs(), measure="OR", effect="te", variance="v", label="study")
    from_pairs = tp.network(dat, study="study", treatment=("t1", "t2"), reference="a")
    assert str(arms) == "3 treatments, 4 trials, OR; τ² 0, I² 0%; against a, best first: c, b and a"
    assert from_pairs.to_frame().to_numpy() == pytest.approx(arms.to_frame().to_numpy())
    found = stats.contrasts_from_arms(
        [math.log(r / (n - r)) for r, n in zip(ARMS["r"], ARMS["n"], strict=True)],
        [1 / r + 1 / (n - r) for r, n in zip(ARMS["r"], ARMS["n"], strict=True)],
        ARMS["arm"],
        ARMS["study"],
    )
    fit = stats.network_meta_analysis(*(getattr(found, name) for name in found.__dataclass_fields__))
    assert arms.to_frame().estimate["c"] == pytest.approx(math.exp(fit.effects[2, 0]))


def test_tables_and_figure(tmp_path):
    fit = tp.network(ARMS, **OF_ARMS, title="Made up")
    assert fit.league().loc["c", "b"].startswith("0.")
    assert fit.league().loc["c", "c"] == ""
    assert fit.to_frame("b").index.tolist() == ["c", "a"]
    assert fit.ranking().p_score.idxmax() == "c"
    assert fit.node_split().index.tolist() == [("b", "a"), ("c", "a"), ("c", "b")]
    assert fit.inconsistency().df[0] > 0
    fit.graph(tmp_path / "graph.svg")
    assert "Made up" in (tmp_path / "graph.svg").read_text("utf-8")
    assert "<svg" in fit._repr_html_()


def test_means_as_well():
    table = {
        "s": [1, 1, 2, 2, 3, 3],
        "t": list("abbcac"),
        "m": [1, 2, 2, 3, 1, 3],
        "sd": [1] * 6,
        "k": [20] * 6,
    }
    fit = tp.network(table, measure="MD", study="s", treatment="t", mean="m", sd="sd", n="k", better="higher")
    assert fit.to_frame("a").estimate.to_dict() == pytest.approx({"b": 1.0, "c": 2.0})
    assert fit.treatments == ["c", "b", "a"]


def test_pairs_by_hand():
    # variances of arms a, b, c: 0.1, 0.2, 0.3; against a, b and c share a's 0.1
    found = stats.contrasts_from_pairs([0.5, 1.0, -0.5], [0.3, 0.4, 0.5], "bcb", "aac", "sss")
    assert found.covariance == pytest.approx(np.array([[0.3, 0.1], [0.1, 0.4]]))
    assert (found.experimental, found.control) == (("b", "c"), ("a", "a"))
    with pytest.raises(ValueError, match="study 's': b, c and a contradict each other"):
        stats.contrasts_from_pairs([0.5, 1.0, 0.5], [0.3, 0.4, 0.5], "bcb", "aac", "sss")
    with pytest.raises(ValueError, match="study 's' has 3 arms: give a contrast of each of their pairs"):
        stats.contrasts_from_pairs([0.5, 1.0], [0.3, 0.4], "bc", "aa", "ss")
    with pytest.raises(ValueError, match="study 's': no arms give its pairs these standard errors"):
        stats.contrasts_from_pairs([0.5, 1.0, -0.5], [0.1, 0.1, 0.9], "bcb", "aac", "sss")
    for again in (("bb", "aa", "b against a"), ("ba", "ab", "a against b")):
        with pytest.raises(ValueError, match=f"study '1' has {again[2]} twice: combine or remove one"):
            stats.contrasts_from_pairs([0.5, 1.0], [0.3, 0.4], *again[:2], "11")
    with pytest.raises(ValueError, match="study '1' has a against itself: name two arms"):
        stats.contrasts_from_pairs([0.5], [0.3], "a", "a", "1")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"reference": "z"}, "reference is 'z': must be one of a, b, c"),
        ({"treatment": "amr"}, "treatment: the table has no column 'amr': did you mean 'arm'"),
        ({"n": None}, "measure 'OR': of arms, RR OR RD need events and n"),
        ({"better": ""}, "better is ''"),
        ({"study": ["1", None, *"2233444"]}, "study: row 2 is empty"),
        ({"treatment": [*"abbcaca", "", "c"]}, "treatment: row 8 is empty"),
        ({"study": [1, 2]}, "columns differ in length: study 2, treatment 9, events 9, n 9"),
        ({"n": [50] * 8}, "columns differ in length: .* n 8"),
        ({"treatment": ("e",)}, "columns differ in length: .* treatment 1"),
    ],
)
def test_faulty_calls(change, problem):
    with pytest.raises(ValueError, match=problem):
        tp.network(ARMS, **OF_ARMS | change)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"treatment": ("t1",)}, r"treatment: comparisons need two columns, such as treatment=\('one'"),
        ({"treatment": "t1"}, "treatment: comparisons need two columns"),
        ({"treatment": (["b"], "t2")}, "treatment has 1 values: needs one for each of the 6 trials"),
        ({"treatment": ("t1", [None] * 6)}, "treatment: row 1 is empty"),
        ({"study": ["1", np.nan, "3", *"444"]}, "study: row 2 is empty"),
        ({"measure": "OR"}, "measure: a Dataset has its effects; leave this out"),
        ({"zero_cells": 0}, "zero_cells: a Dataset has its effects"),
        ({"events": "te"}, "events: a Dataset has its effects"),
    ],
)
def test_faulty_calls_of_pairs(change, problem):
    dat = tp.effects(pairs(), measure="OR", effect="te", variance="v", label="study")
    with pytest.raises(ValueError, match=problem):
        tp.network(dat, **{"study": "study", "treatment": ("t1", "t2")} | change)


def test_without_residuals_the_interval_is_walds_and_says_so():
    chain = {name: values[:4] for name, values in ARMS.items()}  # a b, b c: two trials, two effects
    fit = tp.network(chain, **OF_ARMS, interval="hksj")
    assert (fit.fit.interval, fit.fit.df) == ("wald", None)
    assert fit.to_frame().equals(tp.network(chain, **OF_ARMS).to_frame())
    assert tp.network(ARMS, **OF_ARMS, interval="hksj").fit.interval == "hksj"


def test_trials_that_compare_nothing_are_refused():
    with pytest.raises(ValueError, match="study '1' compares a and a: it needs two treatments, each once"):
        tp.network(ARMS | {"arm": ["a", "a", *ARMS["arm"][2:]]}, **OF_ARMS)
    two = {name: values[:2] for name, values in ARMS.items()}
    with pytest.raises(ValueError, match=r"two treatments, a and b, are no network: .* with trialpool\.pool"):
        tp.network(two, **OF_ARMS)
    apart = {"study": [1, 1, 2, 2], "arm": ["a", "b", "c", "d"], "r": [9, 5, 6, 4], "n": [50] * 4}
    with pytest.raises(ValueError, match="No three treatments are connected"):
        tp.network(apart, **OF_ARMS)


def test_a_part_that_is_not_connected_is_told():
    apart = {
        name: [*values, *more]
        for (name, values), more in zip(ARMS.items(), [["5", "5"], "xy", [3, 4], [50, 50]], strict=True)
    }
    with pytest.warns(UserWarning, match="Not connected to them, hence not compared: x, y"):
        assert tp.network(apart, **OF_ARMS).treatments == ["c", "b", "a"]


def test_a_reference_that_is_not_connected_is_refused():
    apart = {
        name: [*values, *more]
        for (name, values), more in zip(ARMS.items(), [["5", "5"], "xy", [3, 4], [50, 50]], strict=True)
    }
    with pytest.raises(ValueError, match="reference: x is not connected to the largest part, a, b and c"):
        tp.network(apart, **OF_ARMS | {"reference": "x"})


@pytest.mark.parametrize("method", ["inverse", "mh", "nch"])
def test_a_trial_left_with_one_arm_is_left_out(method):
    lacking = ARMS | {"r": [9, 5, math.nan, 4, 8, 3, 7, 4, 5]}
    with pytest.warns(UserWarning, match="left out") as told:
        fit = tp.network(lacking, **OF_ARMS, method=method)
    assert [str(each.message) for each in told] == [
        "1 of 9 arms left out: 2 b (events missing)",
        "trials left out, with one arm left: 2",
    ]
    rest = {name: [*values[:2], *values[4:]] for name, values in ARMS.items()}
    assert fit.to_frame().equals(tp.network(rest, **OF_ARMS, method=method).to_frame())


def test_names_may_be_numbers():
    numbers = ARMS | {
        "arm": [{"a": 1, "b": 2, "c": 3}[arm] for arm in ARMS["arm"]],
        "study": list("112233444"),
    }
    fit = tp.network(numbers, **OF_ARMS | {"reference": 1})
    assert fit.to_frame(2).index.tolist() == ["3", "1"]
    with pytest.raises(ValueError, match="reference is '9': must be one of 3, 2, 1"):
        fit.to_frame(9)
    assert fit.contribution(judgements={1: "low", 2: "low", 3: "low", 4: "high"}).shape == (3, 2)
    with pytest.raises(ValueError, match="judgements: one is missing for 3, 4"):
        fit.contribution(judgements={1: "low", 2: "low"})
    assert fit.components(inactive=1).attrs["tau2"] == 0
    for order in (None, [1, 2], [1, 2, 3, 3], "1,2,3"):
        with pytest.raises(ValueError, match="order: list each treatment once: 1, 2, 3"):
            fit.funnel(order)


@pytest.mark.parametrize("interval", ["wald", "hksj"])
def test_treatments_that_are_all_alike_share_the_ranks(interval):
    fit = tp.network(ARMS | {"r": [5] * 9}, **OF_ARMS, interval=interval)
    assert fit.ranking().p_score.tolist() == pytest.approx([0.5] * 3)
    chances = fit.rank_probabilities()
    assert chances[["rank 1", "rank 2", "rank 3"]].to_numpy() == pytest.approx(
        np.full((3, 3), 1 / 3), abs=1e-3
    )


def test_a_funnel_of_equally_precise_trials_says_why_it_has_no_test():
    several = tp.effects(measure="MD", effect=[0.1, 0.2, 0.4] * 4, se=[0.2] * 12, label=list("abcdefghijkl"))
    arms = (list("xyx") * 4, list("zzy") * 4)
    figure = tp.network(several, study=list("abcdefghijkl"), treatment=arms).funnel(["x", "y", "z"])
    said = " ".join(each.get_text() for each in figure.findobj(lambda part: hasattr(part, "get_text")))
    assert "Egger's test of asymmetry: all studies have the same size" in " ".join(said.split())


@pytest.mark.parametrize("measure", ["IRR", "PLO", "VR"])
def test_measures_that_arms_do_not_give_together_are_refused(measure):
    given = {"mean": [1.0, 2.0], "sd": [1.0, 1.0], "n": [10, 10]}
    with pytest.raises(ValueError, match="of arms, RR OR RD need events and n"):
        tp.network(None, measure=measure, study=["A", "A"], treatment=["x", "y"], **given)


def test_a_network_taken_apart(tmp_path):
    fit = tp.network(ARMS, **OF_ARMS, title="Made up")
    split = fit.split()
    assert split.index.tolist() == [("b", "a"), ("c", "a"), ("c", "b")]
    assert split.estimate.to_numpy() == pytest.approx(
        [fit.league_rows().estimate[pair] for pair in split.index]
    )
    assert split.trials.tolist() == [2, 2, 2]
    turned = fit.split(turned=True)
    assert turned.direct["a", "b"] == pytest.approx(1 / split.direct["b", "a"])
    assert turned.ci_low["a", "b"] == pytest.approx(1 / split.ci_high["b", "a"])
    league = fit.league(direct=True)  # c, b, a: the direct estimate of a against c stands below
    assert league.loc["a", "c"].startswith(f"{turned.direct['a', 'c']:.2f}")
    assert league.loc["c", "a"] == fit.league().loc["c", "a"]
    ranks = fit.rank_probabilities()
    assert ranks[["rank 1", "rank 2", "rank 3"]].sum(axis=1).to_numpy() == pytest.approx(np.ones(3))
    assert ranks.sucra.to_dict() == pytest.approx(fit.ranking().p_score.to_dict())
    assert 0 < ranks.attrs["poth"] < 1
    assert fit.contribution().sum(axis=1).to_numpy() == pytest.approx(np.ones(3))
    assert list(fit.contribution("study").columns) == list("1234")
    risk = fit.contribution(judgements={"1": "low", "2": "high", "3": "high", "4": "low"})
    assert risk["low"].to_numpy() == pytest.approx(
        fit.contribution("study")[["1", "4"]].sum(axis=1).to_numpy()
    )
    with pytest.raises(ValueError, match="judgements: one is missing for 3, 4"):
        fit.contribution(judgements={"1": "low", "2": "high"})
    with pytest.raises(ValueError, match="by is 'arm': must be one of comparison, study"):
        fit.contribution("arm")
    heat = fit.net_heat()
    assert heat.q.sum() > 0
    assert heat.columns.tolist() == ["q", *heat.index]
    fit.split_forest(tmp_path / "split.svg")
    fit.rankogram(tmp_path / "ranks.svg")
    fit.heat_plot(tmp_path / "heat.svg")
    fit.funnel("abc", tmp_path / "funnel.svg")
    fit.contribution_bars({"1": "low", "2": "high", "3": "unclear", "4": "low"}, tmp_path / "bars.svg")
    for name, word in (
        ("split", "Indirect"),
        ("ranks", "SUCRA"),
        ("heat", "Net heat"),
        ("funnel", "too few to tell"),
        ("bars", "unclear"),
    ):
        assert word in (tmp_path / f"{name}.svg").read_text("utf-8")


def test_indirect_evidence_next_to_nothing_is_left_empty():
    arms = {  # b v c is known of every trial; what goes through a is the odd weight of trials of three
        "study": [*"000111", "2", "2", "3", "3"],
        "arm": [*"bcabca", "c", "b", "d", "b"],
        "r": [3, 4, 2, 5, 5, 5, 0, 0, 4, 3],
        "n": [24, 19, 24, 18, 37, 14, 19, 12, 25, 36],
    }
    fit = tp.network(arms, **OF_ARMS, tau2_method="DL")
    pair = fit.split(turned=True).loc[[("c", "b"), ("b", "c")]]
    assert pair.share_direct.to_numpy() == pytest.approx(np.ones(2), abs=1e-3)
    assert pair[["indirect", "indirect_low", "indirect_high", "difference"]].isna().all().all()
    assert pair.direct.notna().all()
    fit.split_forest()
    assert fit.league(direct=True).loc["c", "b"]


@pytest.mark.parametrize("method", ["mh", "nch"])
def test_rare_events_without_corrections(method):
    empty = ARMS | {
        "study": [*ARMS["study"], "5", "5"],
        "arm": [*ARMS["arm"], "a", "b"],
        "r": [*ARMS["r"], 0, 0],
        "n": [*ARMS["n"], 30, 30],
    }
    with pytest.warns(UserWarning, match="without anything to tell: 5"):
        fit = tp.network(empty, **OF_ARMS, method=method, interval="t")
    counts = empty["r"], empty["n"], empty["arm"], empty["study"]
    exact = stats.hypergeometric_network(*counts, reference="a")
    assert np.log(fit.to_frame().estimate.sort_index().to_numpy()) == pytest.approx(
        exact.effects[1:], abs=0.02 if method == "mh" else 1e-9
    )
    assert (fit.fit.studies, fit.network.trials, fit.tau2) == (4, 4, 0)
    assert "anything to tell: 5" in fit.network.note
    assert fit.to_frame().trials.tolist() == [2, 2]
    if method == "mh":
        assert fit.split().trials.tolist() == [2, 2, 2]
        with pytest.raises(ValueError, match="takes the trials of a design together"):
            fit.contribution("study")
        with pytest.raises(
            ValueError, match="a funnel plot is of trials: Mantel and Haenszel's method takes"
        ):
            fit.funnel("abc")
    else:
        with pytest.raises(ValueError, match="one answer for all trials together"):
            fit.split()
        assert "one answer for all trials together" in fit.inconsistency().refused[0]
    with pytest.raises(ValueError, match="needs arms with events and n, and measure='OR'"):
        tp.network(empty, **OF_ARMS | {"measure": "RR"}, method=method)


def test_arms_that_mantel_and_haenszel_cannot_take_are_left_out_and_said():
    # Against b and c a has no event, against d nothing else has: the trials of three compare b with c only.
    bare = {
        "study": [*"111222334455", "6", "6"],
        "arm": [*"abcabcabacbc", "a", "d"],
        "r": [0, 3, 5, 0, 4, 2, 6, 1, 5, 3, 4, 5, 5, 0],
        "n": [50] * 14,
    }
    with pytest.warns(UserWarning, match=r"left out of it: a \(a v b v c\) and d \(a v d\)"):
        fit = tp.network(bare, **OF_ARMS, method="mh")
    kept = [row for row in range(12) if bare["study"][row] not in "12" or bare["arm"][row] != "a"]
    rest = {name: [values[row] for row in kept] for name, values in bare.items()}
    alone = tp.network(rest, **OF_ARMS, method="mh")
    assert fit.treatments == alone.treatments
    columns = ["trials", "estimate", "ci_low", "ci_high"]
    names = ["b", "c"]
    assert fit.to_frame().loc[names, columns].to_numpy() == pytest.approx(
        alone.to_frame().loc[names, columns].to_numpy()
    )
    assert (fit.network.trials, fit.fit.studies) == (5, 5)
    assert "left out of it: a" in fit.network.note
    pairs = {(each.study, each.experimental, each.control) for each in fit.network.studies}
    assert {("1", "c", "b"), ("2", "c", "b")} <= pairs
    own = {each.study: each.effect for each in alone.network.studies}
    assert fit.network.studies[0].effect == pytest.approx(own["1"], abs=0.1)  # of 1/2 added to each cell


def test_components_of_a_network_and_of_one_that_falls_apart():
    table = pairs() | {"t1": [name.replace("c", "a+b") for name in pairs()["t1"]]}
    table["t2"] = [name.replace("c", "a+b") for name in table["t2"]]
    dat = tp.effects(table, measure="OR", effect="te", variance="v", label="study")
    fit = tp.network(dat, study="study", treatment=("t1", "t2"), reference="a", tau2_method="FE")
    rows = fit.components(tau2_method="FE")
    assert rows.attrs["q_difference_df"] == 1 - 1
    assert rows.estimate.notna().all()
    apart = tp.effects(measure="MD", effect=[0.4, 0.6], variance=[0.1, 0.1], label=["1", "2"])
    arms = (["a+c", "a"], ["c", "none"])
    joined = tp.component_network(
        apart, study=["1", "2"], treatment=arms, inactive="none", reference="none", tau2_method="FE"
    )
    assert joined.estimate["a", ""] == pytest.approx(0.5)
    assert joined.estimate["a", "none"] == pytest.approx(0.5)
    assert np.isnan(joined.estimate["c", ""])


def test_a_component_that_rests_on_next_to_nothing_has_no_ratio():
    pairs = {"t": ["A", "A + B"], "c": ["P", "P"], "e": [0.2, 0.5], "v": [0.1, 4e6], "s": ["1", "2"]}
    data = tp.effects(pairs, measure="OR", effect="e", variance="v")
    found = tp.component_network(data, study="s", treatment=("t", "c"), inactive="P", tau2_method="FE")
    assert found.loc[("A", ""), "estimate"] == pytest.approx(np.exp(0.2))
    assert found.loc[("B", ""), ["ci_low", "ci_high"]].isna().all()


def test_what_a_network_cannot_draw_is_refused_in_words():
    line = tp.network({name: values[:4] for name, values in ARMS.items()}, **OF_ARMS)
    with pytest.raises(
        ValueError, match="no pair has both direct and indirect evidence: nothing to be drawn"
    ):
        line.split_forest()
    with pytest.raises(ValueError, match="judgements is a list: give each study's"):
        line.contribution_bars(["low"])
    with pytest.raises(TypeError, match="path is a int: give the name of a file"):
        line.rankogram(3)
