"""A review of the first form is moved beside itself, says what changed, and passes the check of today."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from trialpool.cli import main
from trialpool.errors import InputError
from trialpool.exchange.migrate import Text, migrate
from trialpool.protocol import read_protocol

MINI = Path(__file__).parents[2] / "workflow" / "mini"  # its tables are of codebook 1
SLUG = "dpn-pain-acupuncture-vs-sham"
CLAIMS = f"""\
certainty:
  publication_bias: # as it was
    silent_share: 40 # one level
    asymmetry_p: 0.1
claims:
  pain: {{statement: It helps., kind: benefit, analyses: [{SLUG}]}}
"""
PUBLISHED = f"""\
figures:
  pain:
    title: Pain
    condition: DPN
    outcome: pain

pools:
  - {{condition: DPN, comparison: acup, outcome: pain, analysis: {SLUG}}}
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The made-up review with claims, published pools and notes that decided."""
    folder = tmp_path / "old"
    shutil.copytree(MINI, folder)
    (folder / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    (folder / "published.yaml").write_text(PUBLISHED, encoding="utf-8")
    config = folder / "config.yaml"
    more = "claims: claims.yaml # what is claimed\npublished: published.yaml\n"
    more += "assumptions: {Beta2004: {first_period: true, source: the report}}\n"
    config.write_text(f"{more}{config.read_text(encoding='utf-8')}", encoding="utf-8")
    change(folder / "studies.csv", 1, design="crossover", setting_note="retracted in 2013")
    change(folder / "studies.csv", 0, setting_note="a duplicate of another report")
    change(folder / "continuous.csv", 0, note="the same people; do not pool")
    change(folder / "events.csv", 1, note="first period only; 36 % of 30")
    pools = folder / "raw" / "published_pools.csv"
    rows = [*csv.reader(pools.open(encoding="utf-8", newline=""))]
    pool = {"review_id": "Li2020", "condition": "DPN", "comparison": "acupuncture", "outcome": "pain"}
    pool |= {"estimate": "-1", "source_url": "https://example.org/li", "locator": "p. 1"}
    with pools.open("a", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, rows[0], lineterminator="\n")
        table.writerows([pool | {"measure": measure} for measure in ("MD", "SMD")])
    return folder


def change(path: Path, at: int, **cells: str) -> None:
    path = path.parent / "raw" / path.name
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [*csv.DictReader(stream)]
    rows[at] |= cells
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [*csv.DictReader(stream)]


def test_the_result_lies_beside_says_its_changes_and_passes_the_check(old: Path) -> None:
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    result = CliRunner().invoke(main, ["migrate", str(old / "config.yaml")])
    assert result.exit_code == 0, result.output
    assert result.output.endswith("No faults found.\n")
    new = old / "config-migrated"
    assert {path: path.read_bytes() for path in before} == before
    told = (new / "MIGRATION.md").read_text(encoding="utf-8")
    for line in (
        "studies.csv, report_status: doubted in row 2: setting_note says so",
        "studies.csv, report_status: retracted in row 3: setting_note says so",
        "continuous.csv, use: show_only in row 2: note says so",
        "instruments.yaml, groups: moved to vocabulary.yaml.",
        "claims.yaml, certainty.publication_bias.silent_share: 40 is now verdicts.unread_share",
        "config.yaml, defaults.interval: hksj_adhoc, as it was; the default is now auto",
        "published.yaml: every figure has panels",
        "events.csv, row 3: the note speaks of a period of a crossover trial; fill in `period`",
    ):
        assert line in told
        assert line in result.output
    assert "published.yaml, figures.pain: which" not in told
    check = CliRunner().invoke(main, ["check", str(new / "config.yaml")])
    assert check.exit_code == 0, check.output
    again = CliRunner().invoke(main, ["migrate", str(old / "config.yaml")])
    assert again.exit_code == 1
    assert "the folder exists already" in again.output


def test_what_decided_by_words_is_decided_by_columns(old: Path) -> None:
    CliRunner().invoke(main, ["migrate", str(old / "config.yaml")])
    data = old / "config-migrated" / "data"
    assert [row["report_status"] for row in read(data / "studies.csv")][:3] == ["doubted", "retracted", ""]
    first, *others = read(data / "continuous.csv")
    assert (first["use"], first["use_reason"]) == ("show_only", "the same people; do not pool")
    assert {(row["use"], row["use_reason"]) for row in others} == {("", "")}
    assert {row["period"] for row in others if row["study_id"] == "Beta2004"} == {"first"}
    assert first["period"] == ""


def test_settings_keep_their_meaning_and_their_comments(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(old)
    was = read_protocol("config.yaml")
    CliRunner().invoke(main, ["migrate", "config.yaml"])
    monkeypatch.chdir(old / "config-migrated")
    now = read_protocol("config.yaml")
    assert [*now.analyses] == [*was.analyses]
    own = now.analyses[SLUG]
    assert (own["interval"], own["prediction_from"], own["formats"]) == (
        "hksj_adhoc",
        3,
        ["svg", "pdf", "png"],
    )
    for name in ("experimental", "control", "outcomes", "measure", "scale", "title"):
        assert own[name] == was.analyses[SLUG][name]
    text = Path("config.yaml").read_text(encoding="utf-8")
    assert "claims: claims.yaml # what is claimed" in text
    assert text.index("vocabulary: ") < text.index("analyses:")
    claims = yaml.safe_load(Path("claims.yaml").read_text(encoding="utf-8"))
    assert claims["verdicts"] == {"unread_share": 40}
    assert claims["certainty"] == {"publication_bias": {"asymmetry_p": 0.1}}
    assert "publication_bias: # as it was" in Path("claims.yaml").read_text(encoding="utf-8")
    figure = yaml.safe_load(Path("published.yaml").read_text(encoding="utf-8"))["figures"]["pain"]
    assert figure["panels"] == [{"measure": "MD", "better": "lower"}, {"measure": "SMD", "better": "lower"}]


def test_a_direction_that_no_analysis_tells_is_left_open(old: Path) -> None:
    path = old / "published.yaml"
    path.write_text(PUBLISHED.replace("comparison: acup", "comparison: drug"), encoding="utf-8")
    done = migrate(old / "config.yaml")
    assert any(
        line.startswith("published.yaml, figures.pain: which direction of MD, SMD") for line in done.open
    )


def test_a_folder_of_tables_is_moved_by_itself(old: Path, tmp_path: Path) -> None:
    out = tmp_path / "tables"
    result = CliRunner().invoke(main, ["migrate", str(old / "raw"), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert read(out / "continuous.csv")[0]["use"] == "show_only"
    again = CliRunner().invoke(main, ["migrate", str(out)])
    assert "is of today's form already: nothing to move" in again.output
    assert [path.name for path in tmp_path.iterdir() if "migrated" in path.name] == []


def test_what_is_of_todays_form_is_left_alone() -> None:
    root = Path(__file__).parents[3]
    assert migrate(root / "data" / "raw").files == {}
    assert migrate(root / "config" / "config.yaml").files == {}


def test_a_table_that_would_lose_cells_is_refused(old: Path) -> None:
    with (old / "raw" / "arms.csv").open("a", encoding="utf-8") as stream:
        stream.write("Arlig2001,acu2,experimental,sham,sham,,,,,30,,one,too many\n")
    with pytest.raises(InputError, match="the row has 13 cells where the header has 11"):
        migrate(old / "config.yaml")


@pytest.mark.parametrize(
    ("text", "key", "below", "expected"),
    [
        ("a: {b: 1}\n", "c", "a", "a: {c: 2, b: 1}\n"),
        ("a: {}\n", "c", "a", "a: {c: 2}\n"),
        ("a:\n    b: 1\nz: 3\n", "c", "a", "a:\n    c: 2\n    b: 1\nz: 3\n"),
        ("z: 3\n", "c", "a", "z: 3\na:\n  c: 2\n"),
        ("c: 1 # why\nz: 3\n", "c", "", "c: 2 # why\nz: 3\n"),
        ("c:\n  - 1\n  - 2\n# of z\nz: 3\n", "c", "", "c: 2\n# of z\nz: 3\n"),
    ],
)
def test_a_key_is_written_where_it_belongs(text: str, key: str, below: str, expected: str) -> None:
    made = Text(text)
    made.put(key, "2", below=below)
    assert made.text == expected
