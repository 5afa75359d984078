"""`pool` and `tau2_interval` against metafor: every data set x tau2 method x interval."""

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, numbers, reference, words
from trialpool.stats import INTERVALS, TAU2_METHODS, pool, tau2_interval

REAL = words("""
    bcg_rr bcg_or bcg_rd hine_rd collins_preeclampsia_or collins_stillbirth_peto collins_ulcer_peto egger_or
    lee_or li_or linde_rr lau_or yusuf_peto yusuf_or graves_rr hahn_rr damico_or nielweise_or dorn_rr
    landenberger_or laopaiboon_rr laopaiboon_rd vanhowe_or anand_or axfors_or viechtbauer_or hartmannboyce_rr
    normand_smd normand_md gibson_smd gibson_md curtis_rom curtis_md colds_md michael_md raudenbush_smd
    hackshaw_or bangertdrowns_smd baskerville_smd begg_log_survival lehmann_smd kalaian_smd riley_hazard
    pignon_hazard mcdaniel_z molloy_z cohen_z crede_z bakdash_z mccurdy_proportion
""")
FEW = words("""
    bcg_first_two bcg_first_three hine_first_three normand_smd_first_two normand_smd_first_four li_first_two
    gibson_md_first_three
""")
CONSTRUCTED = words("""
    two_studies between_but_quiet empty_q_profile equal_effects equal_variances extreme_weights one_giant
    far_from_zero tiny_units huge_units two_maxima_inner two_maxima_outer two_maxima_zero two_maxima_not_zero
""")
METHODS = ("FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")
TESTED = ("wald", "hksj", "hksj_adhoc")
LIMITS = ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high")  # no predictions after FE: null, NaN
SETS = reference("pooling")["datasets"]

# Effects near 10,000 with a spread of 1: confint's y'Py and ours each keep eleven digits of sixteen.
FAR_FROM_ZERO = {"far_from_zero": 1e-8}


def test_the_grid_is_complete() -> None:
    assert sorted(SETS) == sorted(REAL + FEW + CONSTRUCTED)
    assert len({SETS[name]["source"].split(",")[0].split(" ")[0] for name in REAL}) >= 25
    assert set(METHODS) == set(TAU2_METHODS)
    assert set(TESTED) == set(INTERVALS)
    for name, entry in SETS.items():
        assert list(entry["methods"]) == list(METHODS), name
        for method in METHODS:
            assert list(entry["methods"][method]["intervals"]) == list(TESTED), (name, method)
            assert len(entry["methods"][method]["intervals"]["wald"]) == 9


def test_the_grid_reaches_its_corners() -> None:
    sizes = [entry["k"] for entry in SETS.values()]
    assert min(sizes) == 2
    assert 3 in sizes
    assert max(sizes) == 300
    reml = {name: entry["methods"]["REML"]["tau2"] for name, entry in SETS.items()}
    assert sum(value == 0 for value in reml.values()) >= 10
    assert sum(reml[name] == 0 for name in REAL) >= 5
    assert sum(entry["tau2_interval"]["empty"] for entry in SETS.values()) >= 5
    variances = [np.array(entry["variances"]) for entry in SETS.values()]
    assert max(v.max() / v.min() for v in variances) >= 1e9
    narrower = [
        m["intervals"]["hksj"]["se"] < m["intervals"]["wald"]["se"]
        for entry in SETS.values()
        for name, m in entry["methods"].items()
        if name != "FE" and m["tau2"] > 0
    ]
    assert any(narrower)
    assert {"MD", "SMD", "ROM", "RR", "OR", "RD", "PETO"} <= {entry["measure"] for entry in SETS.values()}


def test_metafor_alone_would_have_missed_a_maximum() -> None:
    """Only where the likelihood has a second maximum does rma.uni, left to its own start, end elsewhere."""
    elsewhere = [
        name for name, e in SETS.items() if any("metafor_own_start" in m for m in e["methods"].values())
    ]
    assert elsewhere == ["two_maxima_inner"]


@pytest.mark.parametrize("name", SETS)
def test_pool_agrees_with_rma_uni(name: str) -> None:
    entry = SETS[name]
    y, v = np.array(entry["effects"]), np.array(entry["variances"])
    compare = Comparison()
    for method in METHODS:
        theirs = entry["methods"][method]
        for interval in TESTED:
            ours = pool(y, v, tau2_method=method, interval=interval)
            row = theirs["intervals"][interval]
            label = f"{method} {interval}"
            scale = FLOOR * float(numbers(row["se"])) + 1e-300
            for field in LIMITS:
                compare(f"{label} {field}", getattr(ours, field), row[field], floor=scale)
            for field in ("statistic", "df", "p_value"):
                compare(f"{label} {field}", getattr(ours, field), row[field])
            compare(f"{label} tau2", ours.tau2, theirs["tau2"], floor=FLOOR * v.min())
            compare(f"{label} i2", ours.i2, theirs["i2"], floor=FLOOR)
            compare(f"{label} h2", ours.h2, theirs["h2"])
            for field in ("q", "q_df", "q_p_value"):
                compare(f"{label} {field}", getattr(ours, field), entry[field])
            if "weights" in theirs:
                compare(f"{label} weights", ours.weights, theirs["weights"])
    compare.finish()


@pytest.mark.parametrize("name", SETS)
def test_tau2_interval_agrees_with_the_q_profile_equations(name: str) -> None:
    entry = SETS[name]
    ours = tau2_interval(entry["effects"], entry["variances"])
    compare = Comparison()
    for field, value in entry["tau2_interval"].items():
        relative = {"relative": FAR_FROM_ZERO[name]} if name in FAR_FROM_ZERO else {}
        compare(field, getattr(ours, field), value, **relative)
    compare.finish()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("interval", TESTED)
def test_one_masked_batch_of_all_data_sets_agrees_too(method: str, interval: str) -> None:
    k = max(entry["k"] for entry in SETS.values())
    y = np.full((len(SETS), k), np.nan)
    v = np.full((len(SETS), k), np.nan)
    for row, entry in enumerate(SETS.values()):
        y[row, : entry["k"]], v[row, : entry["k"]] = entry["effects"], entry["variances"]
    ours = pool(y, v, where=~np.isnan(y), tau2_method=method, interval=interval)
    compare = Comparison()
    for row, (name, entry) in enumerate(SETS.items()):
        theirs = entry["methods"][method]
        expected = theirs["intervals"][interval]
        scale = FLOOR * float(numbers(expected["se"])) + 1e-300
        for field in LIMITS:
            compare(f"{name} {field}", getattr(ours, field)[row], expected[field], floor=scale)
        compare(f"{name} tau2", ours.tau2[row], theirs["tau2"], floor=FLOOR * min(entry["variances"]))
        compare(f"{name} p_value", ours.p_value[row], expected["p_value"])
    compare.finish()
