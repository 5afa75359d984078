"""`bayes_regression` against R's bayesmeta 3.4 and against `bayes_pool`, whose quadrature is another."""

import numpy as np
import pytest

from tests.reference.agreement import reference
from trialpool.stats import bayes_pool, bayes_regression

BCG = reference("bayes")["datasets"]["bcg_rr"]
LATITUDE = np.array([44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33]) - 33.0
# bmr(yi, sqrt(vi), X = cbind(1, ablat - 33), tau.prior = …, interval.type = "central")$summary of bayesmeta
# 3.4: median, mean, 2.5 and 97.5 % of tau, of the intercept and of the slope. Of coefficients bmr sums over a
# coarse grid of tau (delta = 0.01): three to four digits.
BMR = {
    ("half_normal", 0.5): (
        (0.2949258677503, 0.3139940375954, 0.0893012476381, 0.6466190133682),
        (-0.701987255524, -0.707669915495, -0.970580654573, -0.471642135842),
        (-0.02905552953440, -0.02887459883926, -0.04537845646777, -0.01136760282416),
    ),
    ("log_normal", -2.56, 1.74): (  # TurnerEtAlPrior()
        (0.2628815299211, 0.2833400556470, 0.0937409046465, 0.5899164786393),
        (-0.699089908097, -0.704191904562, -0.948320286954, -0.486061698367),
        (-0.02916503691771, -0.02901559018515, -0.04421411235239, -0.01293392746274),
    ),
}


@pytest.mark.parametrize("prior", BMR)
def test_bcg_on_latitude_is_bmrs(prior) -> None:
    fit = bayes_regression(BCG["effects"], BCG["variances"], LATITUDE, tau_prior=prior)
    tau, intercept, slope = BMR[prior]
    assert (fit.tau_median, fit.tau_mean, fit.tau_low, fit.tau_high) == pytest.approx(tau, rel=2e-9)
    for at, theirs in ((0, intercept), (1, slope)):
        ours = [column[at] for column in (fit.estimate, fit.mean, fit.ci_low, fit.ci_high)]
        assert ours == pytest.approx(theirs, abs=2.5e-3 * fit.sd[at])


@pytest.mark.parametrize("mu_prior", [None, (0.1, 0.7)])
@pytest.mark.parametrize(
    "prior",
    [
        *(("half_normal", 0.5), ("half_cauchy", 0.3), ("uniform", 2.0)),
        *(("log_normal", -2.06, 1.51), ("log_t", -3.44, 2.59)),
    ],
)
def test_an_intercept_alone_is_a_meta_analysis(prior, mu_prior) -> None:
    y, v = BCG["effects"], BCG["variances"]
    fit = bayes_regression(
        y, v, np.ones(len(y)), intercept=False, tau_prior=prior, coefficient_priors=[mu_prior]
    )
    pooled = bayes_pool(y, v, tau_prior=prior, mu_prior=mu_prior)
    for name in ("estimate", "mean", "sd", "ci_low", "ci_high", "tau_median", "tau_mean", "tau_high"):
        assert np.ravel(getattr(fit, name))[0] == pytest.approx(getattr(pooled, name), rel=1e-8)
    assert fit.log_evidence == pytest.approx(pooled.log_evidence, abs=1e-8)


def test_a_strong_prior_holds_its_coefficient() -> None:
    kind = {"coefficient_priors": [None, (0.05, 1e-4)]}
    fit = bayes_regression(BCG["effects"], BCG["variances"], LATITUDE, **kind)
    assert fit.estimate[1] == pytest.approx(0.05, abs=1e-3)
    with pytest.raises(ValueError, match="cannot be told apart"):
        bayes_regression(BCG["effects"], BCG["variances"], np.ones(13))
