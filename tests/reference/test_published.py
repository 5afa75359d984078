"""Numbers printed in papers and handbooks, to the digits printed: opinions that no program here computed."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import reference
from trialpool import stats

SETS = reference("pooling")["datasets"]
# metadat's dat.pignon2000: observed less expected deaths with chemotherapy, and their variances.
PIGNON = {
    "OmE": [
        -1.8,
        11.8,
        -7.4,
        -5.6,
        0.4,
        1.8,
        -0.2,
        -3.9,
        0,
        -0.8,
        2.2,
        -3.3,
        -0.6,
        -9.2,
        6.3,
        2.6,
        -2,
        -2.1,
        7.2,
        2.7,
        1.2,
        0.4,
        -3.6,
        -0.3,
        -4.2,
        1.6,
        -5.7,
        -8.5,
        -7.5,
        -6.5,
        -5.7,
        -4,
        -2.9,
        5.4,
        -8.1,
        -1.1,
        0.6,
        4.6,
        -7.1,
        1.8,
        -4.3,
        -17.9,
        1.2,
        -3.1,
        2.1,
        -4.4,
        -2,
        -12,
        4.5,
        -25.3,
        -6.8,
        -2.4,
        2,
        -4.3,
        5.4,
        2.1,
        -13.5,
        -8.7,
        -2.2,
        -0.8,
        -14.3,
        -5.1,
        -13.3,
        -16.8,
        -5.3,
    ],
    "V": [
        14.5,
        57.1,
        80.6,
        8.5,
        6.4,
        8.7,
        5,
        30.2,
        7.8,
        125.9,
        27.9,
        13.5,
        63.1,
        29.7,
        16.6,
        36.6,
        25.8,
        18.1,
        19.8,
        22.2,
        9,
        11.9,
        33.2,
        13.4,
        92.2,
        19.6,
        20.2,
        47.4,
        24.8,
        15.9,
        46.5,
        5.2,
        25.8,
        9.2,
        46.6,
        6.7,
        9,
        5.9,
        16.4,
        8,
        8.4,
        14.1,
        40,
        6.7,
        5.5,
        7,
        9.9,
        10.4,
        45.6,
        121.2,
        4.6,
        66.2,
        24.3,
        41.2,
        79.4,
        11.9,
        16.6,
        31.7,
        11.2,
        12.2,
        30,
        28.3,
        21.9,
        29.8,
        12.3,
    ],
}


def fit(name: str, method: str = "REML", interval: str = "wald") -> Any:
    return stats.pool(SETS[name]["effects"], SETS[name]["variances"], tau2_method=method, interval=interval)


def printed(value: float, digits: int) -> Any:
    """Half a unit of the last printed digit, and a hair for rounding that was not to the nearest."""
    return pytest.approx(value, abs=0.505 * 10.0**-digits)


@pytest.mark.parametrize(
    ("method", "tau2"), [("DL", 0.2297), ("ML", 0.2386), ("REML", 0.3008), ("SJ", 0.4563)]
)
def test_viechtbauer_2007_table_ii(method: str, tau2: float) -> None:
    assert fit("collins_preeclampsia_or", method).tau2 == printed(tau2, 4)


def test_viechtbauer_2007_q_profile() -> None:
    entry = SETS["collins_preeclampsia_or"]
    low, high = stats.tau2_interval(entry["effects"], entry["variances"])
    assert (low, high) == (printed(0.0723, 4), printed(2.2027, 4))


@pytest.mark.parametrize(
    ("name", "method", "estimate"),
    [
        ("bcg_rr", "FE", -0.4303),
        ("bcg_rr", "DL", -0.7141),
        ("bcg_or", "FE", -0.4361),
        ("bcg_or", "DL", -0.7474),
    ],
)
def test_stata_metan_on_bcg(name: str, method: str, estimate: float) -> None:
    assert fit(name, method).estimate == printed(estimate, 4)


def test_stata_metan_details_on_bcg() -> None:
    common = fit("bcg_rr", "FE")
    assert (common.ci_low, common.ci_high) == (printed(-0.5097, 4), printed(-0.3509, 4))
    assert common.statistic == printed(-10.6247, 4)
    assert common.i2 == printed(92.1173, 4)
    assert fit("bcg_rr", "DL").tau2 == printed(0.3088, 4)
    assert fit("bcg_or", "DL").tau2 == printed(0.3663, 4)
    assert fit("bcg_or", "FE").i2 == printed(92.6455, 4)
    assert fit("bcg_rd", "FE").estimate == printed(-0.0009, 4)


def test_normand_1999_table_ix() -> None:
    """Length of stay: mean differences with variances from pooled SDs."""
    entry = reference("tables")["means"]["normand"]
    data = [entry[key] for key in ("mean1", "sd1", "n1", "mean2", "sd2", "n2")]
    y, v = stats.mean_difference(*data, pooled=True)
    moments = stats.pool(y, v, tau2_method="DL", interval="wald")
    likelihood = stats.pool(y, v, tau2_method="REML", interval="wald")
    assert stats.pool(y, v, tau2_method="FE").estimate == printed(-3.4939, 4)
    assert moments.estimate == printed(-14.0972, 4)
    assert (moments.ci_low, moments.ci_high) == (printed(-24.4454, 4), printed(-3.7490, 4))
    assert moments.tau2 == printed(218.7216, 4)
    assert likelihood.estimate == printed(-15.1217, 4)
    assert (likelihood.ci_low, likelihood.ci_high) == (printed(-32.6716, 4), printed(2.4282, 4))
    assert likelihood.tau2 == printed(685.1965, 4)


def test_raudenbush_2009() -> None:
    common, random = fit("raudenbush_smd", "FE"), fit("raudenbush_smd", "REML")
    assert common.estimate == printed(0.0604, 4)
    assert common.q == printed(35.8295, 4)
    assert random.estimate == printed(0.0837, 4)
    assert random.tau2 == printed(0.0188, 4)
    assert random.statistic == printed(1.6208, 4)
    # The chapter adds rounded parts: its .3711 is .37099.
    assert (random.pi_low, random.pi_high) == (printed(-0.2036, 4), printed(0.371, 3))


@pytest.mark.parametrize(
    ("method", "se"), [("FE", 0.0515), ("ML", 0.0593), ("REML", 0.0616), ("DL", 0.0636), ("HE", 0.0711)]
)
def test_raudenbush_2009_knapp_hartung_errors(method: str, se: float) -> None:
    assert fit("raudenbush_smd", method, "hksj").se == printed(se, 4)


def test_raudenbush_2009_mixed_model() -> None:
    """Weeks of contact before the expectancy was induced, three or more counted as three."""
    entry = reference("regression")["designs"]["raudenbush_weeks"]
    weeks = np.minimum(np.array(entry["design"])[:, 0], 3)
    model = stats.meta_regression(entry["effects"], entry["variances"], weeks, interval="wald")
    assert model.coefficients[0] == printed(0.4072, 4)
    assert model.coefficients[1] == printed(-0.1572, 4)


def test_konstantopoulos_2011() -> None:
    entry = reference("multilevel")["datasets"]["konstantopoulos"]
    y, v = entry["effects"], entry["variances"]
    low, high = stats.tau2_interval(y, v)
    assert stats.pool(y, v).tau2 == printed(0.0884, 4)
    # Printed as .0564, where the program of the time stopped at 1e-4; the equation's root is .056466.
    assert (low, high) == (printed(0.0565, 4), printed(0.1388, 4))
    three = stats.multilevel(y, v, entry["cluster"])
    assert (three.sigma2_between, three.sigma2_within) == (printed(0.065, 3), printed(0.033, 3))


def test_egger_2001() -> None:
    """The magnesium trials: Kendall's tau .15, p = .4503."""
    entry = SETS["egger_or"]
    test = stats.begg(entry["effects"], entry["variances"])
    assert (test.tau, test.p_value) == (printed(0.15, 2), printed(0.4503, 4))


def test_cochrane_handbook_five_numbers() -> None:
    """Handbook 5.1, 16.1.3.2: correlations from three SDs, and the SD of a change."""
    assert stats.change_correlation(6.4, 7.1, 4.5) == printed(0.78, 2)
    assert stats.change_correlation(7.0, 6.9, 4.2) == printed(0.82, 2)
    assert stats.se_from_p(3.8, 0.008, df=45) == printed(1.37, 2)
    assert stats.paired_effects(0.5, 2.0, 10).variance ** 0.5 == printed(0.632, 3)


# Doses in g a day, log relative risks, lower triangles of their covariances by Greenland & Longnecker.
ALCOHOL = (
    (
        *((9.06, 27, 45, 64.8), (-0.2231435, -0.0001, 0.5306283, 0.8754687)),
        "0.0498799 0.0187591 0.05464 0.0167874 0.0173648 0.141763 0.0178097 0.0184224 0.0164861 0.19714",
    ),
    (
        *((16.05, 46.425, 77.16), (-0.4307829, -1.07881, -0.6161861)),
        "0.048976 0.0266978 0.0885452 0.0251003 0.0242504 0.14983",
    ),
    (
        *((1.176, 8.916, 18.72), (-0.5798185, -0.5621189, 0.6151856)),
        "0.100582 0.0366779 0.175238 0.0420303 0.0375755 0.826464",
    ),
    (
        *((0.955, 7.43, 15.6), (-0.2876821, 0.5128236, -0.3147107)),
        "0.111045 0.0356603 0.114496 0.0346644 0.0329328 0.222166",
    ),
    (
        *((6, 18, 28.8), (-0.4155155, -0.6348783, -0.0833816)),
        "0.0207981 0.0112206 0.05681 0.0134729 0.0126904 0.0750132",
    ),
    (
        *((6.25, 18.75, 30), (-0.2231435, -0.0100503, -0.2613648)),
        "0.0245195 0.00489822 0.123264 0.00471823 0.00437173 0.173482",
    ),
)


def test_dosresmeta_on_alcohol_and_heart_disease() -> None:
    """Its manual, `predict(lin, delta = 12)`: relative risk of 12 g a day by the linear model."""
    doses, effects = (np.concatenate([study[at] for study in ALCOHOL]) for at in (0, 1))
    trial = np.repeat(range(len(ALCOHOL)), [len(study[0]) for study in ALCOHOL])
    covariance = np.zeros((len(doses), len(doses)))
    for number, (_, _, triangle) in enumerate(ALCOHOL):
        rows, columns = np.tril_indices(int((trial == number).sum()))
        at = np.flatnonzero(trial == number)
        for one, other in ((rows, columns), (columns, rows)):
            covariance[at[one], at[other]] = [float(word) for word in triangle.split()]
    fit = stats.dose_response(effects, covariance, doses, trial, interval="wald")
    risk = stats.predict_dose(fit, [12])
    for ours, theirs in ((risk.estimate, 0.948964), (risk.ci_low, 0.826218), (risk.ci_high, 1.089945)):
        assert np.exp(ours[0]) == printed(theirs, 6)


@pytest.mark.parametrize(
    ("model", "estimate", "se", "tau"), [("CM.EL", -1.353, 0.351, 0.833), ("CM.AL", -1.303, 0.339, 0.775)]
)
def test_stijnen_2010_catheters(model: str, estimate: float, se: float, tau: float) -> None:
    """Their random-effects models of 18 trials, exact and approximate."""
    trials = reference("sparse")["glmm"]["OR"]["nielweise"]
    found = stats.glmm(*(trials[name] for name in ("events1", "n1", "events2", "n2")), model=model)
    assert (found.estimate, found.se, found.tau2**0.5) == (
        printed(estimate, 3),
        printed(se, 3),
        printed(tau, 3),
    )
    assert (found.k, found.left_out) == (17, 1)


def test_rothman_2008_smokers_by_age() -> None:
    """Deaths over person-years (in 10,000) of British doctors, by Mantel and Haenszel, with 90% intervals."""
    deaths = [32, 104, 206, 186, 102], [2, 12, 28, 28, 31]
    years = [5.2407, 4.3248, 2.8612, 1.2663, 0.5317], [1.879, 1.0673, 0.571, 0.2585, 0.1462]
    table = deaths[0], years[0], deaths[1], years[1]
    ratio = stats.mantel_haenszel(*table, measure="IRR", level=0.9)
    assert (ratio.estimate, ratio.ci_low, ratio.ci_high) == tuple(
        printed(x, 4) for x in (0.3539, 0.1776, 0.5303)
    )
    assert stats.mantel_haenszel(*table, measure="IRD").estimate == printed(11.4392, 4)


def test_pignon_2000_from_log_rank_tests() -> None:
    """Head and neck cancer, O - E and V as printed: Peto's common hazard ratio, 0.90 (0.85 to 0.94)."""
    excess, spread = (np.array(PIGNON[name]) for name in ("OmE", "V"))
    found = stats.pool(excess / spread, 1 / spread, tau2_method="FE", interval="wald")
    natural = np.exp([found.estimate, found.ci_low, found.ci_high])
    assert tuple(natural) == tuple(printed(x, 7) for x in (0.8951194, 0.8544347, 0.9377413))
    assert found.q == printed(123.6708, 4)


def test_citkowicz_and_vevea_and_preston_by_metafor_as_printed() -> None:
    """metafor's tests of `selmodel`: the beta model of Baskerville 2012, exponential ones of Preston 2004."""
    words = "1.01 .82 .59 .44 .84 .73 1.12 .04 .24 .32 1.04 1.31 .59 .66 .62 .47 1.08 .98 .26 .39 .60 .94 .11"
    errors = ".52 .46 .23 .18 .29 .29 .36 .37 .15 .40 .32 .57 .29 .19 .31 .27 .32 .32 .18 .18 .31 .53 .27"
    y, se = (np.array(column.split(), dtype=float) for column in (words, errors))
    fit = stats.smooth_selection(y, se**2, "beta")
    assert fit.delta == pytest.approx([0.4731131, 4.4613093], rel=1e-4)
    assert fit.lrt == pytest.approx(7.846906, rel=1e-4)
    tables = np.array(
        [
            *([4, 19, 5, 19], [34, 341, 50, 334], [7, 71, 16, 69], [6, 45, 5, 44], [1, 94, 8, 96]),
            *([11, 88, 12, 82], [2, 82, 7, 84], [0, 15, 1, 20], [33, 221, 43, 218]),
        ]
    )
    zero = np.array([[0, 18, 0, 18], [0, 22, 0, 22], [0, 33, 0, 30]])  # dropped, as metafor's drop00 does
    assert not zero[:, [0, 2]].any()
    effects = stats.odds_ratio(*tables.T)
    for form, delta in (("halfnorm", 3.162948), ("negexp", 2.656714), ("power", 1.458923)):
        kind = {"alternative": "less", "tau2_method": "FE"}
        found = stats.smooth_selection(effects.effect, effects.variance, form, **kind)
        assert found.delta == pytest.approx([delta], rel=1e-4), form


def test_pimeta_as_printed() -> None:
    """The vignette of pimeta, Riley's blood pressure trials: 25 000 draws leave the third digit open."""
    y = [0, 0.1, -0.4, -0.8, -0.63, 0.22, -0.34, -0.51, 0.03, -0.81]
    se = np.array(
        [
            *(0.42347717, 0.21939179, 0.02551067, 0.19898325, 0.30102594),
            *(0.30102594, 0.07142988, 0.10204269, 0.12245123, 0.30102594),
        ]
    )
    low, high = stats.prediction_interval(y, se**2, "bootstrap")
    assert (low, high) == pytest.approx((-0.8807, 0.2240), abs=2e-3)
    low, high = stats.prediction_interval(y, se**2, "k-2")
    assert (low, high) == pytest.approx((-0.9886995, 0.3312188), abs=5e-5)


def test_collins_1985_as_printed_by_viechtbauer() -> None:
    """Viechtbauer 2007, Table II: profile likelihood of nine trials, and Biggerstaff's interval near it."""
    entry = reference("further_intervals")["means"]["collins_preeclampsia_or"]
    data = entry["effects"], entry["variances"]
    for method, printed in (("ML", (0.0266, 1.1308)), ("REML", (0.0427, 1.4747))):
        low, high = stats.profile_interval(*data, method=method)
        assert (low, high) == pytest.approx(printed, abs=1e-4)
    low, high = stats.generalised_q_interval(*data, weights="inverse_variance")
    assert low == pytest.approx(0.0481, abs=0.02)


def test_lee_2004_by_henmi_and_copas_as_printed() -> None:
    entry = reference("further_intervals")["means"]["lee_or"]
    fit = stats.henmi_copas(entry["effects"], entry["variances"])
    assert (fit.estimate, fit.ci_low, fit.ci_high) == pytest.approx((-0.5145, -0.9994, -0.0295), abs=5e-5)


def test_berkey_1998_as_printed() -> None:
    """Berkey et al. 1998: two outcomes of five periodontal trials by maximum likelihood."""
    entry = reference("models")["multivariate"]["berkey_un"]
    random = [stats.Random(entry["random"][0]["outer"], "UN", entry["random"][0]["inner"])]
    kind = {"design": entry["design"], "intercept_too": False, "method": "ML"}
    fit = stats.multivariate_model(entry["effects"], entry["covariance"], random, **kind)
    assert fit.coefficients == pytest.approx([-0.3379, 0.3448], abs=5e-5)
    assert sorted(fit.components) == pytest.approx([0.0070, 0.0261, 0.6992], abs=5e-5)


def test_location_scale_of_laopaiboon_as_metafor_prints_it() -> None:
    entry = reference("models")["location_scale"]["laopaiboon"]
    fit = stats.location_scale_model(entry["effects"], entry["variances"], scale=entry["scale"])
    assert fit.scale == pytest.approx([-0.8868, 42.4065], abs=5e-5)


def test_excess_significance_of_dorn_2007_as_metafor_prints_it() -> None:
    entry = reference("further_bias")["datasets"]["dorn_rr"]
    found = stats.excess_significance(entry["effects"], entry["variances"])
    assert found.expected == pytest.approx(4.923333, abs=5e-6)
    assert (found.statistic, found.p_value) == pytest.approx((7.065648, 0.003928794), abs=5e-6)


def test_kenward_roger_of_bcg_as_pimeta_has_the_error() -> None:
    """Its degrees of freedom are those of Kenward & Roger times (SE/adjusted SE)⁴, see README.md."""
    entry = reference("further_intervals")["means"]["bcg_rr"]
    fit = stats.kenward_roger(entry["effects"], entry["variances"])
    plain = float(stats.pool(entry["effects"], entry["variances"], interval="wald").se)
    assert fit.se[0] == pytest.approx(0.18153564, abs=5e-9)
    assert fit.df[0] * (plain / fit.se[0]) ** 4 == pytest.approx(10.51371076, abs=1e-6)
