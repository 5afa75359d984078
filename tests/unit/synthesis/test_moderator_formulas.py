"""Several moderators by a formula of columns and covariates, as an analysis asks for them."""

import pytest

from tests.reference.agreement import reference
from trialpool.protocol import alone
from trialpool.records import Choice, Choices, Effect, sketch
from trialpool.stats import meta_regression
from trialpool.synthesis.diagnostics import adjusted, moderator_rows, moderator_table

ENTRY = reference("moderator_tests")["moderators"]["bcg_latitude_year"]
FORMULA = "~ latitude + year"


def effects(without: int = 0) -> list[Effect]:
    """BCG trials whose latitude is a covariate and whose year a column; some without a latitude."""
    return [
        sketch(
            Effect,
            study_id=f"T{at}",
            effect=y,
            variance=v,
            year=int(year),
            covariates=Choices([Choice("latitude", str(latitude))] if at >= without else []),
        )
        for at, (y, v, (latitude, year)) in enumerate(
            zip(ENTRY["effects"], ENTRY["variances"], ENTRY["design"], strict=True)
        )
    ]


def spec(*moderators: str) -> dict:
    return alone("RR", interval="hksj", moderators=list(moderators), analysis="a")


def test_all_moderators_are_tested_together_as_metafor_does() -> None:
    (row,) = moderator_rows(spec(FORMULA), effects())
    assert (row.moderator, row.kind, row.k, row.df) == (FORMULA, "formula", 13, 2)
    assert row.statistic == pytest.approx(ENTRY["wald"]["hksj"]["statistic"], rel=1e-9)
    assert row.p_value == pytest.approx(ENTRY["wald"]["hksj"]["p_value"], rel=1e-9)
    assert row.p_likelihood_ratio == pytest.approx(ENTRY["likelihood_ratio"]["all"]["p_value"], rel=1e-9)
    assert row.p_robust == pytest.approx(ENTRY["robust"]["all_p_value"], rel=1e-8)
    assert [term.term for term in row.terms] == ["Intercept", "latitude", "year"]
    assert [term.vif for term in row.terms[1:]] == pytest.approx(ENTRY["vif"], rel=1e-9)


def test_each_coefficient_stands_below_its_formula_in_the_table() -> None:
    rows = list(moderator_table(adjusted(moderator_rows(spec("year", FORMULA), effects()))))
    fit = meta_regression(ENTRY["effects"], ENTRY["variances"], ENTRY["design"], interval="hksj")
    assert [row.get("level") for row in rows] == [None, None, "Intercept", "latitude", "year"]
    assert [row["slope"] for row in rows[2:]] == pytest.approx(fit.coefficients.tolist(), rel=1e-9)
    assert rows[1]["p_adjusted"] >= rows[1]["p_value"]


def test_trials_without_a_value_are_left_out_and_counted() -> None:
    (row,) = moderator_rows(spec(FORMULA), effects(without=2))
    assert row.k == 11
    assert row.p_value is not None


@pytest.mark.parametrize(
    ("formula", "without", "reason"),
    [
        ("~ dose", 0, "dose: known of none of the 13 trials"),
        (FORMULA, 10, "known of 3 of the 13 trials: at least 5 are needed for 3 coefficients"),
        ("~ latitude + I(latitude * 2)", 0, "its columns say the same of these trials, or nothing"),
    ],
)
def test_what_cannot_be_tested_says_why(formula: str, without: int, reason: str) -> None:
    (row,) = moderator_rows(spec(formula), effects(without))
    assert (row.p_value, row.caution) == (None, reason)


def test_words_and_interactions_are_coefficients_of_their_own() -> None:
    (row,) = moderator_rows(spec("~ latitude * year"), effects())
    assert [term.term for term in row.terms] == ["Intercept", "latitude", "year", "latitude:year"]
    assert "cannot tell them apart" not in row.caution
