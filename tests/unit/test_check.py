"""`trialpool check` on a newcomer's first review: every slip is told where it stands, with its remedy."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from trialpool import cli
from trialpool.contracts import TABLES

# study, then n, mean and SD with yoga and with usual care
TRIALS = {
    **{"Ames2011": (30, 3.1, 2.1, 30, 4.4, 2.0), "Brun2013": (25, 3.5, 1.9, 26, 4.9, 2.2)},
    **{"Cole2014": (40, 3.2, 2.0, 41, 4.1, 2.3), "Dorn2016": (36, 3.0, 2.1, 36, 4.2, 2.2)},
    **{"Egan2018": (50, 2.9, 2.2, 50, 4.4, 2.1), "Fahy2020": (33, 3.3, 2.4, 31, 4.0, 2.0)},
    "Gray2021": (44, 2.6, 2.3, 45, 3.9, 2.4),
}
CONFIG = """\
evidence: tables
processed: processed
results: results
title: Yoga for migraine
vocabulary: vocabulary.yaml
instruments: instruments.yaml
claims: claims.yaml
published: published.yaml
networks: networks.yaml
populations:
  migraine: {condition: MIGRAINE}
comparisons:
  yoga-vs-usual-care: {experimental: [yoga], control: [usual_care]}
outcomes:
  pain: {domain: pain, instruments: [NRS], measure: MD, better: lower}
questions:
  - {population: migraine, comparison: yoga-vs-usual-care, outcome: pain}
analyses: {}
"""
SLUG = "migraine-pain-yoga-vs-usual-care"
NRS = "NRS: {name: Numeric rating scale, domains: [pain], range: [0, 10], better: lower, unit: points}"
FILES = {
    "config.yaml": CONFIG,
    "vocabulary.yaml": "conditions: {MIGRAINE: migraine}\ntreatments: {yoga: yoga, usual_care: null}\n",
    "instruments.yaml": f"instruments:\n  {NRS}\n",
    "claims.yaml": f"claims:\n  yoga: {{statement: It helps., kind: benefit, analyses: [{SLUG}]}}\n",
    "published.yaml": "left_out:\n  - {review_id: Wells2019, reason: its direction is not stated}\n",
    "networks.yaml": f"""\
nodes:
  yoga: [yoga]
  usual care: [usual_care]
networks:
  pain: {{title: Pain, reference: yoga, analyses: [{SLUG}], leave_out: {{Ames2011: made up}}}}
""",
}


def rows_of(trials: dict[str, tuple[float, ...]]) -> dict[str, list[dict[str, object]]]:
    """The tables of trials of yoga."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in TABLES}
    for study, (n, mean, sd, *usual) in trials.items():
        base = {"study_id": study, "source_url": f"https://example.org/{study}"}
        about = {"condition": "MIGRAINE", "design": "parallel", "purpose": "treatment"}
        rows["studies"].append({**base, **about, "source_type": "article", "n_randomised": n + usual[0]})
        for arm, role, (people, centre, spread) in (
            ("yoga", "experimental", (n, mean, sd)),
            ("usual_care", "control", usual),
        ):
            rows["arms"].append({**base, "arm": arm, "role": role, "category": arm, "label": arm})
            rows["arms"][-1]["n_randomised"] = people
            kind = {"domain": "pain", "instrument": "NRS", "unit": "points", "better": "lower", "weeks": 8}
            kind |= {"timepoint": "end_of_treatment", "measure": "final", "centre_type": "mean"}
            values = {"n": people, "centre": centre, "spread_type": "sd", "spread_low": spread}
            rows["continuous"].append({**base, "arm": arm, **kind, **values, "locator": "Table 2"})
    pool = {"review_id": "Wells2019", "condition": "MIGRAINE", "comparison": "yoga", "outcome": "pain"}
    pool |= {"measure": "MD", "estimate": -1, "source_url": "https://example.org/Wells", "locator": "p. 3"}
    rows["published_pools"] = [pool]
    return rows


@pytest.fixture
def review(tmp_path: Path) -> Path:
    """A review without a fault, its paths relative to its own folder."""
    (tmp_path / "tables").mkdir()
    for name, rows in rows_of(TRIALS).items():
        write(tmp_path / "tables" / f"{name}.csv", rows)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def write(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, TABLES[path.stem].names, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def change(path: Path, old: str, new: str, times: int = -1) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, times), encoding="utf-8")


def check(*arguments: str | Path, code: int) -> str:
    result = CliRunner().invoke(cli.main, ["check", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def test_a_sound_review_is_counted_from_anywhere(review: Path) -> None:
    output = check(review / "config.yaml", code=0)
    assert output.endswith("No faults found.\n")
    assert [*map(int, output.split()[::2][:4])] == [1, 7, 14, 14]


def test_paths_count_from_where_the_files_lie(review: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (review / "config").mkdir()
    (review / "config.yaml").rename(review / "config" / "config.yaml")
    assert "No faults found." in check(review / "config" / "config.yaml", code=0)
    monkeypatch.chdir(review.parent)
    assert "No faults found." in check(f"{review.name}/config/config.yaml", code=0)
    monkeypatch.chdir(review / "config")
    assert "No faults found." in check("config.yaml", code=0)


def test_the_folder_of_a_review_is_checked_by_its_config(review: Path) -> None:
    assert "      1  analyses" in check(review, code=0)


def test_what_the_audit_would_look_at_is_told_with_file_row_and_value(review: Path) -> None:
    wrong = TRIALS | {
        **{"Cole2014": (40, 32, 2.0, 41, 4.1, 2.3), "Dorn2016": (36, 3.0, 0.35, 36, 4.2, 0.36)},
    }
    rows = rows_of(wrong)
    rows["arms"][8]["n_randomised"] = 45  # of 50 analysed
    for name in ("arms", "continuous"):
        write(review / "tables" / f"{name}.csv", rows[name])
    for source in (["config.yaml"], ["tables", "--instruments", str(review / "instruments.yaml")]):
        output = check(review / source[0], *source[1:], code=0)
        lines = output[output.index("No faults") :].splitlines()
        assert lines[0] == "No faults found."
        beyond = [line for line in lines if line.startswith("continuous.csv, row 6, Cole2014: ")]
        assert any("(NRS, arm yoga, week 8: 32, possible 0 to 10)" in line for line in beyond)
        (se,) = (line for line in lines if "fit as a standard error" in line)
        assert se.startswith("continuous.csv, row 8, Dorn2016: ")
        assert "(from sd 0.35, n = 36)" in se
        assert se.endswith("Also row 9.")
        (more,) = (line for line in lines if "more people are analysed" in line)
        assert more.startswith("continuous.csv, row 10, Egan2018: ")
        assert "n = 50 of 45" in more


def test_rows_of_no_use_are_named(review: Path) -> None:
    rows = rows_of(TRIALS | {"Cole2014": (40, 3.2, 0, 41, 4.1, 2.3)})["continuous"]
    del rows[11]  # Fahy2020, usual care
    write(review / "tables" / "continuous.csv", rows)
    output = check(review / "config.yaml", code=0)
    assert "continuous.csv, row 6, Cole2014: a spread of 0, which few outcomes have (NRS, arm yoga" in output
    assert "continuous.csv, row 12, Fahy2020: numbers of one arm only (NRS, arm yoga: 3.3)." in output


def test_many_findings_are_counted_unless_details_are_wanted(review: Path) -> None:
    change(review / "instruments.yaml", "better: lower", "better: higher")
    rows = rows_of({f"T{at}": (20, 1.2, 2.0, 20, 32.0, 2.1) for at in range(12)})
    for name in ("studies", "arms", "continuous"):
        write(review / "tables" / f"{name}.csv", rows[name])
    change(review / "networks.yaml", ", leave_out: {Ames2011: made up}", "")
    output = check(review / "config.yaml", code=0)
    assert "of medium or low severity: add --details to see them." in output
    assert "scored the other way" not in output
    assert "scored the other way" in check(review / "config.yaml", "--details", code=0)


def test_a_folder_says_that_instruments_were_not_checked(review: Path) -> None:
    output = check(review / "tables", code=0)
    assert "No faults found. Instruments were not checked: name the configuration" in output


def test_a_fault_of_every_cell_is_told_once_a_column(review: Path) -> None:
    change(review / "tables" / "continuous.csv", "end_of_treatment", "end of treatment")
    change(review / "tables" / "arms.csv", ",usual_care,usual_care", ",usual care,usual_care")
    result = CliRunner().invoke(cli.main, ["check", str(review / "config.yaml")])
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert "arms.csv, row 3, column category: 'usual care' is not one of the words" in lines[0]
    assert lines[0].endswith("Also rows 5, 7, 9, 11, 13, 15.")
    assert "row 2, column timepoint: 'end of treatment' is not one of" in lines[1]
    assert lines[1].endswith("Also rows 3–15.")
    assert result.stderr == "21 faults found.\n"


SLIPS = {  # file, what stands there, what is written instead; what is told
    "tab": ("config.yaml", "  migraine:", "\tmigraine:", "row 11: the line begins with a tab"),
    "colon": (
        *("config.yaml", "title: Yoga for migraine", "title: Yoga: for migraine"),
        'row 4: a colon stands in text without quotes. To mend: write title: "Yoga: for migraine".',
    ),
    "key": (
        "config.yaml",
        "measure:",
        "mesure:",
        "row 15, column outcomes.pain.mesure: the key 'mesure' is not",
    ),
    "condition": (
        *("config.yaml", "condition: MIGRAINE", "condition: MIGRANE"),
        "row 11, column populations.migraine.condition: 'MIGRANE' is not the condition of any trial in "
        "studies.csv. To mend: did you mean 'MIGRAINE'.",
    ),
    "kinds": (
        "config.yaml",
        "better: lower",
        "better: lower, kinds: finals",
        "write [final], [change], both",
    ),
    "total": (
        "config.yaml",
        "[usual_care]",
        "[usual_care], total: no way",
        "not a yes or no. To mend: write true",
    ),
    "timepoint": (
        *("config.yaml", "better: lower", "better: lower, timepoint: {week: [4, 12]}"),
        "To mend: write end_of_treatment, follow_up or during, a list of these, or {weeks: [4, 12]}.",
    ),
    "audit_exclude": (
        *("config.yaml", "analyses: {}", "analyses: {}\ndefaults: {audit_exclude: [se_as_sdd]}"),
        "row 19, column defaults.audit_exclude.0: 'se_as_sdd' is not a rule of the audit. To mend: did "
        "you mean 'se_as_sd'.",
    ),
    "audit_exclude of a question": (
        *("config.yaml", "outcome: pain}", "outcome: pain, audit_exclude: [outside]}"),
        "row 17, column questions.0.audit_exclude.0: 'outside' is not a rule of the audit",
    ),
    "prior": (
        "config.yaml",
        "analyses: {}",
        "analyses: {}\ndefaults:\n  priors: [{measure: [MD], domain: [pian], scale: 1, source: x}]",
        "row 20, column defaults.priors.0.domain: 'pian' is not a domain of the vocabulary. To mend: did "
        "you mean 'pain'.",
    ),
    "dose": (
        *("config.yaml", "outcome: pain}", "outcome: pain, dose: sessions, total: false, subgroups: year}"),
        "row 17, column questions.0.dose: 'sessions' is a line over the doses of trials that 'total: false' "
        "keeps apart. To mend: remove one of the two.",
    ),
    "absolute_by_domain": (
        "claims.yaml",
        "claims:",
        "certainty: {imprecision: {absolute_by_domain: {mortalty: 0.01}}}\nclaims:",
        "row 1, column certainty.imprecision.absolute_by_domain.mortalty: 'mortalty' is not a domain of "
        "the vocabulary. To mend: did you mean 'mortality'.",
    ),
    "where": (
        *("claims.yaml", "kind: benefit", "kind: benefit, where: {sessions: [16, 8]}"),
        "row 2, column claims.yoga.where.sessions: '[16, 8]' is not two numbers in ascending order. To mend: "
        "write the lower one first: [8, 16].",
    ),
    "review": (
        *("published.yaml", "Wells2019", "Welles2019"),
        "row 2, column left_out.0.review_id: 'Welles2019' is not the review_id of any row of "
        "published_pools.csv. To mend: did you mean 'Wells2019'.",
    ),
    "node": (
        *("networks.yaml", "[usual_care]", "[usual_car]"),
        "row 3, column nodes.usual care.0: 'usual_car' is not an arm category. To mend: did "
        "you mean 'usual_care'.",
    ),
    "leave_out": (
        *("networks.yaml", "Ames2011", "Ames2012"),
        "row 5, column networks.pain.leave_out.Ames2012: 'Ames2012' is not the study_id of any trial. To "
        "mend: did you mean 'Ames2011'.",
    ),
    "file": (
        "config.yaml",
        "instruments.yaml",
        "instrument.yaml",
        "check its path: 'instruments.yaml' lies there",
    ),
    "folder": ("config.yaml", "evidence: tables", "evidence: table", "table: the folder does not exist"),
}


@pytest.mark.parametrize(("file", "old", "new", "told"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_refused_with_its_row_value_and_remedy(
    review: Path, file: str, old: str, new: str, told: str
) -> None:
    change(review / file, old, new)
    output = check(review / "config.yaml", code=1)
    assert told in output
    assert file in output or file.startswith("config")


def test_names_of_networks_are_those_of_the_arms_where_no_vocabulary_has_any(review: Path) -> None:
    change(review / "config.yaml", "vocabulary: vocabulary.yaml\n", "")
    assert "No faults" in check(review / "config.yaml", code=0)
    change(review / "networks.yaml", "[usual_care]", "[ushual_care]")
    assert "'ushual_care' is not an arm category" in check(review / "config.yaml", code=1)


def test_a_word_that_no_row_has_is_told_although_it_is_no_fault(review: Path) -> None:
    change(review / "config.yaml", "vocabulary: vocabulary.yaml\n", "")
    change(review / "config.yaml", "[yoga]", "[joga]")
    change(review / "networks.yaml", "[yoga]", "[usual_care]")
    change(review / "networks.yaml", "usual care: [usual_care]", "yoga2: [yoga]")
    output = check(review / "config.yaml", code=0)
    assert f"analysis {SLUG}: it asks for an experimental side that no arm is of (joga)." in output
    assert "did you mean 'yoga'" in output


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            *("better: lower", "better: lower, timepoint: follow_up"),
            "it asks for a time that no row of its outcomes is of (follow_up). To check: its words: use "
            "one of: end_of_treatment.",
        ),
        (
            *("better: lower", "better: lower, timepoint: {weeks: [12, 24]}"),
            "it asks for a time that no row of its outcomes is of (week 12 to 24). To check: its words: "
            "use one of: week 8.",
        ),
        (
            *("{condition: MIGRAINE}", "{condition: MIGRAINE, purpose: prevention}"),
            "it asks for a purpose that no trial is of (prevention).",
        ),
        ("domain: pain", "domain: function", "it asks for a domain that no row is of (function)."),
    ],
)
def test_what_would_pool_nothing_is_told_with_what_there_is(
    review: Path, old: str, new: str, told: str
) -> None:
    change(review / "config.yaml", old, new)
    assert f"analysis {SLUG}: {told}" in check(review / "config.yaml", code=0)


def run(arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    code = f"{sys.executable} -c 'from trialpool.cli import main; main()' {arguments}"
    package = str(Path(cli.__file__).parents[1])
    variables = {"PYTHONPATH": package, "PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(["bash", "-c", code], cwd=folder, env=variables, capture_output=True)


def test_a_closed_pipe_is_no_error(review: Path) -> None:
    change(review / "tables" / "continuous.csv", "pain,NRS", "pain,=1")
    done = run("check config.yaml 2>error | head -c 1; cat error >&2", review, PYTHONUNBUFFERED="1")
    assert done.stdout
    assert not done.stderr or re.fullmatch(rb"\d+ faults found\.\n", done.stderr)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_a_character_gets_another(review: Path, encoding: str) -> None:
    change(review / "tables" / "continuous.csv", "end_of_treatment", "end → of “treatment”")
    done = run("check config.yaml", review, PYTHONIOENCODING=encoding)
    assert done.returncode == 1
    assert b"'end -> of \"treatment\"' is not one of the words for timepoint" in done.stdout
    assert b"Also rows 3-15." in done.stdout
    assert done.stderr == b"14 faults found.\n"
