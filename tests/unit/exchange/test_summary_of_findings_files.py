"""What leaves as Word, FHIR, references and a flow: sources of lines, one group, no trial left out."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from docx import Document
from tests.unit.page import demo
from tests.unit.page.demo import certain

from trialpool.errors import InputError
from trialpool.exchange import finished
from trialpool.exchange.fhir import bundle
from trialpool.exchange.prisma import export_prisma, read_reported
from trialpool.exchange.references import bibtex, reference, ris
from trialpool.exchange.summary_of_findings import Review, _write_word
from trialpool.records import Presentation, sketch
from trialpool.view.question import Question
from trialpool.view.study import Trial
from trialpool.view.summary_of_findings import summaries_of_findings


def document(tmp_path, record):
    path = tmp_path / "sof.docx"
    _write_word(Review("Made up", [record]), summaries_of_findings([Question(record)]), path)
    return Document(path)


def test_word_says_in_a_footnote_whose_risk_it_is(tmp_path):
    risk = {"name": "in contacts", "source": "a cohort, 2019", "assumed_risk": 20.0, "difference": -10.0}
    risk |= {
        "risk": 10.0,
        "risk_low": 5.0,
        "risk_high": 15.0,
        "difference_low": -15.0,
        "difference_high": -5.0,
    }
    risk |= {"nnt": 100.0, "nnt_low": 200.0, "nnt_high": 1000 / 15}
    shown = sketch(Presentation, {"risks": (risk,)})
    made = document(tmp_path, certain(measure="RR", unit="", pooled=demo.pooled(estimate=0.5), shown=shown))
    cells = [cell.text for cell in made.tables[0].rows[1].cells]
    assert cells[3] == "20 of 1,000, in contactsa"
    assert "NNTB 100 (67 to 200)" in cells[5]
    assert "a A cohort, 2019." in [paragraph.text for paragraph in made.paragraphs]


def test_one_group_is_compared_with_nothing(tmp_path):
    record = certain(
        measure="PLO", unit="", control_name="", certainty=None, pooled=demo.pooled(estimate=0.5)
    )
    made = document(tmp_path, record)
    said = " ".join(paragraph.text for paragraph in made.paragraphs)
    assert "compared with" not in said.split("threshold", 1)[-1]
    assert [cell.text for cell in made.tables[0].rows[0].cells][-1] == "In words"
    assert len(made.tables[0].columns) == 4
    (table,) = summaries_of_findings([Question(record)])
    assert "compared with" not in bundle([table], "Made up")["entry"][-1]["resource"].get("title", "")


def test_two_authors_are_not_the_first_of_others():
    trial = Trial(
        {"study_id": "H", "first_author": "Hart & Sutherland", "year": 1977.0}, "Hart & Sutherland 1977"
    )
    assert reference(trial) == "Hart & Sutherland. 1977."
    assert "author = {Hart and Sutherland}," in bibtex([trial])
    assert "AU  - Hart\nAU  - Sutherland\n" in ris([trial])


def test_a_flow_that_leaves_out_a_trial_of_the_review_does_not_leave(tmp_path, monkeypatch):
    (tmp_path / "summary.csv").write_text("analysis\n")
    (tmp_path / "moderators.csv").write_text("analysis\n")
    (tmp_path / "risk_of_bias.csv").write_text("study_id\n")
    (tmp_path / "studies.csv").write_text("study_id\nAronson1948\nVandiviere1973\n")
    head = (
        "record_id,source,source_kind,screened,retrieved,assessed,report_of,duplicate_of,removed,reason,title"
    )
    (tmp_path / "screening.csv").write_text(
        f"{head}\nr1,MEDLINE,database,include,yes,include,Aronson1948,,,,t\n"
    )
    review = SimpleNamespace(
        results=".", evidence=["."], screening="screening.csv", question="", search_date=""
    )
    monkeypatch.setattr(finished, "read_in_place", lambda source: (review, tmp_path))
    with pytest.raises(InputError, match="Vandiviere1973"):
        export_prisma("config.yaml", "flow", tmp_path / "flow.csv")
    assert not (tmp_path / "flow.csv").exists()


@pytest.mark.parametrize("answers", ["", "A,RoB2,overall,1.1,Y\n"])
def test_a_trial_judged_by_signalling_questions_alone_is_judged(tmp_path, monkeypatch, answers):
    (tmp_path / "summary.csv").write_text("analysis\n")
    (tmp_path / "moderators.csv").write_text("analysis\n")
    (tmp_path / "risk_of_bias.csv").write_text("study_id\n")
    (tmp_path / "signalling_answers.csv").write_text(f"study_id,tool,domain,question,answer\n{answers}")
    review = SimpleNamespace(results=".", evidence=["."], screening=None, question="", search_date="")
    monkeypatch.setattr(finished, "read_in_place", lambda source: (review, tmp_path))
    assert ("bias" in read_reported("config.yaml").there) is bool(answers)
