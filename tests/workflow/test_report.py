"""`snakemake --report`: the figures and tables of a run with their captions, in one file."""

import pytest

pytestmark = pytest.mark.workflow


def test_the_report_shows_figures_and_tables_with_captions(review):
    completed = review.run("--report", "report.html")
    assert completed.returncode == 0, completed.stderr
    text = (review.folder / "report.html").read_text(encoding="utf-8")
    for told in ("squares are trials", "The whole review on one page", "One row a question"):
        assert told in text
    for category in ("Figures", "Results"):
        assert category in text
