"""Effect sizes and conversions against escalc and literal transcriptions in R."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference, words
from trialpool import stats

TABLES = reference("tables")
COUNTED, MEASURED = TABLES["counts"], TABLES["means"]
EVENT_EFFECTS = {
    "RR": stats.risk_ratio,
    "OR": stats.odds_ratio,
    "RD": stats.risk_difference,
    "PETO": stats.peto_odds_ratio,
}


def arms(entry: dict[str, Any], *names: str) -> list[np.ndarray]:
    return [np.array(entry[name], dtype=float) for name in names]


def test_the_grid_is_complete() -> None:
    names = "bcg hine damico nielweise hahn yusuf stillbirths axfors ulcer_deaths one_empty_arm"
    assert sorted(COUNTED) == sorted(words(names))
    empty = [name for name, e in COUNTED.items() if any(x == 0 for x in [*e["events1"], *e["events2"]])]
    assert len(empty) >= 5
    assert all(set(entry["effects"]) == set(EVENT_EFFECTS) for entry in COUNTED.values())
    assert sorted(MEASURED) == ["curtis", "gibson", "normand"]
    assert set(MEASURED["curtis"]["effects"]) == {"MD", "MD_pooled", "SMD_LS", "SMD_UB", "ROM"}
    assert len(TABLES["quartiles"]) == 15


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("measure", EVENT_EFFECTS)
def test_effects_of_events_agree_with_escalc(name: str, measure: str) -> None:
    entry = COUNTED[name]
    compare = Comparison()
    ours = EVENT_EFFECTS[measure](*arms(entry, "events1", "n1", "events2", "n2"))
    theirs = entry["effects"][measure]
    compare("effect", ours.effect, theirs["effect"], floor=FLOOR * 0.01)
    compare("variance", ours.variance, theirs["variance"])
    compare.finish()


@pytest.mark.parametrize("name", COUNTED)
def test_log_odds_ratios_become_smds_as_in_escalc(name: str) -> None:
    entry = COUNTED[name]
    ours = stats.log_odds_ratio_to_smd(*stats.odds_ratio(*arms(entry, "events1", "n1", "events2", "n2")))
    back = stats.smd_to_log_odds_ratio(*ours)
    compare = Comparison()
    compare("effect", ours.effect, entry["smd_from_odds"]["effect"], floor=FLOOR)
    compare("variance", ours.variance, entry["smd_from_odds"]["variance"])
    compare("and back", back.effect, entry["effects"]["OR"]["effect"], floor=FLOOR)
    compare.finish()


@pytest.mark.parametrize("name", MEASURED)
def test_effects_of_means_agree_with_escalc(name: str) -> None:
    entry = MEASURED[name]
    data = arms(entry, "mean1", "sd1", "n1", "mean2", "sd2", "n2")
    ours = {
        "MD": stats.mean_difference(*data),
        "MD_pooled": stats.mean_difference(*data, pooled=True),
        "SMD_LS": stats.standardized_mean_difference(*data, variance="LS"),
    }
    if "ROM" in entry["effects"]:
        ours["ROM"] = stats.ratio_of_means(*data)
    assert {*ours, "SMD_UB"} == set(entry["effects"])
    compare = Comparison()
    for measure, effects in ours.items():
        theirs = entry["effects"][measure]
        compare(f"{measure} effect", effects.effect, theirs["effect"], floor=FLOOR)
        compare(f"{measure} variance", effects.variance, theirs["variance"])
    compare.finish()


@pytest.mark.parametrize("name", MEASURED)
def test_unbiased_smd_variances_agree_with_escalc_where_they_exist(name: str) -> None:
    """Between two arms of two people g has no variance to be unbiased about: refused here, 1 + g² in R."""
    entry = MEASURED[name]
    data = np.array(arms(entry, "mean1", "sd1", "n1", "mean2", "sd2", "n2"))
    enough = data[2] + data[5] > 4
    assert enough.sum() >= 9
    ours = stats.standardized_mean_difference(*data[:, enough], variance="UB")
    compare = Comparison()
    compare(
        "effect", ours.effect, np.array(entry["effects"]["SMD_UB"]["effect"])[enough].tolist(), floor=FLOOR
    )
    compare("variance", ours.variance, np.array(entry["effects"]["SMD_UB"]["variance"])[enough].tolist())
    compare.finish()
    for place in np.flatnonzero(~enough):
        with pytest.raises(ValueError, match="too small"):
            stats.standardized_mean_difference(*data[:, place], variance="UB")


def test_medians_and_quartiles_become_means_and_sds() -> None:
    compare = Comparison()
    for row in TABLES["quartiles"]:
        ends = {key: row[key] for key in ("minimum", "maximum")}
        quartiles = {key: row[key] for key in ("q1", "q3")}
        for label, given in (("range", ends), ("iqr", quartiles), ("five", ends | quartiles)):
            ours = stats.mean_sd_from_quartiles(row["median"], row["n"], **given)
            compare(f"n {row['n']} {label} mean", ours.mean, row[f"{label}_mean"])
            compare(f"n {row['n']} {label} sd", ours.sd, row[f"{label}_sd"])
    compare.finish()


def test_intervals_and_p_values_become_standard_errors() -> None:
    compare = Comparison()
    for row in TABLES["printed"]["ci_to_se"]:
        low, high, df = row["low"], row["high"], row["df"]
        compare("t", stats.se_from_ci(low, high, df=df), row["t_se"])
        compare("z", stats.se_from_ci(low, high), row["z_se"])
        compare("90 %", stats.se_from_ci(low, high, df=df, level=0.9), row["t_se_90"])
    for row in TABLES["printed"]["p_to_se"]:
        compare("t", stats.se_from_p(row["difference"], row["p_value"], df=row["df"]), row["t_se"])
        compare("z", stats.se_from_p(row["difference"], row["p_value"]), row["z_se"])
    compare.finish()


def test_combined_arms_are_those_of_the_people_in_them() -> None:
    compare = Comparison()
    for row in TABLES["combined"]:
        ours = stats.combine_arms(row["mean"], row["sd"], row["n"])
        compare("n", ours.n, row["combined_n"])
        compare("mean", ours.mean, row["combined_mean"])
        compare("sd", ours.sd, row["combined_sd"])
    compare.finish()


SHARED = TABLES["shared_control"]


@pytest.mark.parametrize("place", range(2))
@pytest.mark.parametrize("measure", ["MD", "SMD", "ROM", "RR", "OR", "RD"])
def test_effects_against_one_control_covary_as_computed_pair_by_pair(measure: str, place: int) -> None:
    if measure in ("RR", "OR", "RD"):
        trial = SHARED["events"][place]
        data = [trial[key] for key in ("events", "n", "events_control", "n_control")]
        ours = stats.shared_control_events(measure, *data)
    else:
        trial = SHARED["means"][place]
        data = [trial[key] for key in ("mean", "sd", "n", "mean_control", "sd_control", "n_control")]
        ours = stats.shared_control_means(measure, *data)
    compare = Comparison()
    compare("effect", ours.effect, trial[measure]["effect"])
    compare("covariance", ours.covariance, trial[measure]["covariance"])
    compare.finish()
