"""A review is begun that runs as it stands: it passes every check, keeps its numbers, overwrites nothing."""

import csv

import pytest

from trialpool.contracts import TABLES
from trialpool.errors import InputError
from trialpool.evidence.read import examine
from trialpool.exchange.candidates import stand_ins
from trialpool.jobs import check_review
from trialpool.one_table.answer import Asked
from trialpool.one_table.start import begin, write

COUNTS = "study,year,tpos,tneg,cpos,cneg,dose\nMüller,1948,4,119,11,128,1\nvan Dam,1949,6,300,29,274,2\n"
MEANS = "study,m1i,sd1i,n1i,m2i,sd2i,n2i\nUmea,55,47,155,75,64,156\nUppsala,27,7,31,29,4,32\n"
SPREADS = "study,mean1,se1,n1,mean2,se2,n2\nUmea,55,4.7,155,75,6.4,156\n"
RATIOS = "study,or,or_lower,or_upper\nKabat 1995,1.1,0.62,1.96\nSun 1996,1.16,0.8,1.69\n"
LOGS = "study,yi,vi\nA,-0.5,0.04\nB,0.1,0.09\n"
LOG_RANK = "study,O-E,V\nA,-5,20\n"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A function that begins a review of the text of a table, and reads what was written."""
    monkeypatch.chdir(tmp_path)

    def begun(text, **asked):
        source = None
        if text:
            source = tmp_path / "trials.csv"
            source.write_text(text, encoding="utf-8")
        review = begin(source, Asked(**asked))
        write(review, ".")
        return review

    return begun


def rows(name):
    with open(f"data/{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("text", "measure", "table", "count"),
    [
        *[("", measure, "events", 2) for measure in ("", "RR", "OR", "RD")],
        *[("", measure, "continuous", 2) for measure in ("MD", "SMD", "ROM")],
        *[(COUNTS, measure, "events", 4) for measure in ("", "OR", "RD")],
        *[(MEANS, measure, "continuous", 4) for measure in ("", "SMD", "ROM")],
        (SPREADS, "", "continuous", 2),
        (LOGS, "MD", "contrasts", 2),
        (LOGS, "SMD", "contrasts", 2),
    ],
)
def test_what_is_begun_passes_every_check(made, text, measure, table, count):
    made(text, measure=measure)
    found = check_review("config.yaml")
    counts = found if isinstance(found, dict) else found.counts
    assert counts["analyses"] == 1
    assert counts[table] == count
    assert sum(counts[name] for name in ("events", "continuous", "contrasts")) == count


@pytest.mark.parametrize(("text", "measure"), [(RATIOS, ""), (LOGS, "OR"), (LOG_RANK, "OR")])
def test_published_ratios_pass_every_check(made, text, measure):
    made(text, measure=measure)
    check_review("config.yaml")
    assert {row["measure"].removeprefix("log_") for row in rows("contrasts")} == {"odds_ratio"}


def test_every_number_keeps_its_place_in_the_table(made):
    made(COUNTS, names=("BCG vaccine", "no vaccine"))
    assert [row["study_id"] for row in rows("studies")] == ["Muller1948", "VanDam1949"]
    assert rows("studies")[0]["label"] == "Müller 1948"
    events = rows("events")
    assert [(row["arm"], row["events"], row["n"]) for row in events][:2] == [
        ("bcg_vaccine", "4", "123"),
        ("no_vaccine", "11", "139"),
    ]
    assert [row["locator"] for row in events] == ["trials.csv, row 2"] * 2 + ["trials.csv, row 3"] * 2
    assert events[0]["note"] == "n = 4 with the event + 119 without"
    assert {row["source_url"] for row in events} == {"https://to-fill-in.invalid/trials.csv"}


def test_logarithms_stay_what_the_table_has(made):
    made(LOGS, measure="OR")
    first = rows("contrasts")[0]
    assert (first["measure"], first["estimate"], first["note"]) == ("log_odds_ratio", "-0.5", "SE = √0.04")
    assert (first["spread_type"], float(first["spread_low"])) == ("se", pytest.approx(0.2))


def test_the_log_rank_test_stays_what_the_table_has(made):
    made(LOG_RANK, measure="HR")
    (row,) = rows("contrasts")
    assert (row["measure"], row["o_minus_e"], row["variance"]) == ("hazard_ratio", "-5", "20")
    assert (row["estimate"], row["spread_type"]) == ("", "none")


@pytest.mark.parametrize(
    ("text", "measure", "table", "count"),
    [
        ("study,events,n\nA,3,10\nB,0,12\n", "", "events", 2),
        ("study,xi,ti\nA,3,10.5\nB,0,12\n", "", "events", 2),
        ("study,mean,sd,n\nA,3,1,10\nB,2,1,12\n", "", "continuous", 2),
        ("study,ri,ni\nA,0.3,10\nB,0.2,12\n", "", "continuous", 2),
        ("study,m1i,sd1i,m2i,sd2i,ni,ri\nA,3,2,4,2.2,50,.5\n", "SMCR", "continuous", 3),
        *[("", measure, "events", 1) for measure in ("PLO", "IRLN")],
        *[("", measure, "continuous", 1) for measure in ("MN", "ZCOR")],
    ],
)
def test_a_review_of_one_group_is_begun(made, text, measure, table, count):
    made(text, measure=measure)
    assert check_review("config.yaml")[table] == count
    with open("config.yaml", encoding="utf-8") as file:
        assert "{group: [experimental]}" in file.read()
    assert {row["arm"] for row in rows("arms")} == {"experimental"}


def test_rates_of_two_arms_are_begun(made):
    made("study,events e,time e,events c,time c\nA,3,10,4,11\n")
    assert [(row["events"], row["person_years"]) for row in rows("events")] == [("3", "10"), ("4", "11")]
    assert check_review("config.yaml")["events"] == 2


def test_a_trial_without_numbers_is_known_to_exist(made):
    made(COUNTS + "Nobody,1950,,,3,9,\n")
    assert len(rows("studies")) == 3
    assert len(rows("events")) == 4


def test_stand_ins_are_listed_and_what_is_left_behind_is_told(made):
    review = made(COUNTS)
    assert "Not taken along, as no table of a review has such a column: dose." in review.said
    tables, faults = examine("data")
    assert not faults
    assert stand_ins(tables) == [
        "studies.csv, population (2)",
        "studies.csv, source_url (2)",
        "events.csv, definition (4)",
        "events.csv, source_url (4)",
    ]


def test_nothing_is_overwritten_and_then_nothing_written(made, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "arms.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"arms\.csv: it exists already"):
        made("")
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "arms.csv"]
    assert (tmp_path / "data" / "arms.csv").read_text(encoding="utf-8") == "mine"


def test_arms_of_any_name_get_codes(made):
    made(COUNTS, names=("5-FU: <high>", 'Müller\'s "usual" care'))
    assert [row["category"] for row in rows("arms")][:2] == ["arm_5_fu_lt_high_gt", "muller_s_usual_care"]
    check_review("config.yaml")


def test_all_seven_tables_are_there(made):
    review = made("")
    assert {name for name in review.files if name.startswith("data/")} == {
        f"data/{each.file}" for each in TABLES.values()
    }


@pytest.mark.parametrize(("text", "measure"), [(LOGS, "CVR"), (LOGS, "PLO")])
def test_an_estimate_that_no_table_of_a_review_holds_is_refused_in_words(made, text, measure):
    with pytest.raises(InputError, match=r"the tables of a review hold no printed"):
        made(text, measure=measure)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("study,yi,vi\nA,0.8,-0.1\nB,0.7,0.2\n", "variance is -0.1"),
        (COUNTS.replace(",4,119", ",-4,119"), "-4"),
    ],
)
def test_what_pool_refuses_begins_no_review(made, text, problem):
    with pytest.raises(InputError, match=problem):
        made(text, measure="MD" if "yi" in text else "")
