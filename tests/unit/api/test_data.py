"""Tables of any kind become effects, by the names of their columns; what is missing or wrong is told."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import trialpool as tp
from tests.unit.api.trials import bcg

RR = {"measure": "RR", "events": ("tpos", "cpos"), "n": ("nt", "nc"), "label": "author"}


def test_effects_by_hand():
    dat = tp.effects(bcg(), **RR)
    assert dat.effects[0] == pytest.approx(math.log((4 / 123) / (11 / 139)))
    assert dat.variances[0] == pytest.approx(1 / 4 - 1 / 123 + 1 / 11 - 1 / 139)
    row = dat.to_frame().loc["Aronson"]
    assert row.estimate == pytest.approx((4 / 123) / (11 / 139))
    assert row.estimate_high == pytest.approx(row.estimate * math.exp(1.959963985 * row.variance**0.5))
    assert (row.ablat, row.n_control, len(dat)) == (44, 139, 13)


@pytest.mark.parametrize(
    "table",
    [
        lambda frame: frame,
        lambda frame: frame.to_dict("list"),
        lambda frame: pa.Table.from_pandas(frame),
        lambda frame: type("Exchanged", (), {"__dataframe__": frame.__dataframe__})(),
    ],
    ids=["pandas", "mapping", "arrow", "interchange"],
)
@pytest.mark.filterwarnings("ignore:.*interchange.*")
def test_any_table_gives_the_same(table):
    dat = tp.effects(table(bcg()), **RR)
    np.testing.assert_array_equal(dat.effects, tp.effects(bcg(), **RR).effects)
    assert dat.labels[1] == "Ferguson & Simes"
    assert dat.frame["alloc"].iloc[4] == "alternate"


def test_arrays_need_no_table():
    frame = bcg()
    arrays = {"events": (frame.tpos, frame.cpos.tolist()), "n": (frame.nt.to_numpy(), frame.nc)}
    dat = tp.effects(measure="RR", **arrays)
    np.testing.assert_array_equal(dat.effects, tp.effects(frame, **RR).effects)
    assert dat.labels[:2] == ("Trial 1", "Trial 2")


def test_labels_join_columns_or_come_from_the_index():
    assert tp.effects(bcg(), **RR | {"label": ("author", "year")}).labels[0] == "Aronson 1948"
    assert tp.effects(bcg().assign(author=[None, *"bcdefghijklm"]), **RR).labels[:2] == ("Trial 1", "b")
    indexed = bcg().set_index("author")
    assert tp.effects(indexed, **{**RR, "label": None}).labels[2] == "Rosenthal 1960"


def test_means():
    arms = {"means": ([5.0], [6.0]), "sds": ([2.0], [2.0]), "n": ([20], [20])}
    difference = tp.effects(measure="MD", **arms)
    assert (difference.effects[0], difference.variances[0]) == (-1.0, pytest.approx(4 / 20 + 4 / 20))
    ratio = tp.effects(measure="ROM", **arms)
    assert ratio.to_frame().estimate.iloc[0] == pytest.approx(5 / 6)
    # Hedges' g of d = -0.5 on 38 df: the exact factor is 0.98011040
    assert tp.effects(measure="SMD", **arms).effects[0] == pytest.approx(-0.5 * 0.98011040)


def test_a_published_interval_gives_the_standard_error_of_the_logarithm():
    dat = tp.effects(measure="HR", effect=[0.5], ci=([0.25], [1.0]))
    assert dat.effects[0] == pytest.approx(math.log(0.5))
    assert dat.variances[0] == pytest.approx((math.log(4) / (2 * 1.959963985)) ** 2)
    at90 = tp.effects(measure="HR", effect=[0.5], ci=([0.25], [1.0]), level=0.9)
    assert at90.variances[0] == pytest.approx((math.log(4) / (2 * 1.644853627)) ** 2)


def test_ratios_with_a_standard_error_are_logarithms_unless_said():
    assert tp.effects(measure="OR", effect=[-0.7], se=[0.2]).effects[0] == -0.7
    assert tp.effects(measure="OR", effect=[0.5], se=[0.2], log=False).effects[0] == math.log(0.5)
    logs = tp.effects(measure="OR", effect=[-0.7], ci=([-1.0], [-0.4]), log=True)
    assert logs.effects[0] == -0.7
    with pytest.raises(ValueError, match=r"B: effect is -0.7: a ratio is above 0: say log=True"):
        tp.effects(measure="OR", effect=[0.5, -0.7], ci=([0.1, -1.0], [1.0, -0.4]), label=["A", "B"])


def test_rows_with_gaps_are_left_out_and_named():
    frame = bcg().astype({"tpos": float})
    frame.loc[[1, 3], "tpos"] = np.nan
    with pytest.warns(UserWarning, match=r"2 of 13 trials left out: Ferguson & Simes \(events_experimental"):
        dat = tp.effects(frame, **RR)
    assert len(dat) == 11
    assert "Hart & Sutherland (events_experimental missing)" in str(dat)
    assert dat.frame.ablat.tolist()[:3] == [44, 42, 13]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"measure": "ORR"}, "measure is 'ORR': did you mean 'RR'"),
        ({"events": ("tpo", "cpos")}, "events: the table has no column 'tpo': did you mean 'tpos'"),
        ({"events": "tpos"}, "events: needs two columns"),
        ({"n": None}, "measure RR needs events and n; or effect with one of se, variance and ci: here is"),
        ({"n": ("author", "nc")}, "n: 'Aronson' is not a number; leave what is unknown empty"),
        ({"label": ["a", "b"]}, "label has 2 values: needs one for each of the 13 trials"),
        ({"better": "up"}, "better is 'up'"),
        ({"names": ("BCG",)}, r"names is \('BCG',\): needs two words, such as names=\('one', 'other'\)"),
        ({"names": "ab"}, "names is 'ab': needs two words"),
        ({"smd_variance": "HO"}, "^smd_variance is 'HO': must be one of LS, UB, revman5"),
        ({"zero_cells": -1}, "^zero_cells is -1: must not be negative"),
        (
            {"events": ([1, 2], [3, 4]), "n": ([9, 9], [9, 9]), "label": None},
            "events_experimental has 2 values: needs one for each of the 13 rows of data",
        ),
        ({"label": [["a"]] * 13}, r"label has shape \(13, 1\): needs one value a row"),
    ],
)
def test_a_wrong_argument_is_named_with_what_to_do(change, problem):
    arguments = {name: value for name, value in {**RR, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=problem):
        tp.effects(bcg(), **arguments)


def test_impossible_counts_are_refused_by_label():
    arms = {"events": ([4, 16], [11, 29]), "n": ([123, 15], [139, 303])}
    with pytest.raises(ValueError, match=r"^B: events1 is 16: more events than people"):
        tp.effects(measure="RR", label=["A", "B"], **arms)


def test_impossible_spreads_are_refused_by_label():
    with pytest.raises(ValueError, match=r"B: se is -0.2, must be above 0"):
        tp.effects(measure="MD", effect=[1, 2], se=[0.1, -0.2], label=["A", "B"])
    with pytest.raises(ValueError, match="A: effect 3 lies outside its interval, 1 to 2"):
        tp.effects(measure="MD", effect=[3], ci=([1], [2]), label=["A"])
    with pytest.raises(TypeError, match="data is a list"):
        tp.effects([1, 2], measure="MD", effect="a", se="b")
    with pytest.raises(ValueError, match="no trial is whole"), pytest.warns(UserWarning, match="1 of 1"):
        tp.effects(measure="MD", effect=[np.nan], se=[1])


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"effect": [1, np.inf], "se": [1, 1]}, "B: effect is inf, must be a finite number"),
        ({"effect": [1, 2], "se": [1, np.inf]}, "B: se is inf"),
        ({"effect": [1, 2], "variance": [1, np.inf]}, "B: variance is inf"),
        ({"effect": [1, 2], "ci": ([0, -np.inf], [2, 3])}, "B: ci_low is -inf"),
        (
            {"effect": [1, 2], "ci": ([0.5, 2], [2, 2])},
            "B: ci is 2 to 2, which has no width; give more digits",
        ),
    ],
)
def test_what_tells_nothing_is_refused_by_label(given, problem):
    for measure in ("MD", "HR"):
        with pytest.raises(ValueError, match=problem):
            tp.effects(measure=measure, label=["A", "B"], **given)


def test_nullable_and_text_numbers_are_read():
    frame = pd.DataFrame({"d": ["0.5", "1.5"], "s": pd.array([1, 2], dtype="Int64")})
    np.testing.assert_array_equal(tp.effects(frame, measure="MD", effect="d", se="s").variances, [1.0, 4.0])
