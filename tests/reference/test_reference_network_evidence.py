"""What a network's evidence consists of: against rma.mv, literal sums in R, and netmeta's printed digits."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference, words
from tests.reference.test_reference_network import arguments as arguments_of_arms
from trialpool import stats
from trialpool.stats import Contrasts

ANSWERS = reference("network_evidence")
SETS = ANSWERS["datasets"]


def contrasts(name: str) -> Contrasts:
    entry = SETS[name]
    return stats.contrasts_from_arms(entry["estimate"], entry["variance"], entry["treatment"], entry["study"])


def arguments(made: Contrasts) -> tuple[Any, ...]:
    return made.effects, made.covariance, made.experimental, made.control, made.study


def of(name: str) -> tuple[Any, ...]:
    return arguments(contrasts(name))


def test_the_grid_is_complete() -> None:
    assert sorted(SETS) == words("baker dogliotti franchini hasselblad pagliaro senn stowe")
    assert sum(len(entry["heat"]["designs"]) > 5 for entry in SETS.values()) >= 4
    assert min(len(entry["pairs"]["direct"]) for entry in SETS.values()) >= 3


@pytest.mark.parametrize("name", SETS)
def test_direct_and_network_evidence_on_every_pair(name: str) -> None:
    theirs, ours = SETS[name]["pairs"], stats.evidence_split(*of(name), reference=SETS[name]["reference"])
    places = {pair: row for row, pair in enumerate(zip(ours.experimental, ours.control, strict=True))}
    rows = [places[pair] for pair in zip(theirs["experimental"], theirs["control"], strict=True)]
    compare = Comparison()
    compare("tau2", ours.tau2, SETS[name]["tau2"], floor=FLOOR * min(SETS[name]["variance"]))
    for field in ("direct", "network"):
        floor = FLOOR * np.array(theirs[f"{field}_se"])
        compare(field, getattr(ours, field)[rows], theirs[field], floor=floor)
        compare(f"{field}_se", getattr(ours, f"{field}_se")[rows], theirs[f"{field}_se"])
    compare("share", ours.share_direct[rows], theirs["share_direct"])
    compare("studies", ours.studies[rows], theirs["studies"])
    compare.finish()
    others = sorted(set(places.values()) - set(rows))
    assert not ours.share_direct[others].any()
    assert np.isnan(ours.direct[others]).all()
    assert ours.indirect[others].tolist() == pytest.approx(ours.network[others].tolist())


@pytest.mark.parametrize("name", SETS)
def test_net_heat_as_when_the_studies_of_a_design_are_taken_out(name: str) -> None:
    theirs, ours = SETS[name]["heat"], stats.net_heat(*of(name))
    designs = [tuple(sorted(design.split(":"))) for design in theirs["designs"]]
    rows = [list(map(sorted, ours.designs)).index(list(design)) for design in designs]
    compare = Comparison()
    compare("q", ours.q[rows], theirs["q"], floor=FLOOR)
    compare("heat", ours.heat[np.ix_(rows, rows)], theirs["heat"], floor=FLOOR * max(1.0, sum(theirs["q"])))
    compare.finish()


def test_components_agree_with_rma_mv() -> None:
    entry = SETS["baker"]
    theirs = entry["components"]
    ours = stats.component_network(*of("baker"), inactive=entry["inactive"], reference=entry["reference"])
    assert list(ours.components) == theirs["components"]
    compare = Comparison()
    compare("tau2", ours.tau2, theirs["tau2"], floor=FLOOR * min(entry["variance"]))
    compare("effects", ours.effects, theirs["effects"], floor=FLOOR * max(theirs["se"]))
    for field in ("se", "q", "q_standard"):
        compare(field, getattr(ours, field), theirs[field])
    compare.finish()


# Balduzzi et al. 2023, J Stat Software 106(2): 1-40, netmeta 2.6: DerSimonian and Laird's tau2.


def test_published_split_of_the_parkinson_network() -> None:
    split = stats.evidence_split(*of("stowe"), reference="Placebo", tau2_method="DL")
    rows = {
        (one, other): row
        for row, (one, other) in enumerate(zip(split.experimental, split.control, strict=True))
    }
    printed = {  # page 25: k, prop, nma, direct, indirect, difference, z, p
        ("COMTI", "Placebo"): (12, 0.98, -0.95, -0.93, -1.65, 0.72, 0.66, 0.5071),
        ("MAOBI", "Placebo"): (3, 0.90, -1.03, -1.03, -1.08, 0.05, 0.06, 0.9544),
        ("MAOBI", "COMTI"): (1, 0.44, -0.09, 0.02, -0.17, 0.19, 0.33, 0.7450),  # there COMTI:MAOBI
    }
    assert split.share_direct[rows["Dopamine Agonist", "Placebo"]] == 1.0
    for pair, digits in printed.items():
        at = rows[pair]
        z = split.difference[at] / split.difference_se[at]
        names = ("studies", "share_direct", "network", "direct", "indirect", "difference")
        ours = [*(getattr(split, name)[at] for name in names), z]
        assert ours == pytest.approx(digits[:-1], abs=0.0051)
        assert split.p_value[at] == pytest.approx(digits[-1], abs=0.00005)
    heat = stats.net_heat(*of("stowe"))
    detached = dict(zip(heat.designs, heat.q.sum() - heat.heat.sum(axis=0), strict=True))
    assert heat.q.sum() == pytest.approx(1.24, abs=0.005)
    assert detached["COMTI", "Placebo"] == pytest.approx(1.21, abs=0.005)
    assert detached["MAOBI", "Placebo"] == pytest.approx(0.02, abs=0.005)
    assert detached["COMTI", "MAOBI", "Placebo"] == pytest.approx(0.0, abs=0.005)


def test_published_ranks_of_the_parkinson_network() -> None:
    fit = stats.network_meta_analysis(*of("stowe"), reference="Placebo", tau2_method="DL")
    found = stats.rankogram(fit, better="lower")
    scores = dict(zip(found.treatments, found.sucra, strict=True))
    printed = {"Dopamine Agonist": 0.9677, "MAOBI": 0.5664, "COMTI": 0.4659, "Placebo": 0.0}
    assert scores == pytest.approx(printed, abs=0.00005)
    drawn = {  # page 23: of 1,000 draws
        "COMTI": (0.0060, 0.3520, 0.6420, 0.0),
        "Dopamine Agonist": (0.9170, 0.0800, 0.0030, 0.0),
        "MAOBI": (0.0770, 0.5680, 0.3550, 0.0),
        "Placebo": (0.0, 0.0, 0.0, 1.0),
    }
    for name, digits in drawn.items():
        assert found.probabilities[found.treatments.index(name)] == pytest.approx(digits, abs=0.04)


def test_published_components_of_the_copd_network() -> None:
    fit = stats.component_network(*of("baker"), inactive="Placebo", reference="Placebo", tau2_method="DL")
    printed = {  # page 31
        "Budesonide": (0.73, 0.58, 0.92, 0.0084),
        "Fluticasone": (0.90, 0.81, 1.00, 0.0397),
        "Formoterol": (0.94, 0.78, 1.14, 0.5356),
        "Salmeterol": (0.82, 0.75, 0.90, 0.0),
        "Tiotropium": (0.69, 0.61, 0.77, 0.0),
    }
    for at, name in enumerate(fit.components):
        ratios = np.exp([fit.effects[at], fit.ci_low[at], fit.ci_high[at]])
        assert ratios == pytest.approx(printed[name][:3], abs=0.005)
        assert fit.p_value[at] == pytest.approx(printed[name][3], abs=0.00005)
    both = fit.treatments.index("Budesonide+Formoterol")
    bounds = (fit.league[both, 0], fit.league_low[both, 0], fit.league_high[both, 0])
    assert np.exp(bounds) == pytest.approx((0.69, 0.52, 0.92), abs=0.005)
    assert fit.league_p_value[both, 0] == pytest.approx(0.0121, abs=0.00005)
    assert (fit.q_df, fit.q_standard_df, fit.q_difference_df) == (48, 46, 2)
    found = (
        fit.tau2,
        fit.i2,
        fit.q,
        fit.q_p_value,
        fit.q_standard,
        fit.q_difference,
        fit.q_difference_p_value,
    )
    assert found == pytest.approx((0.0101, 23.5, 62.74, 0.0750, 60.86, 1.88, 0.3908), abs=0.0501)
    assert fit.tau2 == pytest.approx(0.0101, abs=0.00005)


def test_published_mantel_haenszel_network_of_antithrombotics() -> None:
    arms = ANSWERS["counts"]["dogliotti"]
    counts = arms["events"], arms["n"], arms["treatment"], arms["study"]
    pooled = stats.mantel_haenszel_network(*counts)
    assert pooled.silent == ("WASPO, 2007",)
    fit = stats.network_meta_analysis(
        *arguments(pooled.contrasts), reference="Placebo/Control", tau2_method="FE"
    )
    printed = {  # figure 9
        "Apixaban": (0.33, 0.25, 0.43),
        "Aspirin": (0.77, 0.62, 0.96),
        "Aspirin+Clopidogtrel": (0.57, 0.44, 0.74),
        "Dabigatran 110mg": (0.38, 0.27, 0.52),
        "Dabigatran 150mg": (0.26, 0.19, 0.37),
        "Rivaroxaban": (0.32, 0.23, 0.43),
        "VKAs": (0.41, 0.32, 0.52),
    }
    for name, digits in printed.items():
        at = fit.treatments.index(name), 0
        ratios = np.exp([fit.effects[at], fit.ci_low[at], fit.ci_high[at]])
        assert ratios == pytest.approx(digits, abs=0.0051)
    exact = stats.hypergeometric_network(*counts, reference="Placebo/Control")
    assert exact.effects == pytest.approx(fit.effects[:, 0], abs=0.025)  # as close as the methods are


def test_published_t_intervals_of_smoking_cessation() -> None:
    """netmeta 3.6-0, its issue 32: method.random.ci = "t-dist" against A, no contact."""
    fit = stats.network_meta_analysis(
        *arguments_of_arms("hasselblad"), reference="no_contact", tau2_method="DL", interval="t"
    )
    printed = {
        "self_help": (1.5162, 0.7081, 3.2469, 0.2698),
        "ind_counseling": (2.0822, 1.3238, 3.2749, 0.0028),
        "grp_counseling": (2.4653, 1.0522, 5.7761, 0.0387),
    }
    for name, digits in printed.items():
        at = fit.treatments.index(name), 0
        ours = [*np.exp([fit.effects[at], fit.ci_low[at], fit.ci_high[at]]), fit.p_value[at]]
        assert ours == pytest.approx(digits, abs=0.000051)


# Gurusamy et al. 2011, Cochrane Database Syst Rev CD009052: deaths of people who got a new liver.
GURUSAMY = """
Findlay control 1 30, Findlay aprotonin 0 33, Garcia control 3 41, Garcia aprotonin 1 39, Porte control 4
48, Porte aprotonin 5 89, Boylan control 3 20, Boylan tranexamic 0 25, Dalmau0 control 2 20, Dalmau0
tranexamic 3 42, Dalmau0 EACA 3 42, Kaspar control 0 16, Kaspar tranexamic 1 16, Baudo control 2 16,
Baudo antithrombin 0 13, Lodge control 1 62, Lodge rFVIIa 3 121, Planinsic control 1 19, Planinsic rFVIIa
5 64, Pugliese control 0 10, Pugliese rFVIIa 0 10, Himmelreich control 0 10, Himmelreich aprotonin 0 13,
Williamson control 0 13, Williamson plasma 0 12, Dalmau4 aprotonin 1 63, Dalmau4 tranexamic 4 64, Ickx
aprotonin 0 24, Ickx tranexamic 2 27
"""


def test_mantel_haenszel_of_arms_without_events_against_netmetabin() -> None:
    """netmeta 3.6-2, netmetabin with method = "MH", which leaves Antithrombin III out."""
    study, treatment, events, n = zip(*(row.split() for row in GURUSAMY.split(",")), strict=True)
    counts = [float(each) for each in events], [float(each) for each in n], treatment, study
    pooled = stats.mantel_haenszel_network(*counts)
    assert pooled.left_out == (("antithrombin", ("antithrombin", "control")),)
    assert pooled.silent == ("Pugliese", "Himmelreich", "Williamson")
    assert sum(pooled.studies) == 10
    fit = stats.network_meta_analysis(*arguments(pooled.contrasts), reference="control", tau2_method="FE")
    printed = {
        "aprotonin": (-1.034946, 0.525272),
        "EACA": (-0.305854, 0.849333),
        "rFVIIa": (0.430168, 0.810706),
        "tranexamic": (-0.265876, 0.625372),
    }
    for name, digits in printed.items():
        at = fit.treatments.index(name), 0
        assert (fit.effects[at], fit.se[at]) == pytest.approx(digits, abs=1e-6)
    assert (fit.q, fit.q_df) == (pytest.approx(1.879750, abs=1e-6), 2)
    with pytest.raises(ValueError, match="antithrombin has no events in any study"):
        stats.hypergeometric_network(*counts)


def test_evidence_of_smoking_cessation_against_netmeta() -> None:
    """netmeta 3.6-2, τ² by DL: random walk, decomp.design, and metabias in its order of names."""
    data = arguments_of_arms("hasselblad")
    none, alone, advised, group = "no_contact", "self_help", "ind_counseling", "grp_counseling"
    walk = stats.contributions(*data, tau2_method="DL")
    row = [{*pair} for pair in zip(walk.experimental, walk.control, strict=True)].index({advised, group})
    shares = {frozenset(pair): walk.by_comparison[row, at] for at, pair in enumerate(walk.direct)}
    walked = {
        (none, alone): 0.044278,
        (none, advised): 0.120719,
        (none, group): 0.076441,
        (alone, advised): 0.048149,
        (alone, group): 0.092427,
        (advised, group): 0.617986,
    }
    for pair, digits in walked.items():
        assert shares[frozenset(pair)] == pytest.approx(digits, abs=1e-6)
    heat = stats.net_heat(*data)
    detached = dict(zip(map(frozenset, heat.designs), heat.q.sum() - heat.heat.sum(axis=0), strict=True))
    assert detached[frozenset({none, group})] == pytest.approx(11.651409, abs=1e-6)
    assert detached[frozenset({none, advised, group})] == pytest.approx(7.464743, abs=1e-6)
    found = stats.comparison_adjusted(*data, order=[none, alone, advised, group], tau2_method="DL")
    test = stats.egger(found.adjusted, found.se**2)  # with comparisons of a single trial, which lie at 0
    assert (abs(test.statistic), test.df, test.p_value) == pytest.approx((0.521570, 26, 0.606385), abs=1e-6)
