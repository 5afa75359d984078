"""Columns are recognised as metafor, meta, RevMan, JASP, Stata and people call them; doubt is refused."""

import pandas as pd
import pytest

from trialpool.errors import InputError
from trialpool.one_table.columns import DATA, meanings, recognise, refuse_several, trials_only
from trialpool.one_table.read import Table


def table(headings, *rows):
    rows = rows or [["2"] * len(headings.split())] * 2
    return Table("t.csv", pd.DataFrame(list(rows), columns=headings.split(), index=range(2, len(rows) + 2)))


def spaced(headings, *rows):
    names = [name.strip() for name in headings.split(",")]
    rows = rows or [["2"] * len(names)] * 2
    return Table("t.csv", pd.DataFrame(list(rows), columns=names, index=range(2, len(rows) + 2)))


def refused(*arguments):
    with pytest.raises(InputError) as caught:
        recognise(*arguments)
    (fault,) = caught.value.faults
    assert fault.file == "t.csv"
    return str(fault)


# headings as the programs write them, measure asked for, family, measure, one role of it
WRITTEN = [
    ("trial, author, year, tpos, tneg, cpos, cneg, ablat, alloc", "", "events", "RR", ("others_2", "cneg")),
    ("study, ai, bi, ci, di", "OR", "events", "OR", ("events_2", "ci")),
    ("study, ai, n1i, ci, n2i", "", "events", "RR", ("n_2", "n2i")),
    ("trial, xTi, nTi, xCi, nCi", "", "events", "RR", ("events_1", "xTi")),
    ("study, n1i, m1i, sd1i, n2i, m2i, sd2i", "", "means", "MD", ("mean_1", "m1i")),
    ("author, yi, vi", "SMD", "estimates", "SMD", ("variance", "vi")),
    ("author, yi, sei", "HR", "estimates", "HR", ("se", "sei")),
    ("studlab, event.e, n.e, event.c, n.c", "RD", "events", "RD", ("events_2", "event.c")),
    ("studlab, n.e, mean.e, sd.e, n.c, mean.c, sd.c", "SMD", "means", "SMD", ("sd_2", "sd.c")),
    ("studlab, TE, seTE", "OR", "estimates", "OR", ("se", "seTE")),
    ("Study, Experimental: Events, Experimental: Total, Control: Events, Control: Total", "", "events", "RR",
     ("n_1", "Experimental: Total")),
    ("Study, Experimental cases, Experimental N, Control cases, Control N, Weight", "", "events", "RR",
     ("events_1", "Experimental cases")),
    ("Study.year, Experimental.mean, Experimental.SD, Experimental.N, Control.mean, Control.SD, Control.N",
     "",
     "means", "MD", ("sd_1", "Experimental.SD")),
    ("Study, Events 1, Total 1, Events 2, Total 2", "", "events", "RR", ("n_2", "Total 2")),
    ("Study, GIV Mean, GIV SE", "HR", "estimates", "HR", ("estimate", "GIV Mean")),
    ("Study, Mean difference, SE", "", "estimates", "MD", ("estimate", "Mean difference")),
    ("Study, log[Hazard Ratio], SE", "", "estimates", "HR", ("se", "SE")),
    ("Study, O-E, Variance", "HR", "estimates", "HR", ("information", "Variance")),
    ("Study, ES, SE", "SMD", "estimates", "SMD", ("estimate", "ES")),
    ("Study, Effect Size, 95% CI Lower, 95% CI Upper", "MD", "estimates", "MD", ("low", "95% CI Lower")),
    ("study, nt, meant, sdt, nc, meanc, sdc", "", "means", "MD", ("mean_2", "meanc")),
    ("study, _meta_es, _meta_se", "RR", "estimates", "RR", ("estimate", "_meta_es")),
    ("study, events_e, n_e, events_c, n_c", "", "events", "RR", ("events_1", "events_e")),
    ("study, events1, n1, events2, n2", "", "events", "RR", ("n_2", "n2")),
    ("study, mean1, sd1, n1, mean2, sd2, n2", "ROM", "means", "ROM", ("mean_2", "mean2")),
    ("study, n treatment, responders treatment, n placebo, responders placebo", "", "events", "RR",
     ("events_2", "responders placebo")),
    ("study, mean_exp, se_exp, n_exp, mean_ctrl, se_ctrl, n_ctrl", "", "means", "MD", ("se_2", "se_ctrl")),
    ("study, estimate, lower, upper", "MD", "estimates", "MD", ("high", "upper")),
    ("study, rr, ci_low, ci_high", "", "estimates", "RR", ("low", "ci_low")),
    ("author, year, or, or.lb, or.ub", "", "estimates", "OR", ("high", "or.ub")),
    ("study, Hedges' g, SE", "", "estimates", "SMD", ("estimate", "Hedges' g")),
]  # fmt: skip


@pytest.mark.parametrize(("headings", "asked", "family", "measure", "role"), WRITTEN)
def test_headings_of_each_program_are_recognised(headings, asked, family, measure, role):
    found = recognise(spaced(headings), asked)
    assert (found.family, found.measure) == (family, measure)
    assert found.roles[role[0]] == role[1]
    assert len(set(found.roles.values())) == len(found.roles)


def test_every_role_of_the_data_is_known_and_every_set_is_of_roles():
    roles = set(DATA["roles"])
    assert {role for each in DATA["families"].values() for roles in each["sets"] for role in roles} <= roles
    assert {meaning.role for each in meanings().values() for meaning in each} == roles


def test_without_a_measure_the_default_is_told():
    said = recognise(table("study events_e n_e events_c n_c")).assumed
    assert "Measure: risk ratio (RR), as there are events; --measure OR or RD otherwise." in said
    said = recognise(spaced("study, rr, lower, upper")).assumed
    assert "Measure: risk ratio (RR), as the column rr says." in said


@pytest.mark.parametrize(
    ("headings", "measure", "log", "said"),
    [
        ("study estimate lower upper", "RR", False, "estimate and its interval are on the natural scale"),
        (
            "study log_rr lower upper",
            "",
            True,
            "log_rr holds logarithms of the risk ratio, as its name says.",
        ),
        ("study yi lower upper", "OR", True, "yi holds logarithms of the odds ratio, as its name says."),
        ("study estimate se", "HR", True, "as goes with a standard error."),
        ("study estimate variance", "HR", True, "as goes with a variance."),
        ("study estimate lower upper", "MD", False, "Intervals in the table are 95% confidence intervals."),
        ("study rr rr_se rr_lower rr_upper", "", False, "on the natural scale"),
    ],
)
def test_the_scale_of_ratios_is_told(headings, measure, log, said):
    found = recognise(table(headings), measure)
    assert found.log is log
    assert any(said in each for each in found.assumed)


def test_what_is_missing_is_named_with_what_mends_it():
    fault = refused(table("study deaths events_c n_e n_c"), "RR")
    assert "found people of the experimental arm (n_e), events of the control arm (events_c)" in fault
    assert "missing events of the experimental arm" in fault
    assert "--column events_1=deaths" in fault
    assert recognise(table("study deaths events_c n_e n_c"), "RR", "", {"events_1": "deaths"}).measure == "RR"
    assert "name them as events and people of both arms" in refused(table("study x y"), "")
    assert "mean, SD and people of both arms" in refused(table("study events_e n_e events_c n_c"), "MD")


def test_what_has_two_readings_is_refused():
    assert "say which measure: --measure" in refused(
        table("study events_e n_e events_c n_c mean_e sd_e mean_c sd_c")
    )
    doubled = table("study ai n1i ci n2i events_e n_e events_c n_c")
    assert "events of the experimental arm may be ai or events_e" in refused(doubled, "RR")
    chosen = {"events_1": "ai", "n_1": "n1i", "events_2": "ci", "n_2": "n2i"}
    assert recognise(doubled, "RR", "", chosen).roles == chosen
    three = table("study events1 n1 events2 n2 events0 n0")
    assert "events of the control arm may be events2 or events0" in refused(three)


def test_estimates_need_a_measure_and_the_right_one():
    assert "nothing says which measure they are of" in refused(table("study yi vi"))
    assert "says risk ratio, and --measure odds ratio" in refused(table("study rr lower upper"), "OR")
    fault = refused(table("study rr se"))
    assert "rename rr to log_rr; else give the interval" in fault
    negative = table("study estimate lower upper", ["A", "-0.3", "-0.5", "-0.1"])
    assert "goes down to -0.3, and a risk ratio is above 0" in refused(negative, "RR")
    assert "no mean difference" in refused(spaced("study, O-E, Variance"), "MD")


def test_counts_go_before_estimates_and_that_is_told():
    found = recognise(table("study ai n1i ci n2i yi vi"), "OR")
    assert found.family == "events"
    assert "Not used: yi and vi; effects are made of the events instead." in found.assumed


def test_columns_without_a_cell_are_none():
    rows = ["A", "3", "10", "5", "11", "", "NA", "", ""], ["B", "3", "10", "5", "11", "", "", "", ""]
    found = recognise(table("Study events_e n_e events_c n_c mean_e sd_e mean_c sd_c", *rows))
    assert found.family == "events"


def test_trials_are_named_by_words_with_their_year():
    events = "ai n1i ci n2i"
    rows = [["1", "Aronson", "1948", "1", "2", "1", "2"], ["2", "Ferguson", "1949", "1", "2", "1", "2"]]
    assert recognise(table(f"trial author year {events}", *rows)).label == ("author", "year")
    dated = [["Aronson 1948", "1948", "1", "2", "1", "2"]]
    assert recognise(table(f"study year {events}", *dated)).label == ("study",)
    centred = [["Aronson", "4.5", "1", "2", "1", "2"]]
    assert recognise(table(f"study year {events}", *centred)).label == ("study",)
    own = [["Umea", "1", "2", "1", "2"], ["Uppsala", "1", "2", "1", "2"]]
    assert recognise(table(f"hospital {events}", *own)).label == ("hospital",)
    assert recognise(
        table(f"hospital town {events}", *[[each[0], *each] for each in own]), "", "Town"
    ).label == ("town",)
    assert recognise(table(events, ["1", "2", "1", "2"])).label == ()


def test_sums_are_no_trials_and_repeated_trials_are_told():
    rows = [["A", "1", "9", "1", "9"], ["A", "1", "9", "1", "9"], ["Total (95% CI)", "2", "18", "2", "18"]]
    given = table("study ai n1i ci n2i", *rows)
    kept, said = trials_only(given, recognise(given))
    assert len(kept.cells) == 2
    assert said == [
        "Left out as no trial: Total (95% CI).",
        "A: several rows each, pooled as if they were different trials.",
    ]


def test_a_table_of_several_analyses_asks_for_one():
    several = spaced("Analysis number, Study, ai, n1i, ci, n2i", ["1", *"A1234"], ["2", *"A1234"])
    with pytest.raises(InputError, match="--where 'Analysis number=1'"):
        refuse_several(several)
    refuse_several(several.only(["Analysis number=2"]))
