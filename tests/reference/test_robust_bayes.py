"""`robust_bayes` against what RoBMA published, within the error of its sampling."""

import numpy as np
import pytest

from trialpool.stats import robust_bayes

# Bem 2011: d and se as RoBMA's vignette "Fitting custom meta-analytic ensembles" prints them.
BEM = [0.25, 0.20, 0.26, 0.23, 0.22, 0.15, 0.09, 0.19, 0.42]
BEM_SE = [0.10155048, 0.08246211, 0.10323629, 0.10182427, 0.10120277]
BEM_SE += [0.08210765, 0.07085372, 0.10089846, 0.14752627]


def test_the_36_models_of_bem_2011() -> None:
    """README of RoBMA 2.1: `RoBMA(d = Bem2011$d, se = Bem2011$se, seed = 1)`. RoBMA analyses Fisher's z."""
    fit = robust_bayes(BEM, np.square(BEM_SE))
    assert len(fit.prior) == 36
    assert (sum(fit.effect), sum(fit.heterogeneity)) == (18, 18)
    assert sum(bias != "none" for bias in fit.bias) == 32
    assert fit.prior.sum() == pytest.approx(1)
    assert fit.p_effect == pytest.approx(0.324, abs=0.005)
    assert fit.p_heterogeneity == pytest.approx(0.125, abs=0.005)
    assert fit.p_bias == pytest.approx(0.942, abs=0.005)
    assert fit.bf_effect == pytest.approx(0.479, rel=0.02)
    assert fit.bf_heterogeneity == pytest.approx(0.143, rel=0.02)
    assert fit.bf_bias == pytest.approx(16.323, rel=0.03)
    assert (fit.mean, fit.median) == (pytest.approx(0.037, abs=0.001), 0.0)
    assert (fit.ci_low, fit.ci_high) == (pytest.approx(-0.041, abs=0.005), pytest.approx(0.213, abs=0.005))
    assert fit.tau_mean == pytest.approx(0.010, abs=0.001)
    assert (fit.tau_low, fit.tau_high) == (0.0, pytest.approx(0.113, abs=0.003))


@pytest.mark.parametrize(
    ("effect", "heterogeneity", "bias", "published"),
    [
        (False, False, "none", -3.28),
        (False, False, "one-sided .05", 13.70),
        (False, False, "PET", 15.75),
        (False, False, "PEESE", 15.65),
    ],
)
def test_marginal_likelihoods_of_bem_2011(
    effect: bool, heterogeneity: bool, bias: str, published: float
) -> None:
    """The same vignette, models 1, 4, 6 and 7: log marginal likelihoods, of Fisher's z = d/2 to 1 %,
    of which every trial's density is twice as high."""
    fit = robust_bayes(BEM, np.square(BEM_SE))
    at = list(zip(fit.effect, fit.heterogeneity, fit.bias, strict=True)).index((effect, heterogeneity, bias))
    assert fit.log_evidence[at] + len(BEM) * np.log(2) == pytest.approx(published, abs=0.15)
