"""Scripts that compute a record again, and what may be said of what R gave for them."""

import math
import re
from pathlib import Path

import pytest

import trialpool as tp
from trialpool import contracts, io
from trialpool.errors import InputError
from trialpool.records import Pooled, Record, Status, columns_of, from_json, sketch
from trialpool.view.read import read_reproduced
from trialpool.view.reproduce import Checked, checked, checked_of, digest, has_metafor, script_of, told

OF_EVENTS = {"events": ([3, 0, 12], [8, 4, 20]), "n": ([40, 35, 120], [42, 33, 118])}


def record():
    fit = tp.pool(tp.effects(measure="RR", label=["O'Brien", 'The "B" trial', "C\\D"], **OF_EVENTS))
    return fit.record()


def rows(of, **changes):
    """What R would have said of a record, if it gave its own numbers; some of them changed."""
    script = script_of(of)
    names = [name for name in columns_of(Pooled) if re.search(rf"\b{name} = ", script)]
    numbers = {name: getattr(of.pooled, name) for name in names} | changes
    kind = {"analysis": of.analysis, "metafor": "9.9", "script": digest(script)}
    return [{**kind, "quantity": name, "value": value} for name, value in numbers.items()]


def test_agreement_is_what_the_numbers_say():
    ours = record()
    found = checked(ours, rows(ours))
    assert found.agrees
    assert (found.metafor, found.largest, found.integrated) == ("9.9", 0.0, True)
    assert found.numbers == len(rows(ours)) > 15
    assert found.words == "checked with metafor 9.9: no difference in ten digits"
    near = checked(ours, rows(ours, ci_low=ours.pooled.ci_low * (1 + 3e-9)))
    assert near.words == "checked with metafor 9.9: largest difference 3 × 10⁻⁹"


def test_another_number_is_named():
    ours = record()
    found = checked(ours, rows(ours, ci_low=ours.pooled.ci_low * 1.001))
    assert found.differs == ("ci_low",)
    assert found.others == "ci low"
    assert found.words == "checked with metafor 9.9: other numbers there"
    assert "1 came out otherwise" in told([ours], {"a": found})


def test_a_number_that_r_did_not_give_is_no_agreement():
    ours = record()
    assert checked(ours, rows(ours)[1:]).differs == ("estimate",)
    assert checked(ours, rows(ours, tau2=None)).differs == ("tau2",)


def test_of_another_script_nothing_is_said():
    ours, other = record(), {"script": digest("another")}
    assert checked(ours, [row | other for row in rows(ours)]) is None
    assert checked(ours, [row | (other if row["quantity"] == "q" else {}) for row in rows(ours)]) is None
    assert checked_of([ours], []) == {}
    assert told([ours], {}) == ""


def test_small_differences_near_none_are_relative_to_a_standard_error():
    fit = tp.pool(tp.effects(measure="MD", effect=[-0.2, 0.2, 1e-9], se=[0.1, 0.1, 0.1]), prior=0.5)
    ours = fit.record()
    assert abs(ours.pooled.common_estimate) < 1e-8
    found = checked(ours, rows(ours, common_estimate=ours.pooled.common_estimate + 1e-9))
    assert math.isclose(found.largest, 1e-8, rel_tol=1e-6)


def test_the_script_holds_the_arms_and_labels_cannot_break_it():
    table = script_of(record()).split("text = '\n")[1].split("\n')")[0].splitlines()
    assert [line.split() for line in table] == [
        ["trial", "ai", "n1i", "ci", "n2i"],
        ['"O\\\'Brien"', "3", "40", "8", "42"],
        ['"The', "”B”", 'trial"', "0", "35", "4", "33"],
        ['"C/D"', "12", "120", "20", "118"],
    ]


def test_effects_that_arms_do_not_give_stand_as_they_are():
    """As metafor's `escalc` would compute another variance of them."""
    arms = {"means": ([1, 2], [3, 3]), "sds": ([1, 2], [2, 2]), "n": ([20, 30], [22, 28])}
    own, other = (tp.effects(measure="SMD", smd_variance=kind, **arms) for kind in ("LS", "unequal"))
    script = script_of(tp.pool(other).record())
    assert "escalc" not in script
    assert re.search(r"^trial +yi +vi$", script, re.MULTILINE)
    assert 'escalc(measure = "SMD", m1i = m1i' in script_of(tp.pool(own).record())


def test_the_script_holds_no_number_of_the_result():
    """It must compute them: none of their digits may stand in it."""
    ours = record()
    script = script_of(ours)
    for name in columns_of(Pooled):
        value = getattr(ours.pooled, name)
        if isinstance(value, float) and len(f"{value:.6g}") > 5:
            assert f"{value:.6g}" not in script, name


@pytest.mark.parametrize("status", [Status.SINGLE_STUDY, Status.NO_DATA, Status.NOT_POOLED])
def test_without_a_pooled_number_there_is_no_script(status):
    assert script_of(sketch(Record, status=status)) == ""
    assert script_of(sketch(Record, status=status), "python") == ""


def test_the_page_names_a_script_in_r_where_there_is_one():
    files = [*Path("results").glob("analyses/*/result.json")]
    records = [from_json(Record, io.read_json(file)) for file in files]
    found = {name: bool(script_of(each)) for name, each in zip(files, records, strict=True)}
    assert found == {name: has_metafor(each) for name, each in zip(files, records, strict=True)}
    assert {*found.values()} == {True, False}


def test_one_trial_is_not_reproduced():
    fit = tp.pool(tp.effects(measure="MD", effect=[-0.2], se=[0.1]))
    with pytest.raises(ValueError, match="one trial is not pooled"):
        fit.reproduce()


def test_the_file_of_what_r_gave_may_be_absent_and_must_be_one(tmp_path):
    assert read_reproduced(None) == read_reproduced(tmp_path / "absent.csv") == []
    io.write_csv(tmp_path / "good.csv", rows(record()), contracts.REPRODUCED.names)
    assert read_reproduced(tmp_path / "good.csv")[0]["quantity"] == "estimate"
    io.write_text(tmp_path / "bad.csv", "a,b")
    with pytest.raises(InputError, match="the table reproduced lacks the column analysis"):
        read_reproduced(tmp_path / "bad.csv")


def test_how_many_of_how_many():
    pooled = [sketch(Record, analysis=name, status=Status.POOLED) for name in "abc"]
    checks = {name: Checked("3.8-1", 18, 4e-10, (), False) for name in "ab"}
    assert told(pooled, checks) == (
        "2 of 3 pooled results were computed again in R with metafor 3.8-1: "
        "the largest difference is 4 × 10⁻¹⁰."
    )
