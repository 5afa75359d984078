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
    with pytest.raises(ValueError, match="No three treatments are connected"):
        tp.network(two, **OF_ARMS)


def test_a_part_that_is_not_connected_is_told():
    apart = {
        name: [*values, *more]
        for (name, values), more in zip(ARMS.items(), [["5", "5"], "xy", [3, 4], [50, 50]], strict=True)
    }
    with pytest.warns(UserWarning, match="Not connected to them, hence not compared: x, y"):
        assert tp.network(apart, **OF_ARMS).treatments == ["c", "b", "a"]


@pytest.mark.parametrize("measure", ["IRR", "PLO", "VR"])
def test_measures_that_arms_do_not_give_together_are_refused(measure):
    given = {"mean": [1.0, 2.0], "sd": [1.0, 1.0], "n": [10, 10]}
    with pytest.raises(ValueError, match="of arms, RR OR RD need events and n"):
        tp.network(None, measure=measure, study=["A", "A"], treatment=["x", "y"], **given)
