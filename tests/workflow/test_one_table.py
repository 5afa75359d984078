"""A review that was begun from a table, and not touched, finds what the table's own answer found."""

import csv

import pytest

from trialpool.one_table.answer import Asked, answer
from trialpool.one_table.start import begin, write

from .conftest import ROOT, Review

pytestmark = pytest.mark.workflow
DATA = ROOT / "docs" / "data"
TABLES = {  # counts with a trial without events, means, published ratios, logarithms
    "events": (
        "study,year,ai,n1i,ci,n2i\nA,1999,3,40,9,41\nB,2001,0,30,4,31\nC,2004,0,20,0,20\nD,2009,7,60,9,58\n",
        {},
    ),
    "means": ((DATA / "stroke.csv").read_text("utf-8"), {"measure": "SMD", "names": ("unit", "ward")}),
    "ratios": ((DATA / "smoke.csv").read_text("utf-8"), {}),
    "logs": (
        "study,yi,vi\nA,-0.5,0.04\nB,0.1,0.09\nC,-0.2,0.05\nD,-0.3,0.02\nE,0.2,0.1\n",
        {"measure": "OR"},
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_review_finds_what_the_table_says(name, tmp_path):
    text, asked = TABLES[name]
    table = tmp_path / f"{name}.csv"
    table.write_text(text, encoding="utf-8")
    write(begin(table, Asked(**asked)), tmp_path / "review")
    done = Review(tmp_path / "review").run("--quiet", "all")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "review" / "results" / "summary.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    fit = answer(table, Asked(**asked)).fit
    assert (int(row["k"]), row["interval"]) == (fit.k, fit.interval)
    for found in ("estimate", "ci_low", "ci_high", "tau2"):
        assert float(row[found]) == pytest.approx(getattr(fit, found), rel=1e-6, abs=1e-9), found
