"""Moderators: what is tested, what is refused and why, and the adjustment over the whole review."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.synthesis.made_up import EFFECTS, SPEC, effects
from trialpool.contracts import MODERATORS
from trialpool.records import Moderator, sketch
from trialpool.stats import meta_regression
from trialpool.synthesis.diagnostics import adjusted, moderator_rows, moderator_table


def halves(name):
    return [replace(row, **{name: "a" if number < 3 else "b"}) for number, row in enumerate(effects())]


def test_moderators_are_tested_where_trials_report_them():
    rows = [replace(row, sessions=4.0 + 2 * number) for number, row in enumerate(effects())]
    spec = SPEC | {"moderators": ["sessions", "condition", "programme_weeks"]}
    found = {row.moderator: row for row in moderator_rows(spec, rows)}
    assert found["sessions"].k == 6
    assert 0 <= found["sessions"].p_permutation <= 1
    assert found["sessions"].slope_low < found["sessions"].slope < found["sessions"].slope_high
    assert "fewer than 10" in found["sessions"].caution
    assert found["programme_weeks"].k == 0
    assert found["programme_weeks"].p_value is None


def test_a_word_moderator_is_a_subgroup_test():
    (found,) = moderator_rows(SPEC | {"moderators": ["kind"]}, halves("kind"))
    assert (found.kind, found.levels, found.df) == ("words", 2, 1)
    means = np.mean(EFFECTS[:3]), np.mean(EFFECTS[3:])
    assert found.slope == pytest.approx(means[1] - means[0])
    assert [(group.level, group.k) for group in found.groups] == [("a", 3), ("b", 3)]
    assert [group.estimate for group in found.groups] == pytest.approx(means)
    assert all(group.ci_low < group.estimate < group.ci_high for group in found.groups)
    assert (found.interval, found.tau2_method) == ("hksj_adhoc", "REML")


def test_the_test_of_two_groups_is_the_t_test_of_their_difference():
    (found,) = moderator_rows(SPEC | {"moderators": ["purpose"], "interval": "wald"}, halves("purpose"))
    fit = meta_regression(EFFECTS, [0.05] * 6, [0, 0, 0, 1, 1, 1], interval="hksj")
    assert found.p_value == pytest.approx(float(fit.p_value[1]))
    assert found.interval == "hksj"


def test_too_few_trials_to_compare_are_told_once_and_nothing_pooled_is_silent():
    spec = SPEC | {"moderators": ["sessions", "condition", "year"]}
    few = moderator_rows(spec, effects(EFFECTS[:3]))
    assert [(row.moderator, row.k, row.p_value) for row in few] == [("any", 3, None)]
    assert few[0].caution.startswith("3 trials: at least 4")
    assert moderator_rows(spec, []) == ()
    assert moderator_rows(SPEC, effects()) == ()
    assert "several effects each" in moderator_rows(spec, [*effects(), *effects()])[0].caution


def test_what_cannot_be_compared_says_why():
    rows = [
        replace(row, condition="DPN", purpose=f"p{number}", sessions=8.0 if number < 3 else None)
        for number, row in enumerate(effects())
    ]
    spec = SPEC | {"moderators": ["condition", "purpose", "sessions", "risk_of_bias"]}
    found = {row.moderator: row for row in moderator_rows(spec, rows)}
    assert all(row.p_value is None and row.groups == () for row in found.values())
    assert found["condition"].caution == "the same in every trial (DPN)"
    assert found["purpose"].caution == "6 different answers in 6 trials: no groups to compare"
    assert found["sessions"].caution == "known of 3 of the 6 trials: at least 4 are needed"
    assert found["risk_of_bias"].caution == "known of none of the 6 trials"


def test_a_group_of_one_trial_is_cautioned():
    rows = effects(purpose="a")
    rows[0] = replace(rows[0], purpose="b")
    (found,) = moderator_rows(SPEC | {"moderators": ["purpose"]}, rows)
    assert found.p_value is not None
    assert "a group of one trial" in found.caution


def test_the_table_of_moderators_has_a_row_a_group():
    tests = moderator_rows(SPEC | {"moderators": ["purpose", "year"]}, halves("purpose"))
    rows = list(moderator_table(adjusted(tests)))
    assert [(row["moderator"], row.get("level"), row["k"]) for row in rows] == [
        ("purpose", None, 6),
        ("purpose", "a", 3),
        ("purpose", "b", 3),
        ("year", None, 6),
    ]
    assert set().union(*rows) == set(MODERATORS.names)
    assert rows[1].get("p_adjusted") is None
    assert rows[3]["p_adjusted"] >= rows[3]["p_value"]


def test_holm_counts_only_what_was_tested():
    found = adjusted([sketch(Moderator, p_value=p_value) for p_value in (0.02, None, 0.03, 0.5)])
    assert [row.p_adjusted for row in found] == [pytest.approx(0.06), None, pytest.approx(0.06), 0.5]
