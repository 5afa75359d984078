"""From known people back to their effect: every way of reporting a trial must lead to the same number.

Raw values are drawn, one trial a way of reporting is printed from them with a given number of decimals, and
the effect that comes out must be the true one within what the rounding of the report allows.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri, stdtr, stdtrit
from small_review import answer, chosen, question, review

pytestmark = pytest.mark.slow  # eight drawn trials a test, each from its tables to its effect

SHAM = {"arm": "s", "category": "sham", "role": "control"}
EXAMPLES = settings(max_examples=8, deadline=None)


@dataclass(frozen=True)
class Raw:
    """People of both arms: final values, and their baselines."""

    a: np.ndarray
    s: np.ndarray
    a0: np.ndarray
    s0: np.ndarray
    decimals: int

    @property
    def step(self) -> float:
        return 0.5 * 10.0**-self.decimals

    @property
    def effect(self) -> float:
        return float(self.a.mean() - self.s.mean())

    @property
    def variance(self) -> float:
        return float(self.a.var(ddof=1) / len(self.a) + self.s.var(ddof=1) / len(self.s))

    @property
    def pooled_se(self) -> float:
        n1, n2 = len(self.a), len(self.s)
        squares = (n1 - 1) * self.a.var(ddof=1) + (n2 - 1) * self.s.var(ddof=1)
        return float(np.sqrt(squares / (n1 + n2 - 2) * (1 / n1 + 1 / n2)))


@st.composite
def people(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n1, n2 = draw(st.integers(8, 60)), draw(st.integers(8, 60))
    r = draw(st.floats(0.2, 0.9))
    size = draw(st.sampled_from([1.0, 3.0]))

    def arm(n, centre):
        before = rng.normal(size=n)
        after = r * before + np.sqrt(1 - r**2) * rng.normal(size=n)
        return centre + size * after, 6.0 + size * before

    a, a0 = arm(n1, draw(st.floats(2, 4)))
    s, s0 = arm(n2, draw(st.floats(4.5, 6)))
    return Raw(a, s, a0, s0, draw(st.integers(2, 4)))


def printed(values, raw):
    """What a paper prints of an arm."""
    return {
        "n": len(values),
        "centre": round(float(values.mean()), raw.decimals),
        "spread_low": round(float(values.std(ddof=1)), raw.decimals),
    }


def both(raw, **cells):
    return [{"arm": "a", **printed(raw.a, raw), **cells}, {"arm": "s", **printed(raw.s, raw), **cells}]


def effect(rows=(), contrasts=(), arms=({"arm": "a"}, SHAM), studies=({},), **changes):
    tables = review(studies=list(studies), arms=list(arms), continuous=list(rows), contrasts=list(contrasts))
    (row,) = chosen(answer(tables, question(**changes)))
    return row


def close(found, true, slack):
    assert abs(found - true) <= slack * 1.0001 + 1e-9, (found, true, slack)


def close_variance(row, raw, slack_sd):
    """SDs off by at most `slack_sd`: the variance moves by at most its total differential, and a little."""
    slack = sum(
        (2 * values.std(ddof=1) * slack_sd(len(values)) + slack_sd(len(values)) ** 2) / len(values)
        for values in (raw.a, raw.s)
    )
    close(row["variance"], raw.variance, slack)


@EXAMPLES
@given(people())
def test_mean_and_sd(raw):
    row = effect(both(raw))
    close(row["effect"], raw.effect, 2 * raw.step)
    close_variance(row, raw, lambda n: raw.step)


@EXAMPLES
@given(people())
def test_mean_and_se(raw):
    rows = both(raw, spread_type="se")
    for row, values in zip(rows, (raw.a, raw.s), strict=True):
        row["spread_low"] = round(float(values.std(ddof=1) / np.sqrt(len(values))), raw.decimals)
    row = effect(rows)
    close(row["effect"], raw.effect, 2 * raw.step)
    close_variance(row, raw, lambda n: raw.step * np.sqrt(n))


@EXAMPLES
@given(people())
def test_mean_and_interval(raw):
    rows = both(raw, spread_type="ci95")
    for row, values in zip(rows, (raw.a, raw.s), strict=True):
        half = stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values))
        row["spread_low"] = round(float(values.mean() - half), raw.decimals)
        row["spread_high"] = round(float(values.mean() + half), raw.decimals)
    row = effect(rows)
    close(row["effect"], raw.effect, 2 * raw.step)
    close_variance(row, raw, lambda n: raw.step * np.sqrt(n) / stdtrit(n - 1, 0.975))


@EXAMPLES
@given(people())
def test_median_and_quartiles_of_a_symmetric_arm(raw):
    rows = both(raw, spread_type="iqr", centre_type="median")
    score = {n: float(ndtri((0.75 * n - 0.125) / (n + 0.25))) for n in (len(raw.a), len(raw.s))}
    for row, values in zip(rows, (raw.a, raw.s), strict=True):
        half = score[len(values)] * values.std(ddof=1)
        row["spread_low"] = round(float(values.mean() - half), raw.decimals)
        row["spread_high"] = round(float(values.mean() + half), raw.decimals)
    row = effect(rows)
    close(row["effect"], raw.effect, 2 * raw.step)
    close_variance(row, raw, lambda n: raw.step / score[n])


@EXAMPLES
@given(people(), st.booleans(), st.booleans())
def test_difference_with_its_interval_either_way_round(raw, turned, midpoint):
    half = stdtrit(len(raw.a) + len(raw.s) - 2, 0.975) * raw.pooled_se
    sign = -1 if turned else 1
    centre = sign * raw.effect
    first, second = ("s", "a") if turned else ("a", "s")
    numbers = {"a": len(raw.a), "s": len(raw.s)}
    contrast = {
        **{"arm_1": first, "arm_2": second, "n_1": numbers[first], "n_2": numbers[second]},
        "estimate": None if midpoint else round(centre, raw.decimals),
        "spread_low": round(centre - half, raw.decimals),
        "spread_high": round(centre + half, raw.decimals),
    }
    row = effect(contrasts=[contrast])
    close(row["effect"], raw.effect, raw.step)
    close(row["variance"] ** 0.5, raw.pooled_se, raw.step / stdtrit(len(raw.a) + len(raw.s) - 2, 0.975))


@EXAMPLES
@given(people(), st.booleans())
def test_difference_or_two_means_with_the_p_value(raw, means_only):
    df = len(raw.a) + len(raw.s) - 2
    p = 2 * float(stdtr(df, -abs(raw.effect) / raw.pooled_se))
    shown = f"{p:.6f}".lstrip("0")
    if float(shown) <= 0 or float(shown) >= 1:
        return
    contrast = {
        **{"arm_1": "a", "arm_2": "s", "n_1": len(raw.a), "n_2": len(raw.s), "p_value": shown},
        **{"spread_type": "none", "spread_low": None, "spread_high": None},
        "estimate": None if means_only else round(raw.effect, raw.decimals),
    }
    rows = both(raw, spread_type="none", spread_low=None) if means_only else []
    row = effect(rows, [contrast])
    slack = (2 if means_only else 1) * raw.step
    close(row["effect"], raw.effect, slack)
    bounds = [
        (abs(raw.effect) + way * slack) / stdtrit(df, 1 - np.clip(p + way * 5e-7, 1e-12, 1) / 2)
        for way in (-1, 1)
    ]
    assert min(bounds) * 0.999999 <= row["variance"] ** 0.5 <= max(bounds) * 1.000001


@EXAMPLES
@given(people())
def test_change_by_the_correlation(raw):
    rows = []
    for arm, after, before in (("a", raw.a, raw.a0), ("s", raw.s, raw.s0)):
        rows.append({"arm": arm, **printed(before, raw), "weeks": 0, "timepoint": "baseline"})
        rows.append({"arm": arm, **printed(after, raw)})
    r = [np.corrcoef(raw.a, raw.a0)[0, 1], np.corrcoef(raw.s, raw.s0)[0, 1]]
    true = [float((raw.a - raw.a0).std(ddof=1)), float((raw.s - raw.s0).std(ddof=1))]
    for place, side in enumerate(("experimental", "control")):
        row = effect(rows, kinds=["change"], change_correlation=float(r[place]), correlation_source="assumed")
        assert row["kind"] == "change"
        close(row[f"sd_{side}"], true[place], 4 * raw.step / np.sqrt(1 - r[place]))
        close(row["effect"], float((raw.a - raw.a0).mean() - (raw.s - raw.s0).mean()), 4 * raw.step)


@EXAMPLES
@given(people(), st.integers(2, 5))
def test_arms_printed_apart_are_the_arm_they_make_together(raw, cut):
    parts = (raw.a[:cut], raw.a[cut:])
    exact = Raw(raw.a, raw.s, raw.a0, raw.s0, 10)
    rows = [{"arm": f"a{place}", **printed(values, exact)} for place, values in enumerate(parts)]
    rows.append({"arm": "s", **printed(raw.s, exact)})
    row = effect(rows, arms=[{"arm": "a0"}, {"arm": "a1"}, SHAM])
    close(row["effect"], raw.effect, 1e-8)
    close(row["variance"], raw.variance, 1e-8)


@EXAMPLES
@given(people(), st.sampled_from(["NRS", "VAS100", "FACT_GOG_NTX"]), st.booleans())
def test_another_scale_and_the_other_direction_change_nothing(raw, instrument, turned):
    top = {"NRS": 10.0, "VAS100": 100.0, "FACT_GOG_NTX": 44.0}[instrument]

    def as_printed(values):
        scaled = values * top / 10
        return top - scaled if turned else scaled

    other = Raw(as_printed(raw.a), as_printed(raw.s), raw.a0, raw.s0, 6)
    better = "higher" if turned else "lower"
    row = effect(both(other, instrument=instrument, better=better), scale="0-10")
    close(row["effect"], raw.effect, 1e-5)
    close(row["variance"], raw.variance, 1e-4)
    close(row["mean_experimental"], raw.a.mean(), 1e-5)
    assert ("sign reversed" in row["derivation"]) == turned


@EXAMPLES
@given(people())
def test_the_same_people_in_both_arms(raw):
    r = float(np.corrcoef(raw.a, raw.a0)[0, 1])
    exact = Raw(raw.a, raw.a0, raw.a, raw.a0, 10)
    row = effect(
        both(exact), studies=[{"design": "crossover"}], assumptions={"A": {"correlation": r, "source": "raw"}}
    )
    difference = raw.a - raw.a0
    close(row["effect"], float(difference.mean()), 1e-8)
    close(row["variance"], float(difference.var(ddof=1) / len(difference)), 1e-8)


@EXAMPLES
@given(st.integers(2, 30), st.integers(2, 30), st.integers(31, 60), st.integers(31, 60))
def test_events_and_their_published_ratio(e1, e2, n1, n2):
    spec = question(domain="responder", measure="OR", better="higher")
    events = [{"arm": "a", "events": e1, "n": n1}, {"arm": "s", "events": e2, "n": n2}]
    (counted,) = chosen(answer(review(events=events), spec))
    true, se = (
        np.log(e1 / (n1 - e1) / (e2 / (n2 - e2))),
        np.sqrt(1 / e1 + 1 / (n1 - e1) + 1 / e2 + 1 / (n2 - e2)),
    )
    close(counted["effect"], true, 1e-12)
    limits = np.exp([true, true - ndtri(0.975) * se, true + ndtri(0.975) * se]).round(6)
    names = dict(zip(("estimate", "spread_low", "spread_high"), limits.tolist(), strict=True))
    contrast = {"arm_1": "a", "arm_2": "s", "measure": "odds_ratio", "domain": "responder", **names}
    (read,) = chosen(answer(review(contrasts=[contrast]), spec))
    slack = 5e-7 / limits.min()
    close(read["effect"], true, slack)
    close(read["variance"] ** 0.5, se, slack)


@EXAMPLES
@given(people(), st.booleans())
def test_standardised_difference_from_the_interval_of_the_difference(raw, randomised):
    half = stdtrit(len(raw.a) + len(raw.s) - 2, 0.975) * raw.pooled_se
    n = {"n_1": len(raw.a), "n_2": len(raw.s)}
    arms = [{"arm": "a", "n_randomised": n["n_1"]}, {**SHAM, "n_randomised": n["n_2"]}]
    contrast = {"arm_1": "a", "arm_2": "s", "estimate": raw.effect, **({} if randomised else n)}
    contrast |= {"spread_low": raw.effect - half, "spread_high": raw.effect + half}
    found = effect(contrasts=[contrast], arms=arms, measure="SMD")
    true = effect(both(Raw(raw.a, raw.s, raw.a0, raw.s0, 10)), measure="SMD")
    close(found["effect"], true["effect"], 1e-7)
    close(found["variance"], true["variance"], 1e-7)
    assert found["imputed"] == randomised
