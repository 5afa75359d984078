"""Events and values of one group: proportions, rates, means, changes, correlations, or why there is none."""

import numpy as np
import pandas as pd
import pytest

from trialpool import stats
from trialpool.evidence.effects import events_of_one_group, means_of_one_group
from trialpool.evidence.match import settings_frame


def groups(**columns):
    table = pd.DataFrame({name: np.atleast_1d(values) for name, values in columns.items()})
    usual = {"analysis_index": 0, "design_effect": 1.0, "reason_code": "", "reason": ""}
    missing = {"person_years_experimental": np.nan, "sd_before": np.nan, "sd_after": np.nan}
    table = table.assign(**{name: value for name, value in (usual | missing).items() if name not in table})
    empty = np.fromiter([()] * len(table), dtype=object, count=len(table))
    return table.assign(derivation=empty)


def asked(measure, **settings):
    return settings_frame([{"measure": measure, "better": "", **settings}])


def test_events_of_one_group_are_the_librarys():
    table = groups(events_experimental=[3.0, 0.0, 10.0], n_experimental=[10.0, 20.0, 10.0])
    made = events_of_one_group(table, asked("PLO"))
    theirs = stats.proportion([3, 0, 10], [10, 20, 10], scale="PLO")
    assert made["effect"].tolist() == pytest.approx(theirs.effect.tolist())
    assert made["derivation"].tolist() == [(), ("0.5 added to each cell",), ("0.5 added to each cell",)]


@pytest.mark.parametrize(
    ("measure", "settings", "row", "reason"),
    [
        ("PLO", {"zero_cells": 0}, {"events_experimental": 0.0}, "nobody, or everybody, had the event"),
        ("PLO", {"zero_cells": "none"}, {"events_experimental": 9.0}, "nobody, or everybody, had the event"),
        ("PR", {}, {"person_years_experimental": 3.0}, "events over person-years, of which one person may"),
        ("IRLN", {}, {}, "time at risk not reported: no rate comes of it"),
        ("PLO", {"method": "glmm"}, {"design_effect": 2.0}, "clusters widen the variance"),
    ],
)
def test_what_gives_no_proportion_or_rate_says_why(measure, settings, row, reason):
    table = groups(**{"events_experimental": 3.0, "n_experimental": 9.0, **row})
    (made,) = events_of_one_group(table, asked(measure, **settings)).to_dict("records")
    assert made["reason"].startswith(reason)
    assert np.isnan(made["effect"])


def test_the_arcsine_and_the_root_need_nothing_added():
    table = groups(events_experimental=0.0, n_experimental=9.0)
    (made,) = events_of_one_group(table, asked("PAS", zero_cells=0)).to_dict("records")
    assert (made["effect"], made["variance"], made["derivation"]) == (0.0, 1 / 36, ())


def test_changes_are_standardised_by_their_own_sd_or_by_that_before():
    known = {"mean_experimental": -3.0, "sd_experimental": 5.0, "n_experimental": 20.0}
    table = groups(**known, sd_before=6.0, sd_after=7.0)
    r = (36 + 49 - 25) / 84
    for measure, theirs in (
        ("SMCR", stats.standardized_mean_change(-3.0, 0.0, 6.0, 20, r)),
        ("SMCC", stats.standardized_mean_change(-3.0, 0.0, 6.0, 20, r, sd2=7.0)),
        ("MC", stats.paired_effects(-3.0, 5.0, 20)),
    ):
        (made,) = means_of_one_group(table, asked(measure)).to_dict("records")
        assert made["effect"] == pytest.approx(float(theirs.effect))
        assert made["variance"] == pytest.approx(float(theirs.variance))


@pytest.mark.parametrize(
    ("measure", "row", "reason"),
    [
        ("SMCR", {}, "no SD before, by which the change is standardised"),
        ("SMCR", {"sd_before": 1.0, "sd_after": 1.0}, "the SDs before, after and of the change do not fit"),
        ("MNLN", {"mean_experimental": -1.0}, "a logarithm needs a mean above 0"),
        ("MN", {"sd_experimental": 0.0}, "a spread of 0"),
        ("ZCOR", {"mean_experimental": 1.0, "sd_experimental": np.nan}, "a correlation of one"),
        ("ZCOR", {"mean_experimental": 0.5, "n_experimental": 3.0}, "fewer than four people"),
    ],
)
def test_what_gives_no_value_says_why(measure, row, reason):
    known = {"mean_experimental": 3.0, "sd_experimental": 5.0, "n_experimental": 20.0}
    (made,) = means_of_one_group(groups(**known | row), asked(measure)).to_dict("records")
    assert made["reason"] == reason
    assert np.isnan(made["effect"])
