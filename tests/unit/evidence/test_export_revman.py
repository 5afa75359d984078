"""What RevMan Web's tables can hold comes back as it was; what they cannot is named."""

from __future__ import annotations

import csv
import string
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rm5 import review as rm5_review
from web_package import package

from trialpool.cli import main
from trialpool.exchange.candidates import word as cell_word
from trialpool.exchange.revman import import_revman, read_review
from trialpool.exchange.revman_export import number_text, package_files
from trialpool.exchange.revman_review import Arm, Datum, Judgement, Outcome, Result, Review, Study
from trialpool.exchange.revman_web import PRINTED, WEB

ROOT = Path(__file__).parents[3]
few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
letters = string.ascii_letters + "äøŻ'\",;%²–\n"
words = st.text(letters + "  ", min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(bool)
numbers = st.floats(-1e6, 1e6, allow_nan=False).map(number_text)
counts = st.integers(0, 5000).map(str)
KINDS = {"DICH": ("Risk Ratio", "MH"), "CONT": ("Mean Difference", "IV"), "IV": ("Hazard Ratio", "IV")}
KINDS |= {"IPD": ("Hazard Ratio", "EXP_O_E_VAR")}


def written(review: Review, folder: Path) -> Review:
    """A review, written and read again."""
    for name, text in package_files(review, "x").items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
    return read_review(folder)


@st.composite
def outcomes(draw: Any, number: str, studies: tuple[Study, ...]) -> Outcome:
    kind = draw(st.sampled_from([*KINDS]))
    measure, method = KINDS[kind]
    parts = draw(st.lists(words, max_size=3, unique=True))
    total = dict(zip(("EFFECT_SIZE", "CI_START", "CI_END"), ("1", "0.5", "2"), strict=True))
    data = []
    for study in draw(st.lists(st.sampled_from(studies), min_size=1, max_size=4)):
        cells = {
            code: draw(counts if "EVENTS" in code or "TOTAL" in code else numbers)
            for code in WEB["kinds"][kind]
        }
        only = draw(st.sampled_from(["", "subgroup", "total"]))
        data.append(Datum(study.key, cells, draw(st.sampled_from(parts)) if parts else "", draw(words), only))
    random, hksj = draw(st.booleans()), draw(st.booleans())
    values = {
        "METHOD": method,
        "RANDOM": "YES" if random else "NO",
        "EFFECT_MEASURE": measure,
        "UNITS": draw(st.sampled_from(["", "points"])),
        "OUTCOME": "",
        "CI_TOTAL": draw(st.sampled_from(["95", "90"])),
        "SWAP_EVENTS": draw(st.sampled_from(["YES", "NO"])),
        "TOTALS": draw(st.sampled_from(["YES", "SUB", "NO"] if parts else ["YES", "NO"])),
        "TAU2_METHOD": "REML" if random and draw(st.booleans()) else "DL",
        "CI_METHOD": "HKSJ" if hksj else "WALD",
    }
    return Outcome(
        kind=kind,
        number=number,
        measure=measure,
        comparison=draw(words),
        name=draw(words),
        groups=(draw(words), draw(words)),
        values=values | {"CI_STUDY": values["CI_TOTAL"]} | total,
        data=tuple(data),
        subgroups={part: draw(st.sampled_from([{}, total])) for part in parts},
        favours=(draw(words), draw(words)),
        printed=PRINTED,
    )


@st.composite
def reviews(draw: Any) -> Review:
    names = draw(st.lists(words, min_size=1, max_size=4, unique=True))
    studies = tuple(Study(name, name, draw(st.sampled_from(["", "1999", "2021"]))) for name in names)
    studies = tuple(replace(study, population=draw(words), notes="") for study in studies)
    analyses = tuple(draw(outcomes(f"1.{at}", studies)) for at in range(1, draw(st.integers(1, 3)) + 1))
    arms, results = [], []
    for study in studies:
        own = draw(st.lists(words, min_size=2, max_size=3, unique=True))
        arms += [Arm(study.key, name, draw(words), draw(words)) for name in own]
        for name in own:
            counted = {"Cases": draw(counts), "Sample size": draw(counts)}
            results.append(Result(study.key, draw(words), name, counted, events=True, footnote=draw(words)))
            spread = draw(st.sampled_from([("SD",), ("SE",), ("CI level", "CI start", "CI end")]))
            scored = {column: draw(numbers) for column in ("Mean", *spread)}
            results.append(Result(study.key, draw(words), name, scored))
        given_ = draw(
            st.sampled_from([("Mean", "SE"), ("Exp mean", "CI level", "Exp CI start", "Exp CI end")])
        )
        contrast = {column: draw(numbers) for column in given_}
        ratio = Result(study.key, draw(words), own[0], contrast, reference=own[1], measure="OR", events=True)
        results.append(ratio)
    judged = st.builds(
        Judgement,
        study=st.sampled_from(names),
        domain=st.sampled_from(["Blinding", "Selective reporting (bias)", "Other: all outcomes"]),
        judgement=st.sampled_from(["low", "high", "unclear", "some_concerns"]),
        reason=words,
    )
    judgements = tuple(draw(st.lists(judged, max_size=5)))
    return Review("x", analyses, studies, judgements, tuple(arms), tuple(results))


@few
@given(reviews())
def test_a_review_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, review: Review
) -> None:
    again = written(review, tmp_path_factory.mktemp("x"))
    for name in ("outcomes", "studies", "arms", "results"):
        assert getattr(again, name) == getattr(review, name)
    assert sorted(map(repr, again.judgements)) == sorted(map(repr, review.judgements))


@pytest.mark.parametrize("version", [1, 2])
def test_a_package_comes_back_as_it_was_read(tmp_path: Path, version: int) -> None:
    first = read_review(package(tmp_path, version))
    again = written(first, tmp_path / "again")
    assert again.outcomes == first.outcomes
    assert (again.studies, again.judgements) == (first.studies, first.judgements)


def test_a_revman_5_file_written_as_a_package_pools_to_the_same_totals(tmp_path: Path) -> None:
    (tmp_path / "x.rm5").write_text(rm5_review(), encoding="utf-8")
    first = import_revman(tmp_path / "x.rm5")
    files = package_files(read_review(tmp_path / "x.rm5"), "x")
    for name, text in files.items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text(text, encoding="utf-8")
    again = import_revman(tmp_path / "out")
    for column in ("pooled_estimate", "pooled_ci_low", "pooled_tau2", "agree", "studies"):
        assert totals(again, column) == totals(first, column)


def totals(candidates: Any, column: str) -> list[str]:
    return [row[column] for row in csv.DictReader(candidates.files["revman_totals.csv"].splitlines())]


# From a configuration, and from results

NUMBERS = {
    "events": ("study_id", "arm", "events", "n"),
    "continuous": ("study_id", "arm", "n", "centre", "spread_type", "spread_low"),
    "contrasts": ("study_id", "arm_1", "arm_2", "measure", "estimate", "spread_type", "spread_low", "n_1"),
    "arms": ("study_id", "arm", "label"),
    "studies": ("study_id", "first_author", "year", "journal", "doi", "population"),
    "risk_of_bias": ("study_id", "tool", "domain", "judgement"),
}


def evidence(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the tables of a folder say, numbers as numbers, whatever the order."""

    def number(text: str) -> object:
        try:
            return float(text)
        except ValueError:
            return text

    found = {}
    for table, columns in NUMBERS.items():
        with (folder / f"{table}.csv").open(encoding="utf-8") as stream:
            rows = [tuple(number(row[name]) for name in columns) for row in csv.DictReader(stream)]
        found[table] = sorted(rows, key=repr)
    return found


def run(*arguments: object) -> str:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("form", ["rm5", "package"])
def test_evidence_survives_the_way_out_and_in(tmp_path: Path, form: str) -> None:
    source = tmp_path / "x.rm5" if form == "rm5" else package(tmp_path)
    if form == "rm5":
        source.write_text(rm5_review(), encoding="utf-8")
    run("import", "revman", source, "--out", tmp_path / "one")
    run("export", "revman", tmp_path / "one" / "review" / "config.yaml", "--out", tmp_path / "out")
    run("import", "revman", tmp_path / "out", "--out", tmp_path / "two")
    first, again = evidence(tmp_path / "one" / "review" / "data"), evidence(tmp_path / "two")
    if form == "package":  # O - E and its variance become their log estimate and standard error
        o, v = -4.1, 9.5
        rows = [row for row in again["contrasts"] if row[:2] == ("Muller2001", "laser")]
        assert next(row for row in rows if row[4] == pytest.approx(o / v))[6] == pytest.approx(v**-0.5)
        counted = [len(each.pop("contrasts")) for each in (first, again)]
        assert counted == [4, 4]
    assert again == first
    run("check", tmp_path / "two" / "review" / "config.yaml")


def test_judgements_of_single_results_survive_the_way_out_and_in(tmp_path: Path) -> None:
    run("import", "revman", package(tmp_path), "--out", tmp_path / "one")
    review = tmp_path / "one" / "review"
    with (review / "data" / "events.csv").open(encoding="utf-8") as stream:
        row = next(csv.DictReader(stream))
    judged = f"{row['study_id']},RoB2,overall,{row['domain']},high,https://example.org/x"
    (review / "data" / "risk_of_bias.csv").write_text(
        f"study_id,tool,domain,outcome,judgement,assessed_by,note\n{judged},\n"
        f"{judged.replace('high', 'low').replace(row['domain'], '')},\n",
        encoding="utf-8",
    )
    said = run("export", "revman", review / "config.yaml", "--out", tmp_path / "out")
    assert "risk_of_bias.csv, assessed_by: no column for it (2)" in said
    again = import_revman(tmp_path / "out")
    found = [(each["domain"], each["outcome"], each["judgement"]) for each in again.rows["risk_of_bias"]]
    assert found == [("overall", cell_word(row["definition"]), "high"), ("overall", "", "low")]


def test_the_shipped_results_become_a_package_of_the_same_totals(tmp_path: Path) -> None:
    said = run("export", "revman", ROOT / "results", "--out", tmp_path / "out")
    assert "analyses in which no trial has numbers" in said
    assert "with the interval hksj_adhoc, written as HKSJ" in said
    candidates = import_revman(tmp_path / "out")
    assert set(totals(candidates, "agree")) == {"yes", ""}
    assert totals(candidates, "agree").count("yes") > 100
    with (ROOT / "results" / "summary.csv").open(encoding="utf-8") as stream:
        wanted = {row["title"]: row for row in csv.DictReader(stream) if row["interval"] == "hksj_adhoc"}
    files = csv.DictReader(candidates.files["revman_totals.csv"].splitlines())
    pooled = {row["outcome"]: row["pooled_estimate"] for row in files if not row["subgroup"]}
    assert wanted
    for title, row in wanted.items():
        assert float(pooled[title]) == pytest.approx(float(row["estimate"]), rel=1e-5)


def test_what_has_no_place_is_named(tmp_path: Path) -> None:
    said = run("export", "revman", ROOT / "config" / "config.yaml", "--out", tmp_path / "out")
    for what in ("a median without place", "RevMan has no measure t_statistic", "contrasts.csv, n_2"):
        assert what in said
        assert what in (tmp_path / "out" / "EXPORT.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "out", "says"),
    [("nothing", "new", "no analyses/"), ("results", "taken", "exists already")],
)
def test_neither_results_nor_room_is_a_fault(tmp_path: Path, source: str, out: str, says: str) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "taken").mkdir()
    folder = ROOT / "results" if source == "results" else tmp_path / source
    result = CliRunner().invoke(main, ["export", "revman", str(folder), "--out", str(tmp_path / out)])
    assert result.exit_code == 1
    assert says in result.output
