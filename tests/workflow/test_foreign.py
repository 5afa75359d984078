"""Other people's reviews, run from their tables: every label, heading and sentence is theirs.

`foreign/bcg` are published data (Colditz 1994, as in metafor's dat.bcg), `foreign/stay` too (Normand 1999,
as in dat.normand1999; one trial is rewritten in weeks); `foreign/pressure` is made up. Each runs with its
vocabulary and without one, when codes are named by themselves.
"""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from .conftest import Review

pytestmark = pytest.mark.workflow
FOREIGN = Path(__file__).parent / "foreign"
SHIPPED_WORDS = re.compile(
    r"neuropath|acupunct|chemother|diabet|neurotox|nerve|vitamin|needl|gabapent|\b(DPN|CIPN|pain|symptoms?)\b",
    re.IGNORECASE,
)
READ = {".html", ".md", ".csv", ".json", ".svg"}
# what must stand in the page, the README and the forest plot, and the sentence of the summary of findings
WORDS = {
    "bcg": (
        ["Tuberculosis: new tuberculosis", "BCG vaccine compared with no vaccine"],
        "Risk ratio in new tuberculosis; BCG vaccine versus no vaccine; follow-up",
        "Compared with no vaccine, BCG vaccine may reduce the number of people who get tuberculosis",
    ),
    "bcg without words": (
        ["TUBERCULOSIS: new cases", "Bcg compared with no vaccine"],
        "Risk ratio in new cases; bcg versus no vaccine; follow-up",
        "Compared with no vaccine, bcg may reduce the number of people with tuberculosis",
    ),
    "pressure": (
        ["High blood pressure: blood pressure", "Eating less salt compared with usual diet"],
        "Mean difference in blood pressure (mmHg); eating less salt versus usual diet; end of treatment",
        "Compared with usual diet, eating less salt may lower systolic blood pressure",
    ),
    "pressure without words": (
        ["HYPERTENSION: blood pressure", "Salt restriction compared with usual diet"],
        "Mean difference in blood pressure (mmHg); salt restriction versus usual diet; end of treatment",
        "Compared with usual diet, salt restriction may reduce blood pressure",
    ),
    "stay": (
        ["Acute stroke: time in hospital", "Care in a stroke unit compared with care on a general ward"],
        "Mean difference in time in hospital (days); care in a stroke unit versus care on a general ward",
        "the effect of care in a stroke unit on the time in hospital, compared with care on a general ward",
    ),
    "stay without words": (
        ["STROKE: length of stay", "Stroke unit compared with general ward"],
        "Mean difference in length of stay (days); stroke unit versus general ward; follow-up",
        "about the effect of stroke unit on the length of stay, compared with general ward",
    ),
}
BCG_RR, STAY_MD, STAY_TAU2 = 0.4894, -15.1060, 684.646  # metafor: rma(measure = …, method = "REML")


@pytest.fixture(scope="module", params=WORDS)
def foreign(request, tmp_path_factory):
    """The name of a review, its folder after a run."""
    name, _, without = request.param.partition(" without ")
    folder = tmp_path_factory.mktemp("foreign") / name
    shutil.copytree(FOREIGN / name, folder)
    if without:
        config = (folder / "config.yaml").read_text(encoding="utf-8")
        (folder / "config.yaml").write_text(config.replace("vocabulary: vocabulary.yaml\n", ""), "utf-8")
        (folder / "vocabulary.yaml").unlink()
    completed = Review(folder).run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return request.param, folder / "results"


def told(text):
    """What a reader sees of HTML or SVG."""
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_every_word_is_its_own(foreign):
    name, results = foreign
    headings, subtitle, sentence = WORDS[name]
    page = told((results / "index.html").read_text(encoding="utf-8"))
    condition, _, domain = headings[0].partition(": ")
    for words in (condition, domain.capitalize(), headings[1], sentence):
        assert words in page
    assert condition in (results / "README.md").read_text(encoding="utf-8")
    where = told((results / "evidence_map.svg").read_text(encoding="utf-8"))
    assert condition in where
    assert domain.capitalize() in where
    forest = sorted(results.glob("analyses/*/forest.svg"))[0]
    assert subtitle in told(forest.read_text(encoding="utf-8"))


def test_no_word_of_the_shipped_review_is_told(foreign):
    for path in foreign[1].rglob("*"):
        if path.suffix in READ:
            text = path.read_text(encoding="utf-8")
            assert not SHIPPED_WORDS.search(told(text) if path.suffix in (".html", ".svg") else text), path


def test_numbers_are_metafors_and_units_are_converted(foreign):
    name, results = foreign
    records = {
        path.parent.name: json.loads(path.read_text()) for path in results.glob("analyses/*/result.json")
    }
    record = next(iter(records.values()))
    if name.startswith("bcg"):
        assert record["pooled"]["estimate"] == pytest.approx(BCG_RR, abs=5e-5)
        return
    own, wanted, factor = ("kPa", "mmHg", 7.500616) if name.startswith("pressure") else ("weeks", "days", 7)
    for analysis in records:
        with (results / "analyses" / analysis / "studies.csv").open(newline="") as stream:
            rows = {row["study_id"]: row for row in csv.DictReader(stream)}
        converted = [row for row in rows.values() if "converted" in row["derivation"]]
        assert [row["unit"] for row in rows.values()] == [wanted] * len(rows)
        assert [row["study_id"] for row in converted] == ["Dubois2018" if own == "kPa" else "Umea"]
        assert f"converted from {own} to {wanted} (×{factor:.5g})" in converted[0]["derivation"]
    if own == "kPa":
        assert float(rows["Dubois2018"]["effect"]) == pytest.approx(-0.8 * factor, rel=1e-6)
        assert record["unit"] == "mmHg"
    else:
        pooled = records["stay-md-stroke-unit-vs-general-ward"]["pooled"]
        assert pooled["estimate"] == pytest.approx(STAY_MD, abs=5e-4)
        assert pooled["tau2"] == pytest.approx(STAY_TAU2, rel=1e-5)
