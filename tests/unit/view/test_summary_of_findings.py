"""The summary of findings of a comparison: rows, lines, numbers needed, gaps, harms, footnotes."""

from __future__ import annotations

import re

import pytest

from tests.unit.page import demo
from tests.unit.page.demo import certain, render_page
from trialpool.records import Presentation, sketch
from trialpool.synthesis.presentation import present
from trialpool.view.needed import needed
from trialpool.view.question import Question, certainty_marks
from trialpool.view.read import Appraised
from trialpool.view.summary_of_findings import lines_of, more_or_fewer, summaries_of_findings


def risk(difference, low, high, **changes):
    """A made-up risk with its numbers needed."""
    needed = {
        f"nnt{end}": 1000 / abs(value) if value else None
        for end, value in (("", difference), ("_low", low), ("_high", high))
    }
    numbers = {
        "assumed_risk": 200.0,
        "risk": 200 + difference,
        "risk_low": 200 + low,
        "risk_high": 200 + high,
    }
    ends = {"difference": difference, "difference_low": low, "difference_high": high}
    return {"name": "median", "source": "s", **numbers, **ends, **needed, **changes}


def of_events(*risks, **changes):
    shown = sketch(Presentation, {"risks": risks})
    return certain(
        measure="RR", mcid=None, unit="", pooled=demo.pooled(estimate=0.75), shown=shown, **changes
    )


@pytest.mark.parametrize(
    ("better", "numbers", "words"),
    [
        ("lower", (-100, -250, 50), "NNTB 10 (NNTB 4 to ∞ to NNTH 20)"),  # Altman's example, 1998
        ("lower", (-100, -200, -50), "NNTB 10 (5 to 20)"),
        ("higher", (100, -50, 250), "NNTB 10 (NNTB 4 to ∞ to NNTH 20)"),
        ("lower", (100, -50, 250), "NNTH 10 (NNTB 20 to ∞ to NNTH 4)"),
        ("lower", (100, 50, 200), "NNTH 10 (5 to 20)"),
        ("higher", (-30, -300, -15), "NNTH 34 (4 to 67)"),
        ("lower", (-100, -200, 0), "NNTB 10 (NNTB 5 to ∞ to NNTH ∞)"),
    ],
)
def test_the_interval_of_a_number_needed_runs_through_infinity(better, numbers, words):
    (line,) = lines_of(of_events(risk(*numbers), better=better))
    assert str(line.needed) == words


def test_nobody_is_said_to_benefit_where_nobody_says_what_is_good():
    assert str(needed((100, -50, 250), "")) == "NNT 10 (4 to ∞ to 20)"
    assert str(needed((100, 50, 250), "")) == "NNT 10 (4 to 20)"


def test_every_line_says_in_a_footnote_where_it_comes_from():
    studies = [demo.study(number, kind="change", mean_control=-1.0 - number) for number in (1, 2)]
    record = certain(measure="SMD", unit="standard deviations", studies=studies)
    own = {"value": 2, "unit": "points", "kind": "within-person, anchor x", "source": "p"}
    catalogue = {"VAS100": {"unit": "points", "better": "higher", "mcid": own}}
    record = sketch(Appraised, {**vars(record), "shown": present(record, {}, catalogue)})
    (table,) = summaries_of_findings([Question(record)])
    notes = dict(table.notes)
    mean, share = table.rows[0].lines
    assert notes[mean.mark].startswith("Median of 2 control arms; the difference in SDs times ")
    assert notes[mean.mark].endswith("; turned, as the instrument itself counts higher as better.")
    assert "threshold of 2 points of VAS 0 to 100: within-person, anchor x, p." in notes[share.mark]
    assert list(notes) == sorted(notes)
    page = render_page([record], {})
    assert f"better by 2 points of VAS 0 to 100<sup>{share.mark}</sup>" in page
    assert f"<sup>{share.mark}</sup> The mean change and SD of 2 control arms" in page


def test_a_rare_risk_has_decimals():
    numbers = {"assumed_risk": 1.0, "risk": 0.49, "risk_low": 0.33, "risk_high": 0.73}
    (line,) = lines_of(of_events(risk(-0.51, -0.67, -0.27, **numbers)))
    assert (line.control.text, line.experimental.estimate.text) == ("1.0", "0.5")
    assert [each.text for each in line.difference] == ["0.5 fewer", "0.7 fewer", "0.3 fewer"]


def test_no_difference_needs_nobody():
    (line,) = lines_of(of_events(risk(0, -10, 10)))
    assert line.needed is None
    assert line.difference.estimate.text == "no difference"
    assert (more_or_fewer(-53.4), more_or_fewer(-0.2)) == ("53 fewer", "no difference")


def test_outcomes_stand_by_comparison_with_their_gaps_and_harms_together_behind():
    harm = of_events(risk(10, 5, 20), analysis="harm", domain="adverse_event", title="DPN, harm: a versus b")
    gap = demo.record("gap", k=0, title="Made-up: nothing", domain="quality_of_life")
    other = certain(analysis="other", control_name="usual care")
    nothing = demo.record("nothing", k=0, control_name="no care")
    records = [harm, certain(), gap, other, nothing]
    first, second = summaries_of_findings([Question(each) for each in records])
    assert (first.control, second.control) == ("sham", "usual care")
    assert [row.record.analysis for row in first.rows] == ["demo-pain", "gap", "harm"]
    assert [row.harm for row in first.rows] == [False, False, True]
    assert (first.results, first.rows[1].effect) == (2, None)
    assert first.rows[1].gap == "No trial of this comparison is known."
    assert certainty_marks(first.rows[0].certainty.level) == "●●●○"
    page = render_page(records, {})
    assert "Acupuncture compared with sham<small>" in page
    assert re.search(r"Made-up</a></th>\s*<td class=\"gap\"[^>]*>No trial of this comparison is known", page)
    assert page.count(">Harms<") == 1


def test_footnotes_say_why_certainty_is_lowered_each_reason_once():
    (table,) = summaries_of_findings([Question(certain()), Question(certain(analysis="again"))])
    assert table.notes == (("a", "Risk of bias, one level down: r."),)
    assert [row.marks for row in table.rows] == [("a",), ("a",)]


def test_numbers_needed_stand_on_the_page_with_their_place_in_the_record():
    page = render_page([of_events(risk(-100, -250, 50))], {})
    assert '<data value="10" data-from="shown.risks.0.nnt">10</data> (NNTB <data' in page
    assert 'data-from="shown.risks.0.difference">100 fewer</data>' in page


def test_a_standardised_difference_stands_in_points_beside_the_controls_mean():
    studies = [demo.study(number, kind="change", mean_control=-1.0 - number) for number in (1, 2)]
    record = certain(measure="SMD", unit="standard deviations", studies=studies)
    catalogue = {"VAS100": {"unit": "points", "mcid": {"value": 2, "unit": "points", "source": "p"}}}
    record = sketch(Appraised, {**vars(record), "shown": present(record, {}, catalogue)})
    mean, share = lines_of(record)
    assert (mean.name, mean.control.text, mean.unit) == (
        "mean change, lower is better",
        "−2.50",
        "points of VAS 0 to 100",
    )
    assert [number.text for number in mean.span] == ["−3.00", "−2.00"]
    assert mean.difference.estimate.text.endswith(" lower")
    assert (share.name, share.unit) == ("better by 2 points of VAS 0 to 100", "of 1,000")
    assert share.needed.benefit


@pytest.mark.parametrize(
    ("measure", "trial", "said"),
    [
        ("MD", {}, "the control arms print no mean"),
        ("IRD", {}, "rates are of person-time: no number of people follows"),
        ("HR", {}, "no baseline risk is given"),
        ("RR", {}, "no trial counts its control arm, and no baseline risk is given"),
        ("RR", {"events_control": 0, "n_control": 9}, "nobody or everybody in the typical control group"),
    ],
)
def test_an_effect_without_an_absolute_one_says_what_the_trials_do_not_tell(measure, trial, said):
    pooled = {"estimate": 0.5, "ci_low": 0.2, "ci_high": 0.9}
    known = {"measure": measure, "status": "pooled", "k": 1, "better": "lower", "domain": "pain"}
    made = sketch(Appraised, known | {"condition": ("X",), "pooled": pooled, "studies": [trial]})
    row = summaries_of_findings([Question(made)])[0].rows[0]
    assert not row.lines
    assert row.absent.startswith(said)
