"""The shipped questions on the shipped evidence: pools worked out by hand from what the trials print."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import optimize, stats

from trialpool.evidence.audit import audit
from trialpool.evidence.compare import compare
from trialpool.evidence.read import valid_tables
from trialpool.evidence.summaries import harmonise
from trialpool.protocol import load_catalogue, read_protocol
from trialpool.records import Effect, Status
from trialpool.synthesis.analyse import analyse, read


@cache
def compared():
    protocol = read_protocol("config/config.yaml")
    catalogue = load_catalogue(protocol.instruments)
    tables = valid_tables(protocol.evidence, catalogue, ["CIPN", "DPN"], protocol.words)
    findings = audit(tables, catalogue, protocol.words)
    specs = [protocol.analyses[name] for name in (*POOLS, *OTHERS)]
    summaries = harmonise(tables, protocol.words)
    return protocol, compare(summaries, tables, catalogue, specs, findings, protocol.words).effects


@cache
def record(analysis):
    protocol, effects = compared()
    rows = effects[(effects["analysis"] == analysis) & ~effects["variant"].map(bool)]
    return analyse(protocol.analyses[analysis], read(Effect, rows.to_dict("records")))[0]


def trials(analysis):
    return {study.study_id for study in record(analysis).studies}


def from_means(mean1, sd1, n1, mean2, sd2, n2):
    return mean1 - mean2, sd1**2 / n1 + sd2**2 / n2


def from_interval(estimate, low, high, df):
    return estimate, ((high - low) / 2 / stats.t.ppf(0.975, df)) ** 2


def from_p(estimate, p, df):
    return estimate, (estimate / stats.t.isf(p / 2, df)) ** 2


def standardised(difference, variance, n1, n2):
    """Hedges' g of a difference whose variance is SD²(1/n₁ + 1/n₂), with its large-sample variance."""
    sd = np.sqrt(variance / (1 / n1 + 1 / n2))
    m = n1 + n2 - 2
    g = difference / sd * np.exp(_log_gamma(m / 2) - _log_gamma((m - 1) / 2)) / np.sqrt(m / 2)
    return g, 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))


def _log_gamma(x):
    from scipy.special import gammaln

    return gammaln(x)


def hedges(mean1, sd1, n1, mean2, sd2, n2):
    sd = np.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2))
    return standardised(mean1 - mean2, sd**2 * (1 / n1 + 1 / n2), n1, n2)


def by_hand(effects):
    """REML's mean, and the Hartung-Knapp interval with its factor at least 1, written out."""
    y, v = np.array(effects).T

    def minus_log_likelihood(tau2):
        w = 1 / (v + tau2)
        mean = (w * y).sum() / w.sum()
        return (np.log(v + tau2).sum() + np.log(w.sum()) + (w * (y - mean) ** 2).sum()) / 2

    fit = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(0, 20), options={"xatol": 1e-12}, method="bounded"
    )
    tau2 = fit.x if fit.fun < minus_log_likelihood(0.0) else 0.0
    w = 1 / (v + tau2)
    mean = (w * y).sum() / w.sum()
    factor = max(1.0, (w * (y - mean) ** 2).sum() / (len(y) - 1))
    half = stats.t.ppf(0.975, len(y) - 1) * np.sqrt(factor / w.sum())
    return mean, mean - half, mean + half


CHAO = from_interval(-2.06, -3.01, -1.10, df=26 + 14 - 2)
BAO_USUAL = from_p(-1.56, 0.05, df=24 + 21 - 2)
LU_PAIN = (-1.1, 1.7, 20, 0.3, 1.5, 20)
GARROW = from_interval(-0.40, -1.83, 1.03, df=24 + 21 - 2)
SHIN = from_p(-11.83, 0.0136, df=58 + 48 - 2)
DIETZEL = from_interval(-24.7, -34.7, -14.8, df=31 + 31 - 2)
LU_NTX = (-8.7, 8.9, 20, -1.2, 5.4, 20)  # higher is better there: turned
CHOI = (5.4, 8.2, 17, 3.3, 10.3, 17)
ROSTOCK = (-0.8, 1.2, 14, -1.3, 1.3, 17)

POOLS = {
    # pain on 0-10 against usual care or waiting list, both neuropathies
    "pain-acupuncture-vs-usual-care": [CHAO, BAO_USUAL, from_means(*LU_PAIN)],
    # pain or complaints against the same, standardised
    "pain-or-symptoms-acupuncture-vs-usual-care": [
        standardised(*CHAO, 26, 14),
        standardised(*BAO_USUAL, 24, 21),
        hedges(*LU_PAIN),
        standardised(*SHIN, 58, 48),
        standardised(*DIETZEL, 31, 31),
    ],
    "dpn-pain-or-symptoms-acupuncture-vs-usual-care": [
        standardised(*CHAO, 26, 14),
        standardised(*SHIN, 58, 48),
        standardised(*DIETZEL, 31, 31),
    ],
    # scores of symptoms in the neuropathy of chemotherapy against anything inert
    "cipn-symptoms-acupuncture-vs-inert-control": [hedges(*LU_NTX), hedges(*CHOI), hedges(*ROSTOCK)],
    # motor conduction, m/s: two arms of one trial together where it has two; the flagged trial left out
    "dpn-motor-conduction-any-treatment-vs-vitamin-b": [
        from_means(45.41, np.sqrt((29 * (4.82**2 + 4.90**2) + 15 * 0.08**2) / 59), 60, 43.91, 5.51, 30),
        from_means(42.35, 6.64, 75, 37.33, 5.09, 75),
        from_means(
            (41 * 39.66 + 42 * 43.95) / 83,
            np.sqrt((40 * 5.89**2 + 41 * 5.95**2 + 41 * 42 / 83 * (43.95 - 39.66) ** 2) / 82),
            83,
            *(38.67, 6.09, 41),
        ),
        from_means(43.06, 4.19, 39, 39.55, 4.30, 39),
        from_means(40.7, 3.3, 30, 36.2, 2.5, 26),
    ],
    "dpn-sensory-conduction-any-treatment-vs-vitamin-b": [
        from_means(39.20, 6.48, 75, 35.17, 4.59, 75),
        from_means(
            (41 * 37.71 + 42 * 42.47) / 83,
            np.sqrt((40 * 6.12**2 + 41 * 6.75**2 + 41 * 42 / 83 * (42.47 - 37.71) ** 2) / 82),
            83,
            *(36.49, 6.35, 41),
        ),
        from_means(43.23, 4.31, 39, 39.92, 3.74, 39),
        from_means(44.6, 3.1, 30, 39.2, 2.5, 26),
    ],
}

OTHERS = (
    "pain-or-symptoms-acupuncture-vs-sham",
    "pain-on-any-scale-acupuncture-vs-inert-control",
    "cipn-prevention-grade-3-supplements-vs-inert-control",
)


@pytest.mark.parametrize("analysis", POOLS)
def test_a_pool_is_what_a_hand_computation_gives(analysis):
    pooled = record(analysis).pooled
    expected = by_hand(POOLS[analysis])
    assert len(record(analysis).studies) == len(POOLS[analysis])
    assert (pooled.random_estimate, pooled.hksj_low, pooled.hksj_high) == pytest.approx(expected, rel=1e-5)


def test_the_pools_of_pain_take_the_spread_that_one_trial_lacks_from_others():
    sham = record("pain-or-symptoms-acupuncture-vs-sham")
    bao = next(study for study in sham.studies if study.study_id == "Bao2020")
    assert bao.imputed
    assert bao.sd_experimental == bao.sd_control  # pooled over the arms of other trials
    borrowed = (-1.75, bao.sd_experimental, 24, -0.91, bao.sd_control, 23)
    effects = [standardised(*GARROW, 24, 21), hedges(*borrowed), hedges(*CHOI), hedges(*ROSTOCK)]
    found = sham.pooled.random_estimate, sham.pooled.hksj_low, sham.pooled.hksj_high
    assert found == pytest.approx(by_hand(effects), rel=1e-5)


def test_pain_on_any_scale_takes_percent_beside_points():
    members = {"Garrow2014", "Shin2018", "Chao2019", "Bao2020", "Lu2020"}
    assert trials("pain-on-any-scale-acupuncture-vs-inert-control") == members


def test_what_the_audit_takes_for_standard_errors_is_not_pooled():
    for kind in ("motor", "sensory"):
        assert "AnonVip669796684" not in trials(f"dpn-{kind}-conduction-any-treatment-vs-vitamin-b")


def test_different_treatments_are_drawn_by_groups_without_a_total():
    apart = record("cipn-prevention-grade-3-supplements-vs-inert-control")
    assert (apart.status, apart.pooled, apart.k) == (Status.NOT_POOLED, None, 4)
    assert {group.name: group.k for group in apart.subgroups} == {
        "calcium_magnesium": 1,
        "carnitine": 1,
        "glutamine": 2,
    }
