"""The tables of the literature: whole, of one shape, named in the methods; what they have not is refused."""

import pytest

from trialpool.api import effects, pool
from trialpool.priors import TABLES, rhodes_prior, turner_prior
from trialpool.stats._tau_priors import LOG_PRIORS
from trialpool.yaml_files import shipped

TRIALS = {"measure": "OR", "effect": [0.5, 0.7, 0.3], "ci": ([0.2, 0.4, 0.1], [1.25, 1.2, 0.9])}


@pytest.mark.parametrize("table", TABLES)
def test_every_outcome_has_a_prior_of_every_comparison(table):
    known = shipped("priors")[table]
    assert known["prior"] in LOG_PRIORS
    assert len(known["outcomes"]) == {"turner": 16, "rhodes": 8}[table]
    for outcome in known["outcomes"].values():
        assert len(outcome["of"]) == len(known["comparisons"])
        assert all(-5 < location < 0 < scale < 3 for location, scale in outcome["of"])


def test_turner_is_additive_in_outcome_and_comparison():
    """The means come of a regression without interaction: a digit mistyped stands out of the pattern."""
    rows = [[mean for mean, _ in row["of"]] for row in shipped("priors")["turner"]["outcomes"].values()]
    for row in rows:
        for ours, first in zip(row, rows[0], strict=True):
            assert abs((ours - row[0]) - (first - rows[0][0])) < 0.025


def test_rhodes_is_additive_but_for_the_cell_that_is_said():
    of = shipped("priors")["rhodes"]["outcomes"]
    for name, row in of.items():
        for at, first in ((1, -0.275), (2, 0.14)):
            apart = abs(row["of"][at][0] - row["of"][0][0] - first)
            assert apart < 0.02 or (name, at) == ("mental_health", 2)


def test_words_that_a_table_has_not_are_refused():
    with pytest.raises(ValueError, match="outcome: 'pian' is none of all_cause_mortality"):
        turner_prior("pian", "pharmacological_vs_placebo")
    with pytest.raises(ValueError, match="comparison: 'any' is none of pharmacological_vs_placebo"):
        rhodes_prior("subjective")


def test_a_fit_has_the_prior_that_it_is_given_and_says_so():
    prior = turner_prior("pain", "pharmacological_vs_placebo")
    data = effects(**TRIALS)
    fit = pool(data, prior=prior)
    assert fit.interval == "bayes"
    assert fit.estimate == fit.bayes().estimate == pool(data, interval="bayes").bayes(prior).estimate
    assert fit.estimate != pool(data).estimate
    assert "log-normal, its logarithm with mean −1.83 and standard deviation 1.52: Turner" in fit.report()
    with pytest.raises(ValueError, match="must be the scale of a half-normal one, or"):
        pool(data, prior=("normal", 0, 1))


@pytest.mark.parametrize(
    ("measure", "prior", "remedy"),
    [
        ("MD", turner_prior(), r"odds ratios \(OR\), not for MD: give a scale, or pool OR"),
        ("RR", turner_prior("pain", "pharmacological_vs_placebo"), "not for RR: give a scale, or pool OR"),
        ("SMD", turner_prior(), "not for SMD: take rhodes_prior, or give a scale"),
        ("OR", rhodes_prior(), r"standardised mean differences \(SMD\), not for OR: take turner_prior"),
        ("MD", [*rhodes_prior()], "not for MD: give a scale, or pool SMD"),
    ],
)
def test_a_prior_of_the_literature_is_of_its_measure(measure, prior, remedy):
    data = effects(measure=measure, effect=[0.5, 0.7, 0.3, 0.4], se=[0.2, 0.3, 0.4, 0.3])
    fit = pool(data, prior=0.5)
    asked = (
        lambda: pool(data, prior=prior),
        lambda: fit.bayes(prior),
        lambda: fit.bayes_regress("1", prior),
    )
    for one in asked:
        with pytest.raises(ValueError, match=remedy):
            one()


def test_a_prior_of_ones_own_is_of_any_measure():
    data = effects(measure="MD", effect=[0.5, 0.7, 0.3], se=[0.2, 0.3, 0.4])
    own = ("log_normal", -1.0, 1.5)
    assert pool(data, prior=own).bayes().said == pool(data, interval="bayes", prior=1.0).bayes(own).said
    cauchy = pool(data, prior=1.0).bayes(("half_cauchy", 0.3))
    assert cauchy.said == pool(data, prior=1.0).bayes("half_cauchy", 0.3).said
    with pytest.raises(ValueError, match=r"scale: the prior .* has its own"):
        pool(data).bayes(("half_cauchy", 0.3), 0.4)
    with pytest.raises(ValueError, match="half_normal, half_cauchy, uniform"):
        pool(data).bayes(("half_caucy", 0.3))
    with pytest.raises(ValueError, match=r"scale of a half-normal one, .* fit.bayes\(prior=, scale=\)"):
        pool(data, prior=("half_cauchy", 0.3))
