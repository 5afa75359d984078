"""From known people back to their effect: every way of reporting a trial must lead to the same number.

Raw values are drawn, one trial a way of reporting is printed from them with a given number of decimals, and
the effect that comes out must be the true one within what the rounding of the report allows. All trials of a
test are of one evidence, each with a question of its own, and are compared at once.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import ndtri, stdtr, stdtrit
from small_review import answer, chosen, question, review

pytestmark = pytest.mark.slow
SHAM = {"arm": "s", "category": "sham", "role": "control"}
TRIALS = 16


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


def people(rng):
    n1, n2 = rng.integers(8, 61, size=2)
    r = rng.uniform(0.2, 0.9)
    size = rng.choice([1.0, 3.0])

    def arm(n, centre):
        before = rng.normal(size=n)
        after = r * before + np.sqrt(1 - r**2) * rng.normal(size=n)
        return centre + size * after, 6.0 + size * before

    a, a0 = arm(n1, rng.uniform(2, 4))
    s, s0 = arm(n2, rng.uniform(4.5, 6))
    return Raw(a, s, a0, s0, int(rng.integers(2, 5)))


def printed(values, raw):
    """What a paper prints of an arm."""
    return {
        "n": len(values),
        "centre": round(float(values.mean()), raw.decimals),
        "spread_low": round(float(values.std(ddof=1)), raw.decimals),
    }


def both(raw, **cells):
    return [{"arm": "a", **printed(raw.a, raw), **cells}, {"arm": "s", **printed(raw.s, raw), **cells}]


def report(rows=(), contrasts=(), events=(), arms=({"arm": "a"}, SHAM), studies=({},), **changes):
    """What one trial prints, and what is asked about it."""
    tables = {"continuous": rows, "contrasts": contrasts, "events": events, "arms": arms, "studies": studies}
    return tables, changes


def effects(reports):
    """The effect of every trial, in one comparison: trial 3 is asked about by question 3."""
    tables = {name: [] for name in reports[0][0]}
    for number, (parts, _) in enumerate(reports):
        for name, rows in parts.items():
            own = {"study_id": str(number)} | ({"condition": str(number)} if name == "studies" else {})
            tables[name] += [{**row, **own} for row in rows]
    asked = []
    for number, (_, changes) in enumerate(reports):
        if "assumptions" in changes:
            changes = {**changes, "assumptions": {str(number): changes["assumptions"]}}
        asked.append(question(analysis=str(number), condition=[str(number)], **changes))
    found = {row["analysis"]: row for row in chosen(answer(review(**tables), *asked))}
    return [found[str(number)] for number in range(len(reports))]


def of_each_trial(way: Callable[[np.random.Generator], Iterator]) -> Callable[[], None]:
    """A test of a generator of one trial: it yields reports of it, and is sent the effect of each."""

    def test():
        trials = [way(np.random.default_rng(seed)) for seed in range(TRIALS)]
        sent = [None] * TRIALS
        while trials:
            asked = []
            for trial, row in zip(trials, sent, strict=True):
                with contextlib.suppress(StopIteration):
                    asked.append((trial, trial.send(row)))
            trials = [trial for trial, _ in asked]
            sent = effects([told for _, told in asked]) if asked else []

    return test


def close(found, true, slack):
    assert abs(found - true) <= slack * 1.0001 + 1e-9, (found, true, slack)


def close_variance(row, raw, slack_sd):
    """SDs off by at most `slack_sd`: the variance moves by at most its total differential, and a little."""
    slack = sum(
        (2 * values.std(ddof=1) * slack_sd(len(values)) + slack_sd(len(values)) ** 2) / len(values)
        for values in (raw.a, raw.s)
    )
    close(row["variance"], raw.variance, slack)


@of_each_trial
def test_mean_and_sd(rng):
    raw = people(rng)
    row = yield report(both(raw))
    close(row["effect"], raw.effect, 2 * raw.step)
    close_variance(row, raw, lambda n: raw.step)


@of_each_trial
def test_mean_and_se(rng):
    raw = people(rng)
    rows = both(raw, spread_type="se")
    for row, values in zip(rows, (raw.a, raw.s), strict=True):
        row["spread_low"] = round(float(values.std(ddof=1) / np.sqrt(len(values))), raw.decimals)
    row = yield report(rows)
    close(row["effect"], raw.effect, 2 * raw.step)
    close_variance(row, raw, lambda n: raw.step * np.sqrt(n))


@of_each_trial
def test_mean_and_interval(rng):
    raw = people(rng)
    rows = both(raw, spread_type="ci95")
    for row, values in zip(rows, (raw.a, raw.s), strict=True):
        half = stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values))
        row["spread_low"] = round(float(values.mean() - half), raw.decimals)
        row["spread_high"] = round(float(values.mean() + half), raw.decimals)
    row = yield report(rows)
    close(row["effect"], raw.effect, 2 * raw.step)
    close_variance(row, raw, lambda n: raw.step * np.sqrt(n) / stdtrit(n - 1, 0.975))


@of_each_trial
def test_median_and_quartiles_of_a_symmetric_arm(rng):
    raw = people(rng)
    rows = both(raw, spread_type="iqr", centre_type="median")
    score = {n: float(ndtri((0.75 * n - 0.125) / (n + 0.25))) for n in (len(raw.a), len(raw.s))}
    for row, values in zip(rows, (raw.a, raw.s), strict=True):
        half = score[len(values)] * values.std(ddof=1)
        row["spread_low"] = round(float(values.mean() - half), raw.decimals)
        row["spread_high"] = round(float(values.mean() + half), raw.decimals)
    row = yield report(rows)
    close(row["effect"], raw.effect, 2 * raw.step)
    close_variance(row, raw, lambda n: raw.step / score[n])


@of_each_trial
def test_difference_with_its_interval_either_way_round(rng):
    raw = people(rng)
    turned, midpoint = rng.random(2) < 0.5
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
    row = yield report(contrasts=[contrast])
    close(row["effect"], raw.effect, raw.step)
    close(row["variance"] ** 0.5, raw.pooled_se, raw.step / stdtrit(len(raw.a) + len(raw.s) - 2, 0.975))


@of_each_trial
def test_difference_or_two_means_with_the_p_value(rng):
    raw = people(rng)
    means_only = rng.random() < 0.5
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
    row = yield report(rows, [contrast])
    slack = (2 if means_only else 1) * raw.step
    close(row["effect"], raw.effect, slack)
    bounds = [
        (abs(raw.effect) + way * slack) / stdtrit(df, 1 - np.clip(p + way * 5e-7, 1e-12, 1) / 2)
        for way in (-1, 1)
    ]
    assert min(bounds) * 0.999999 <= row["variance"] ** 0.5 <= max(bounds) * 1.000001


@of_each_trial
def test_change_by_the_correlation(rng):
    raw = people(rng)
    rows = []
    for arm, after, before in (("a", raw.a, raw.a0), ("s", raw.s, raw.s0)):
        rows.append({"arm": arm, **printed(before, raw), "weeks": 0, "timepoint": "baseline"})
        rows.append({"arm": arm, **printed(after, raw)})
    r = [np.corrcoef(raw.a, raw.a0)[0, 1], np.corrcoef(raw.s, raw.s0)[0, 1]]
    true = [float((raw.a - raw.a0).std(ddof=1)), float((raw.s - raw.s0).std(ddof=1))]
    for place, side in enumerate(("experimental", "control")):
        row = yield report(
            rows, kinds=["change"], change_correlation=float(r[place]), correlation_source="assumed"
        )
        assert row["kind"] == "change"
        close(row[f"sd_{side}"], true[place], 4 * raw.step / np.sqrt(1 - r[place]))
        close(row["effect"], float((raw.a - raw.a0).mean() - (raw.s - raw.s0).mean()), 4 * raw.step)


@of_each_trial
def test_arms_printed_apart_are_the_arm_they_make_together(rng):
    raw = people(rng)
    cut = int(rng.integers(2, 6))
    parts = (raw.a[:cut], raw.a[cut:])
    exact = Raw(raw.a, raw.s, raw.a0, raw.s0, 10)
    rows = [{"arm": f"a{place}", **printed(values, exact)} for place, values in enumerate(parts)]
    rows.append({"arm": "s", **printed(raw.s, exact)})
    row = yield report(rows, arms=[{"arm": "a0"}, {"arm": "a1"}, SHAM])
    close(row["effect"], raw.effect, 1e-8)
    close(row["variance"], raw.variance, 1e-8)


@of_each_trial
def test_another_scale_and_the_other_direction_change_nothing(rng):
    raw = people(rng)
    instrument, turned = str(rng.choice(["NRS", "VAS100", "FACT_GOG_NTX"])), rng.random() < 0.5
    top = {"NRS": 10.0, "VAS100": 100.0, "FACT_GOG_NTX": 44.0}[instrument]

    def as_printed(values):
        scaled = values * top / 10
        return top - scaled if turned else scaled

    other = Raw(as_printed(raw.a), as_printed(raw.s), raw.a0, raw.s0, 6)
    better = "higher" if turned else "lower"
    row = yield report(both(other, instrument=instrument, better=better), scale="0-10")
    close(row["effect"], raw.effect, 1e-5)
    close(row["variance"], raw.variance, 1e-4)
    close(row["mean_experimental"], raw.a.mean(), 1e-5)
    assert ("sign reversed" in row["derivation"]) == turned


@of_each_trial
def test_the_same_people_in_both_arms(rng):
    raw = people(rng)
    r = float(np.corrcoef(raw.a, raw.a0)[0, 1])
    exact = Raw(raw.a, raw.a0, raw.a, raw.a0, 10)
    row = yield report(
        both(exact), studies=[{"design": "crossover"}], assumptions={"correlation": r, "source": "raw"}
    )
    difference = raw.a - raw.a0
    close(row["effect"], float(difference.mean()), 1e-8)
    close(row["variance"], float(difference.var(ddof=1) / len(difference)), 1e-8)


@of_each_trial
def test_events_and_their_published_ratio(rng):
    (e1, e2), (n1, n2) = rng.integers(2, 31, size=2).tolist(), rng.integers(31, 61, size=2).tolist()
    asked = {"domain": "responder", "measure": "OR", "better": "higher"}
    events = [{"arm": "a", "events": e1, "n": n1}, {"arm": "s", "events": e2, "n": n2}]
    counted = yield report(events=events, **asked)
    true, se = (
        np.log(e1 / (n1 - e1) / (e2 / (n2 - e2))),
        np.sqrt(1 / e1 + 1 / (n1 - e1) + 1 / e2 + 1 / (n2 - e2)),
    )
    close(counted["effect"], true, 1e-12)
    limits = np.exp([true, true - ndtri(0.975) * se, true + ndtri(0.975) * se]).round(6)
    names = dict(zip(("estimate", "spread_low", "spread_high"), limits.tolist(), strict=True))
    contrast = {"arm_1": "a", "arm_2": "s", "measure": "odds_ratio", "domain": "responder", **names}
    read = yield report(contrasts=[contrast], **asked)
    slack = 5e-7 / limits.min()
    close(read["effect"], true, slack)
    close(read["variance"] ** 0.5, se, slack)


@of_each_trial
def test_standardised_difference_from_the_interval_of_the_difference(rng):
    raw = people(rng)
    randomised = rng.random() < 0.5
    half = stdtrit(len(raw.a) + len(raw.s) - 2, 0.975) * raw.pooled_se
    n = {"n_1": len(raw.a), "n_2": len(raw.s)}
    arms = [{"arm": "a", "n_randomised": n["n_1"]}, {**SHAM, "n_randomised": n["n_2"]}]
    contrast = {"arm_1": "a", "arm_2": "s", "estimate": raw.effect, **({} if randomised else n)}
    contrast |= {"spread_low": raw.effect - half, "spread_high": raw.effect + half}
    found = yield report(contrasts=[contrast], arms=arms, measure="SMD")
    true = yield report(both(Raw(raw.a, raw.s, raw.a0, raw.s0, 10)), measure="SMD")
    close(found["effect"], true["effect"], 1e-7)
    close(found["variance"], true["variance"], 1e-7)
    assert found["imputed"] == randomised
