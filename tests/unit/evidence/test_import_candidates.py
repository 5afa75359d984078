"""What importers read out of names: points in time, codes that stay different, cells as they are written."""

import pytest

from trialpool.exchange.candidates import (
    Candidates,
    Codes,
    ascii_text,
    count,
    csv_text,
    instrument_code,
    number,
    parse_fill,
    plain,
    weeks_in,
    word,
    write_candidates,
)

POINTS = {
    "Week 12": "12",
    "Baseline, Week 12": "12",
    "From Baseline to Week 12": "12",
    "12 weeks after randomisation": "12",
    "Pain (12-week visit)": "12",
    "at 2.5 wks": "2.5",
}
NO_POINTS = (
    *("< 12 weeks", "> 12 weeks", "≥12 weeks", "12+ weeks", "up to 12 weeks", "More than 12 weeks"),
    *("less than 6 weeks", "12 weeks or more", "12 weeks or longer", "at least 4 weeks", "within 4 weeks"),
    *("Weeks 1 through 12", "4 to 8 weeks", "4, 8 and 12 weeks", "between week 4 and week 8"),
    *("change at 2 weeks and 3 months", "4-week treatment, follow-up 3 months", "every 3 weeks for 4 cycles"),
    *("8 weeks after end of treatment", "8 weeks post-treatment", "1 week (6 to 8 days)", "3 months", ""),
    *("From Baseline up to the End of Safety Follow-up Extension Period (up to Week 156)",),
)


@pytest.mark.parametrize(("text", "week"), [*POINTS.items(), *((text, "") for text in NO_POINTS)])
def test_a_bound_a_range_or_another_clock_is_no_week(text, week):
    assert weeks_in(text) == week


def test_different_texts_never_share_a_code_and_one_text_has_one():
    code = Codes(30, "outcome")
    texts = ["Pain < 12 weeks", "Pain > 12 weeks", "Symptom of sore throat at 1 week: positive swab"]
    texts += ["Symptom of sore throat at 1 week: negative swab", "疼痛", "痛み"]
    codes = [code(text) for text in texts]
    assert codes[:2] == ["pain_lt_12_weeks", "pain_gt_12_weeks"]
    assert len(set(codes)) == len(texts)
    assert all(len(each) <= 30 for each in codes)
    assert [code(text.upper()) for text in texts] == codes


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (ascii_text("Müller-Łoś 2021"), "Muller-Los 2021"),
        (word("At least 50% less pain (week 8)"), "at_least_50_less_pain_week_8"),
        (word("< 12 weeks"), "lt_12_weeks"),
        (instrument_code("10-m walk"), "X10_M_WALK"),
        (instrument_code("Pain (VAS)"), "PAIN_VAS"),
        (weeks_in("Baseline and week 4"), "4"),
        (plain("  two\n lines "), "two lines"),
        (plain("=1+1"), "'=1+1"),
        (
            [number(text) for text in (" -2.50 ", "NA", "1,234", "<5", "5.0E-4")],
            ["-2.50", "", "", "", "5.0E-4"],
        ),
        ([count(text) for text in ("12", "12.0", "12.5", "")], ["12", "12", "", ""]),
        (parse_fill(["condition=A", "arms.weeks=4"]), {("", "condition"): "A", ("arms", "weeks"): "4"}),
        (csv_text(["a", "b"], [{"b": "-1"}, {"a": 'x, "y"', "b": ""}]), 'a,b\n,-1\n"x, ""y""",\n'),
        (csv_text(["a", "b"], []), "a,b\n"),
    ],
)
def test_cells_are_written_as_the_codebook_has_them(made, wanted):
    assert made == wanted


def test_candidates_of_nothing_are_a_folder_with_a_report(tmp_path):
    write_candidates(Candidates("a book", {}, []), tmp_path / "new")
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names[:3] == [
        "IMPORT.md",
        "arms.csv",
        "continuous.csv",
    ]
