"""From a table to an answer: metafor's numbers, page and figures, what was assumed, and every refusal."""

import csv
import json
import math
import re
from pathlib import Path

import pytest

from tests.reference.agreement import reference
from tests.unit.stats.published import BCG_ALLOCATION, BCG_LATITUDE, BCG_TABLES, BCG_YEAR, NORMAND
from trialpool.errors import InputError
from trialpool.one_table.answer import Asked, answer
from trialpool.one_table.page import write

ROOT = Path(__file__).parents[3]
SETS = reference("pooling")["datasets"]
METHODS = [("REML", "hksj_adhoc"), ("DL", "wald"), ("FE", "wald"), ("PM", "hksj")]
AUTHORS = "Aronson Ferguson Rosenthal Hart Frimodt Stein Vandiviere Madras Coetzee Rosenthal2 Com1 Com2 Com3"


def table(path, headings, *rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([headings.split(), *rows])
    return path


@pytest.fixture(scope="module")
def bcg(tmp_path_factory):
    """As metafor's dat.bcg has it: people with and without the event."""
    events, n, events_2, n_2 = BCG_TABLES
    rows = zip(
        AUTHORS.split(), BCG_YEAR, events, n - events, events_2, n_2 - events_2, BCG_LATITUDE, BCG_ALLOCATION,
        strict=True,
    )  # fmt: skip
    return table(
        tmp_path_factory.mktemp("bcg") / "dat.bcg.csv", "author year tpos tneg cpos cneg ablat alloc", *rows
    )


@pytest.fixture(scope="module")
def normand(tmp_path_factory):
    m1, sd1, n1, m2, sd2, n2 = NORMAND
    rows = zip("ABCDEFGHI", n1, m1, sd1, n2, m2, sd2, strict=True)
    path = tmp_path_factory.mktemp("normand") / "normand.csv"
    return table(path, "source n1i m1i sd1i n2i m2i sd2i", *rows)


@pytest.mark.parametrize(("method", "interval"), METHODS)
@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_events_are_pooled_as_metafor_does(bcg, measure, method, interval):
    fit = answer(bcg, Asked(measure=measure, tau2_method=method, interval=interval)).fit
    same_as_metafor(fit, SETS[f"bcg_{measure.lower()}"], method, interval)


@pytest.mark.parametrize(("method", "interval"), METHODS)
@pytest.mark.parametrize("measure", ["MD", "SMD"])
def test_means_are_pooled_as_metafor_does(normand, measure, method, interval):
    fit = answer(normand, Asked(measure=measure, tau2_method=method, interval=interval)).fit
    same_as_metafor(fit, SETS[f"normand_{measure.lower()}"], method, interval)


@pytest.mark.parametrize("name", ["hackshaw_or", "riley_hazard", "bangertdrowns_smd", "pignon_hazard"])
def test_estimates_with_variances_are_pooled_as_metafor_does(tmp_path, name):
    entry = SETS[name]
    rows = [
        (f"T{at}", *pair) for at, pair in enumerate(zip(entry["effects"], entry["variances"], strict=True))
    ]
    measure = {"or": "OR", "hazard": "HR", "smd": "SMD"}[name.partition("_")[2]]
    fit = answer(table(tmp_path / "t.csv", "study yi vi", *rows), Asked(measure=measure)).fit
    same_as_metafor(fit, entry, "REML", "hksj_adhoc")


def same_as_metafor(fit, entry, method, interval):
    wanted = entry["methods"][method]["intervals"][interval]
    names = ("estimate", "ci_low", "ci_high")
    assert [getattr(fit.analysis_scale, name) for name in names] == pytest.approx(
        [wanted[n] for n in names], rel=1e-7
    )
    assert fit.tau2 == pytest.approx(entry["methods"][method]["tau2"], rel=1e-6, abs=1e-12)
    assert fit.k == entry["k"]


def test_intervals_and_standard_errors_give_the_same(tmp_path):
    logs = [(-0.9, 0.3), (-0.4, 0.2), (-1.2, 0.5), (-0.8, 0.3), (-0.1, 0.2)]
    with_se = table(tmp_path / "se.csv", "study log_rr se", *[(f"T{y}", y, se) for y, se in logs])
    z = 1.959963984540054
    ends = [(f"T{y}", *(math.exp(y + each * z * se) for each in (0, -1, 1))) for y, se in logs]
    with_ci = table(tmp_path / "ci.csv", "study rr ci_low ci_high", *ends)
    by_hand = table(tmp_path / "oe.csv", "study O-E V", *[(f"T{y}", y / se**2, 1 / se**2) for y, se in logs])
    fits = [
        answer(with_se, Asked()).fit,
        answer(with_ci, Asked()).fit,
        answer(by_hand, Asked(measure="RR")).fit,
    ]
    for fit in fits[1:]:
        assert (fit.estimate, fit.tau2) == pytest.approx((fits[0].estimate, fits[0].tau2), rel=1e-9)


def test_standard_errors_of_means_become_sds(tmp_path):
    sds = table(
        tmp_path / "sd.csv", "study mean_e sd_e n_e mean_c sd_c n_c", *[(c, 4, 2, 25, 5, 3, 36) for c in "AB"]
    )
    ses = table(
        tmp_path / "se.csv",
        "study mean_e se_e n_e mean_c se_c n_c",
        *[(c, 4, 0.4, 25, 5, 0.5, 36) for c in "AB"],
    )
    one, other = (answer(path, Asked()).fit.data for path in (sds, ses))
    assert one.variances.tolist() == pytest.approx(other.variances.tolist())


def test_empty_cells_and_silent_trials_are_told(tmp_path):
    rows = [
        ("A", 0, 20, 4, 20),
        ("B", 3, 20, 5, 20),
        ("C", 0, 20, 0, 20),
        ("D", 20, 20, 20, 20),
        ("E", "", 9, 1, 9),
    ]
    found = answer(table(tmp_path / "t.csv", "study events_e n_e events_c n_c", *rows), Asked())
    assert found.fit.data.labels == ("A", "B")
    assert "Left out, as nobody or everybody had the event in both arms: C, D." in found.assumed
    assert "0.5 is added to every cell of trials with an empty one: A." in found.assumed
    assert any("1 of 3 trials left out: E (events_experimental missing)" in each for each in found.assumed)
    difference = answer(tmp_path / "t.csv", Asked(measure="RD"))
    assert difference.fit.data.labels == ("A", "B", "C", "D")


def test_the_finding_says_which_arm_had_less(bcg, normand):
    said = "The risk was lower in the experimental arm than in the control arm: RR 0.49 (95% CI 0.33 to 0.73)"
    assert answer(bcg, Asked()).finding.startswith(f"{said}; 13 trials, 357,347 people.")
    named = answer(bcg, Asked(measure="OR", names=("BCG", "no vaccine"))).finding
    assert named.startswith("The odds were lower with BCG than with no vaccine: OR 0.47")
    unclear = answer(normand, Asked()).finding
    assert unclear.startswith(
        "No clear difference in the mean between the experimental arm and the control arm"
    )


def test_groups_and_moderators(bcg, tmp_path):
    found = answer(bcg, Asked(by="alloc", moderators="ablat", level=0.9))
    lines = "\n".join(found.lines())
    assert "alloc random · RR 0.38" in lines
    assert re.search(r"ablat · ratio of RRs 0\.971 \(0\.957 to 0\.986\) · p = 0\.005", lines)
    assert "90% CI" in lines
    assert write(found, tmp_path / "out") == [
        "forest.svg",
        "funnel.svg",
        "index.html",
        "moderators.svg",
        "studies.csv",
    ]
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "Subgroups" in page
    assert "ratio of RRs 0.971" in page
    assert "Alternate" in (tmp_path / "out" / "forest.svg").read_text("utf-8")


def test_the_folder_holds_what_is_promised(bcg, tmp_path):
    found = answer(bcg, Asked(names=("BCG", "no <b>vaccine"), favours=("for BCG", "against"), title="A & B"))
    assert write(found, tmp_path / "out") == ["forest.svg", "funnel.svg", "index.html", "studies.csv"]
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "<title>A &amp; B</title>" in page
    assert found.finding.replace("<", "&lt;").replace(">", "&gt;") in page
    assert all(said in page for said in found.assumed)
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "Trialpool 0" in page
    with (tmp_path / "out" / "studies.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows][:2] == ["Aronson 1948", "Ferguson 1949"]
    assert float(rows[0]["effect"]) == pytest.approx(-0.88931133392)
    assert float(rows[0]["estimate"]) == pytest.approx(math.exp(-0.88931133392))
    assert (rows[0]["n_experimental"], rows[0]["ablat"], rows[0]["alloc"]) == ("123", "44", "random")
    assert sum(float(row["weight"]) for row in rows) == pytest.approx(100)


def test_columns_that_are_called_as_ours_give_way(tmp_path):
    rows = [("A", 1, 20, 4, 20, 7, 8, 9), ("B", 3, 20, 5, 20, 7, 8, 9)]
    path = table(tmp_path / "t.csv", "label ai n1i ci n2i weight effect study_id", *rows)
    write(answer(path, Asked()), tmp_path / "out")
    with (tmp_path / "out" / "studies.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        assert sum(float(row["weight"]) for row in reader) == pytest.approx(100)
        assert len(set(reader.fieldnames)) == len(reader.fieldnames)


def test_of_few_trials_there_is_no_funnel_and_of_one_no_pool(bcg, tmp_path):
    few = table(tmp_path / "few.csv", "study ai n1i ci n2i", ("A", 1, 20, 4, 20), ("B", 3, 20, 5, 20))
    found = answer(few, Asked())
    assert write(found, tmp_path / "few") == ["forest.svg", "index.html", "studies.csv"]
    assert "Bayesian interval" in next(iter(found.lines()))
    assert "prior of τ is half-normal" in (tmp_path / "few" / "index.html").read_text("utf-8")
    one = answer(table(tmp_path / "one.csv", "study ai n1i ci n2i", ("A", 1, 20, 4, 20)), Asked())
    assert "One trial is not a meta-analysis" in one.finding
    assert write(one, tmp_path / "one") == ["forest.svg", "index.html", "studies.csv"]


def test_an_answer_is_replaced_when_that_is_asked_and_whole_or_not_at_all(bcg, tmp_path, monkeypatch):
    found, folder = answer(bcg, Asked()), tmp_path / "out"
    write(found, folder)
    with pytest.raises(InputError, match="it exists already"):
        write(found, folder)
    (folder / "mine.txt").write_text("kept", encoding="utf-8")
    few = answer(
        table(tmp_path / "few.csv", "study ai n1i ci n2i", ("A", 1, 20, 4, 20), ("B", 3, 20, 5, 20)), Asked()
    )
    write(few, folder, replace=True)
    assert sorted(each.name for each in folder.iterdir()) == [
        "forest.svg",
        "index.html",
        "mine.txt",
        "studies.csv",
    ]
    before = (folder / "studies.csv").read_bytes()
    monkeypatch.setattr("trialpool.one_table.page.render", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(found, folder, replace=True)
    with pytest.raises(ZeroDivisionError):
        write(found, tmp_path / "new")
    assert (folder / "studies.csv").read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["few.csv", "out"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": "alocc"}, "no column is called 'alocc', which --by names. To mend: did you mean 'alloc'"),
        ({"labels": "autor"}, "which --labels names. To mend: did you mean 'author'"),
        ({"moderators": "latitude"}, "formula 'latitude'"),
        ({"columns": {"events_3": "tpos"}}, "events_3 is no role"),
    ],
)
def test_options_that_name_nothing_are_refused_in_words(bcg, asked, said):
    with pytest.raises(InputError) as caught:
        answer(bcg, Asked(**asked))
    assert said in str(caught.value.faults[0])


def test_impossible_numbers_are_told_with_the_trial(tmp_path):
    path = table(tmp_path / "t.csv", "study ai n1i ci n2i", ("A", 30, 20, 4, 20), ("B", 3, 20, 5, 20))
    with pytest.raises(InputError, match=r"t\.csv: A: .*30"):
        answer(path, Asked())


def test_the_tables_of_the_site_are_pooled():
    library = json.loads((ROOT / "tests" / "reference" / "library.json").read_text("utf-8"))
    fit = answer(ROOT / "docs" / "data" / "smoke.csv", Asked()).fit
    assert fit.log.estimate == pytest.approx(library["smoke"]["estimate"]["value"], rel=1e-7)
    fit = answer(ROOT / "docs" / "data" / "survival.csv", Asked(measure="HR", interval="wald")).fit
    wanted = SETS["pignon_hazard"]["methods"]["REML"]["intervals"]["wald"]["estimate"]
    assert (fit.k, fit.log.estimate) == (65, pytest.approx(wanted, rel=1e-6))


def test_a_trial_without_a_group_is_pooled_and_stands_apart(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("study,ai,n1i,ci,n2i,g\nA,4,50,8,50,a\nB,5,60,9,58,b\nC,20,60,9,58,\n", encoding="utf-8")
    found = answer(path, Asked(by="g"))
    assert (found.record.k, found.fit.k) == (3, 3)
    assert "; 3 trials" in found.finding
    assert [row[0] for row in found.group_rows] == ["g a", "g b", "g not stated"]


def test_what_suits_rare_events_better_is_said_and_trials_without_any_are_refused(tmp_path):
    path = tmp_path / "rare.csv"
    path.write_text("study,ai,n1i,ci,n2i\nA,1,900,3,900\nB,2,800,1,800\n", encoding="utf-8")
    found = answer(path, Asked(measure="OR"))
    assert any("consider Mantel–Haenszel" in each for each in found.assumed)
    assert not any(".advice" in line for line in found.lines())
    path.write_text("study,ai,n1i,ci,n2i\nA,0,10,0,50\nB,0,60,0,58\n", encoding="utf-8")
    with pytest.raises(InputError, match="nobody or everybody had the event in both arms of every trial"):
        answer(path, Asked())


def test_one_group_a_trial_is_pooled_and_told_in_its_own_numbers(tmp_path):
    path = table(tmp_path / "t.csv", "study events n", ("A", 16, 17), ("B", 10, 12), ("C", 10, 10))
    found = answer(path, Asked())
    assert found.fit.measure == "PLO"
    assert re.match(
        r"Of 100 people, \d+ \(95% CI \d+ to \d+\) had the event; 3 trials, 39 people", found.finding
    )
    assert any("0.5 is added to every cell of trials with an empty one: C." in said for said in found.assumed)
    write(found, tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "Of 100 people" in page
    assert "versus" not in page


def test_events_over_person_time_are_rates(tmp_path):
    path = table(tmp_path / "t.csv", "study x1i t1i x2i t2i", ("A", 7, 1344, 11, 1988), ("B", 0, 5, 0, 6))
    found = answer(path, Asked())
    assert found.fit.measure == "IRR"
    assert found.fit.estimate == pytest.approx(7 / 1344 / (11 / 1988))
    assert any("in both arms: B." in said for said in found.assumed)


def test_a_lopsided_interval_is_told(tmp_path):
    path = table(tmp_path / "t.csv", "study rr lower upper", ("A", 0.8, 0.5, 1.1), ("B", 0.9, 0.6, 1.35))
    said = " ".join(answer(path, Asked()).assumed)
    assert "not symmetric about the estimate, so that its width alone is used, about the estimate: A." in said


def test_a_ratio_of_sds_is_made_of_a_table_of_means(tmp_path):
    headings = "study m1i sd1i n1i m2i sd2i n2i"
    path = table(tmp_path / "t.csv", headings, ("A", 1, 2, 20, 2, 3, 20), ("B", 2, 2, 30, 2, 3, 30))
    assert answer(path, Asked(measure="VR")).fit.estimate == pytest.approx(2 / 3, rel=1e-3)


def test_the_intercept_of_a_regression_says_where_it_holds(bcg):
    (intercept, slope) = answer(bcg, Asked(moderators="ablat")).term_rows
    assert re.fullmatch(r"RR [\d.]+ \([\d.]+ to [\d.]+\) where every moderator is 0", intercept[1])
    assert slope[1].startswith("ratio of RRs ")
