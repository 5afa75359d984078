"""The audit finds what is planted, is silent about clean rows, and finds what readers doubted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialpool.contracts import TABLES
from trialpool.evidence.audit import RULES, SEVERITIES, audit, checks, prepare
from trialpool.evidence.audit.checks import debit, grim, grimmer
from trialpool.vocabulary import general

CATALOGUE = {
    "instruments": {
        "NRS": {"range": [0, 10], "better": "lower", "unit": "points"},
        "SCORE": {"range": [0, 40], "better": "higher", "unit": "points", "integer_items": 1},
        "YES": {"range": [0, 1], "better": "higher", "unit": "points", "binary": True},
        "TOTAL": {"range": [0, 100], "better": "higher", "unit": "points", "poolable": False},
    }
}
STUDY = {"condition": "DPN", "design": "parallel", "purpose": "treatment", "setting_note": "a remark"}
SCORE = {
    **{"domain": "symptom_score", "instrument": "SCORE", "unit": "points", "better": "higher", "weeks": 8.0},
    **{"timepoint": "end_of_treatment", "measure": "final", "n": 20.0, "centre_type": "mean"},
    **{"centre": 20.0, "spread_type": "sd", "spread_low": 6.0, "reading": "double", "locator": "Table 1"},
}
CONTRAST = {
    **{"arm_1": "a", "arm_2": "b", "domain": "symptom_score", "instrument": "SCORE", "unit": "points"},
    **{"better": "higher", "weeks": 8.0, "timepoint": "end_of_treatment", "measure": "mean_difference"},
    **{
        "estimate": 3.0,
        "spread_type": "ci95",
        "spread_low": 0.9,
        "spread_high": 5.1,
        "n_1": 20.0,
        "n_2": 20.0,
    },
}
EVENTS = {
    "domain": "responder",
    "outcome": "improved",
    "weeks": 8.0,
    "timepoint": "end_of_treatment",
    "n": 20.0,
}


def make(**rows):
    """Evidence tables of the given rows; studies and arms (20 people each) are added for whoever is named."""
    named = [row["study_id"] for part in rows.values() for row in part]
    studies = {row["study_id"]: row for row in rows.pop("studies", [])}
    arms = {(row["study_id"], row["arm"]): row for row in rows.pop("arms", [])}
    for name in named:
        studies.setdefault(name, {"study_id": name, "n_randomised": 40.0})
        for arm in "ab":
            arms.setdefault((name, arm), {"study_id": name, "arm": arm, "n_randomised": 20.0})
    rows |= {"studies": [{**STUDY, **row} for row in studies.values()], "arms": list(arms.values())}
    return {name: frame(name, rows.get(name, [])) for name in TABLES}


def frame(name, rows):
    table = pd.DataFrame(
        {
            column.name: pd.array([row.get(column.name) for row in rows], dtype="Float64").to_numpy(
                dtype=float, na_value=np.nan
            )
            if column.is_number
            else pd.array([row.get(column.name) or None for row in rows], dtype="string")
            for column in TABLES[name].columns
        }
    )
    table["row_id"] = pd.array([f"{name}.csv:{place + 2}" for place in range(len(rows))], dtype="string")
    return table


def rules(tables, catalogue=CATALOGUE):
    return set(audit(tables, catalogue)["rule"])


def score(study="A2020", arm="a", **changes):
    return {"study_id": study, "arm": arm, **SCORE, **changes}


def contrast(**changes):
    return {"study_id": "A2020", **CONTRAST, **changes}


def events(arm="a", study="A2020", **changes):
    return {"study_id": study, "arm": arm, **EVENTS, "events": 10.0, **changes}


def two(**changes):
    """Two ordinary arms, the first changed."""
    return [score(**changes), score(arm="b", centre=17.0, spread_low=5.0)]


def others(count=4, **changes):
    """Other trials with the same instrument and an ordinary spread."""
    return [score(f"T{place}", arm, **changes) for place in range(count) for arm in "ab"]


def baselines(shift, count=30):
    """Baselines of many trials, the arms so far apart."""
    arms = (("a", 20.0), ("b", 20.0 + shift))
    when = {"timepoint": "baseline", "weeks": 0.0}
    return [score(f"B{place}", arm, centre=mean, **when) for place in range(count) for arm, mean in arms]


OTHER = {"spread_low": 8.0, "centre": 21.0}
PLANTED = {
    "outside_range": make(continuous=two(centre=41.0)),
    "mean_sd_impossible": make(continuous=two(centre=2.0, spread_low=12.0)),
    "skewed": make(continuous=two(centre=3.0, spread_low=4.0)),
    "se_as_sd": make(continuous=[*two(spread_low=1.6), *others(**OTHER)]),
    "se_beside": make(
        continuous=[
            *two(spread_low=1.6),
            *(score(arm=arm, item="part", centre=21.0, spread_low=1.6) for arm in "ab"),
            *others(**OTHER),
            *others(item="part", **OTHER),
        ]
    ),
    "sd_as_se": make(continuous=[*two(spread_type="se", spread_low=6.0), *others(**OTHER)]),
    "spread_small": make(continuous=[*two(spread_low=0.5), *others(**OTHER)]),
    "spread_large": make(continuous=[*two(spread_low=19.0), *others(spread_low=4.0)]),
    "spread_unequal": make(continuous=two(spread_low=0.9)),
    "estimate_outside_interval": make(contrasts=[contrast(estimate=-3.0)]),
    "interval_asymmetric": make(contrasts=[contrast(estimate=4.0)]),
    "p_disagrees": make(contrasts=[contrast(p_value="0.04")]),
    "direction_unusual": make(continuous=two(better="lower")),
    "unit_unusual": make(continuous=two(unit="percent")),
    "undefined_scale": make(continuous=two(instrument="TOTAL")),
    "arms_disagree_with_contrast": make(
        continuous=two(), contrasts=[contrast(estimate=4.6, spread_low=2.5, spread_high=6.7)]
    ),
    "p_disagrees_with_arms": make(continuous=two(), contrasts=[contrast(p_value="0.0001")]),
    "n_exceeds_randomised": make(events=[events(n=21.0)]),
    "arms_disagree_with_trial": make(
        studies=[{"study_id": "A2020", "n_randomised": 39.0}], events=[events(), events("b")]
    ),
    "grim": make(continuous=two(centre=20.03)),
    "grimmer": make(continuous=two(centre=20.0, spread_low=6.01, n=4.0)),
    "debit": make(continuous=two(instrument="YES", centre=0.5, spread_low=0.31)),
    "baseline_imbalance": make(
        continuous=[score(timepoint="baseline", weeks=0.0),
                    score(arm="b", timepoint="baseline", weeks=0.0, centre=11.0)]
    ),
    "identical_numbers": make(
        continuous=[score(study, arm, centre=value, spread_low=6.37) for study in ("A2020", "B2021")
                    for arm, value in (("a", 21.45), ("b", 18.25))]
    ),
    "same_trial": make(
        studies=[{"study_id": "A2020", "registration": "NCT01234567, ChiCTR-123456"},
                 {"study_id": "B2021", "registration": "nct01234567"}],
        events=[events(), events(study="B2021", events=9.0)],
    ),
    "doubted_report": make(studies=[{"study_id": "A2020", "report_status": "retracted"}], events=[events()]),
    "doubted_row": make(events=[events(use="show_only", use_reason="one of the two counts is a misprint")]),
    "paired_arms": make(studies=[{"study_id": "A2020", "design": "crossover"}], events=[events()]),
}  # fmt: skip


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_fault_is_found_by_its_rule(rule):
    assert rule in rules(PLANTED[rule])


def test_ordinary_trials_raise_nothing():
    continuous = [*two(), *others(**OTHER), *baselines(2.0)]
    tables = make(
        continuous=continuous,
        contrasts=[contrast(p_value="0.005", adjusted="yes", note="retracted, a misprint, do not pool")],
        events=[events(), events("b", events=9.0)],
    )
    assert rules(tables) == set()


def test_every_rule_that_exists_is_planted_here():
    assert set(RULES) == {*PLANTED, "baselines_too_different", "baselines_too_alike"}
    assert len(PLANTED) == 28


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_says_how_grave_it_is_and_what_to_check(rule):
    assert RULES[rule].severity in SEVERITIES
    assert all(RULES[rule])
    assert f'"{rule}"' in Path(checks.__file__).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"estimate": 2.94, "spread_low": 1.04, "spread_high": 4.9},
            None,
        ),  # rounding can move the middle by 0.06
        ({"measure": "odds_ratio", "estimate": 2.0, "spread_low": 0.95, "spread_high": 4.21}, None),
        (
            {"measure": "odds_ratio", "estimate": 2.5, "spread_low": 0.95, "spread_high": 4.21},
            "interval_asymmetric",
        ),
        ({"p_value": "0.9", "p_test": "rank"}, None),
        # 90%: t(38) 1.6860 for 2.0244, so the same interval is of a standard error 1.2 times as large
        ({"p_value": "0.005", "spread_type": "ci90"}, "p_disagrees"),
        ({"p_value": "0.021", "spread_type": "ci90"}, None),
        ({"p_value": "<0.0001"}, "p_disagrees"),
        ({"p_value": "<0.01"}, None),
        ({"estimate": 41.0, "spread_low": 39.0, "spread_high": 43.0}, "outside_range"),
    ],
)
def test_intervals_are_judged_on_their_scale_and_within_rounding(changes, fault):
    found = rules(make(contrasts=[contrast(**changes)]))
    assert found == ({fault} if fault else set())


def test_changes_may_be_negative_but_not_wider_than_the_scale():
    assert "outside_range" not in rules(make(continuous=two(measure="change", centre=-12.0)))
    assert "outside_range" in rules(make(continuous=two(measure="change", centre=-40.5)))


def test_a_contrast_with_the_sign_turned_is_said_so():
    found = audit(
        make(continuous=two(), contrasts=[contrast(estimate=-3.0, spread_low=-5.0, spread_high=-1.0)]),
        CATALOGUE,
    )
    assert "the sign is the other way round" in found["numbers"].iloc[0]


def test_means_from_models_and_numbers_without_n_are_not_put_to_grim():
    interval = {"spread_type": "ci95", "spread_low": 17.0, "spread_high": 23.0}
    assert "grim" not in rules(make(continuous=two(centre=20.03, **interval)))
    assert "grim" not in rules(make(continuous=two(centre=20.03, n=None)))
    assert "grim" not in rules(make(continuous=two(centre=20.03, centre_type="lsmean")))


def test_a_crossover_may_have_everybody_in_both_arms():
    study = {"study_id": "A2020", "n_randomised": 20.0, "design": "crossover"}
    assert "arms_disagree_with_trial" not in rules(make(studies=[study], events=[events(), events("b")]))


def test_one_trial_under_two_ids_is_named_with_both_and_its_number():
    studies = [{"study_id": "A2020", "doi": "10.1000/X1", "pmid": "123456"},
               {"study_id": "B2021", "doi": "10.1000/x1", "pmid": "123456"},
               {"study_id": "C2022", "doi": "10.1000/x12", "registration": "not registered"},
               {"study_id": "D2023", "registration": "not registered"}]  # fmt: skip
    found = audit(make(studies=studies, events=[events(study=row["study_id"]) for row in studies]), CATALOGUE)
    (row,) = found[found["rule"] == "same_trial"].to_dict("records")
    assert (row["study_id"], row["severity"], row["row_ids"]) == (
        "A2020",
        "high",
        "studies.csv:2 studies.csv:3",
    )
    assert row["numbers"] == "10.1000/x1; 123456, also of B2021"


def test_a_single_period_of_a_crossover_has_two_groups_of_people():
    tables = make(studies=[{"study_id": "A2020", "design": "crossover"}], events=[events(period="first")])
    assert "paired_arms" not in rules(tables)


def test_too_many_different_baselines_over_all_trials_are_found():
    assert "baselines_too_different" in rules(make(continuous=baselines(4.3)))
    assert "baselines_too_alike" in rules(make(continuous=baselines(0.0)))
    assert not rules(make(continuous=baselines(2.0))) & {"baselines_too_different", "baselines_too_alike"}


def test_common_values_of_many_trials_are_not_called_copies():
    assert "identical_numbers" not in rules(make(continuous=others(count=3, centre=20.0, spread_low=6.0)))


samples = st.lists(st.integers(0, 40), min_size=2, max_size=60)


@given(samples, st.integers(0, 3))
def test_grim_and_grimmer_accept_every_real_sample(values, places):
    mean, sd = np.mean(values), np.std(values, ddof=1)
    rounded, spread = float(f"{mean:.{places}f}"), float(f"{sd:.{places}f}")
    assert grim(rounded, len(values))
    assert grimmer(rounded, spread, len(values))


@given(st.lists(st.lists(st.integers(0, 4), min_size=4, max_size=4), min_size=2, max_size=40))
def test_grimmer_accepts_means_of_several_items(people):
    scores = np.mean(people, axis=1)
    mean, sd = float(f"{scores.mean():.2f}"), float(f"{scores.std(ddof=1):.2f}")
    assert grimmer(mean, sd, len(people), items=4)


@given(st.lists(st.integers(0, 1), min_size=2, max_size=80), st.sampled_from([0, 1]))
def test_debit_accepts_every_real_proportion(values, ddof):
    p, sd = float(f"{np.mean(values):.2f}"), float(f"{np.std(values, ddof=ddof):.2f}")
    assert debit(p, sd, len(values))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 40), min_size=3, max_size=40).filter(lambda v: np.std(v) > 0))
def test_no_real_sample_is_called_impossible(values):
    mean, sd = float(f"{np.mean(values):.1f}"), float(f"{np.std(values, ddof=1):.1f}")
    row = score(centre=mean, spread_low=max(sd, 0.1), n=float(len(values)))
    prepared = prepare(make(continuous=[row]), CATALOGUE, general())
    used = (checks.outside_range, checks.mean_and_bounds, checks.whole_numbers)
    broken = {rule for check in used for rule, rows in check(prepared) if len(rows)}
    assert not broken - {"skewed"}


@given(st.lists(st.floats(0.1, 9), min_size=1, max_size=9))
def test_the_median_of_the_other_trials_leaves_only_the_own_trial_out(values):
    rows = pd.DataFrame({"instrument": "X", "study_id": [f"T{place}" for place in range(len(values))]})
    usual, trials = checks.median_of_others(rows, pd.Series(values), ["instrument"])
    for place in range(len(values)):
        rest = values[:place] + values[place + 1 :]
        expected = np.median(rest) if rest else np.nan
        assert usual[place] == pytest.approx(expected, nan_ok=True)
        assert trials[place] == len(rest)
