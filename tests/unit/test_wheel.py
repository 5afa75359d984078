"""The package as a wheel, unpacked far from the repository, brings everything that loading a review needs."""

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.workflow.test_foreign import READ, SHIPPED_WORDS
from tests.workflow.test_foreign import told as seen

ROOT = Path(__file__).parents[2]
REVIEW = {
    "evidence": "raw",
    "processed": "processed",
    "results": "results",
    "instruments": "instruments.yaml",
    "analyses": {
        "pain": {
            **{"title": "Pain", "condition": "MIGRAINE", "domain": "pain", "outcomes": ["NRS"]},
            **{"experimental": ["exercise"], "control": ["rest"], "measure": "MD", "better": "lower"},
        }
    },
}
NRS = {"name": "Numeric scale", "domains": ["pain"], "range": [0, 10], "better": "lower", "unit": "points"}
CATALOGUE = {"groups": {"any": ["exercise", "rest"]}, "instruments": {"NRS": NRS}}
EXTRAS = ("defusedxml", "docx", "jsonschema", "openpyxl", "pyarrow", "seaborn", "snakemake", "statsmodels")
WITHOUT = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
"""
LOAD = """
import trialpool
from trialpool.protocol import load_protocol
from trialpool.yaml_files import read_yaml
print(trialpool.__file__)
print(load_protocol(read_yaml("config.yaml")[0], ["config.yaml"]).analyses["pain"]["unit"])
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The wheel's content in a folder of its own, built from a copy so that no trace is left here."""
    top = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "requirements.lock", "CITATION.cff"):
        shutil.copy2(ROOT / name, top)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "workflow", top / "workflow", ignore=ignored)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "."], cwd=top, check=True)
    (wheel,) = top.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(top / "site")
    return top / "site"


def run(folder, packages, code):
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_review_loads_with_nothing_but_the_wheel(unpacked, tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(REVIEW), encoding="utf-8")
    (tmp_path / "instruments.yaml").write_text(yaml.safe_dump(CATALOGUE), encoding="utf-8")
    completed = run(tmp_path, unpacked, LOAD)
    assert completed.returncode == 0, completed.stderr
    used, unit = completed.stdout.splitlines()
    assert Path(used) == unpacked / "trialpool" / "__init__.py"
    assert unit == "points"


def test_a_slip_is_told_by_the_wheel_as_well(unpacked, tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**REVIEW, "Evidence": "x"}), encoding="utf-8")
    completed = run(tmp_path, unpacked, LOAD)
    assert "config.yaml, row 1, column Evidence: the key 'Evidence' is not known" in completed.stderr


def test_every_file_of_the_package_is_in_the_wheel(unpacked):
    package = ROOT / "workflow" / "src" / "trialpool"
    files = {path.relative_to(package) for path in package.rglob("*") if path.is_file()}
    packed = {path.relative_to(unpacked / "trialpool") for path in (unpacked / "trialpool").rglob("*")}
    assert {path for path in files if "__pycache__" not in path.parts} <= packed


def blocks(document):
    """The blocks of Python in a document."""
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)


def test_the_example_of_the_readme_needs_nothing_but_the_core(unpacked, tmp_path):
    (example,) = blocks("README.md")
    assert len(example.splitlines()) <= 8
    completed = run(tmp_path, unpacked, WITHOUT + example)
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.rstrip() == re.search("# (RR .*)", example)[1]
    assert (tmp_path / "forest.svg").read_text("utf-8").startswith("<svg")


def test_the_first_minute_of_the_site_needs_nothing_but_the_core(unpacked, tmp_path):
    shutil.copytree(ROOT / "docs" / "data", tmp_path / "data")
    (tmp_path / "figures").mkdir()
    completed = run(tmp_path, unpacked, WITHOUT + "\n".join(blocks("docs/index.md")))
    assert completed.returncode == 0, completed.stderr
    assert "Trim and fill: 1 trial missing on the right" in completed.stdout


def test_the_core_asks_for_no_more_than_it_needs(unpacked):
    (metadata,) = unpacked.glob("*.dist-info/METADATA")
    asked = re.findall(r"(?m)^Requires-Dist: ([\w-]+)[^;\n]*$", metadata.read_text("utf-8"))
    assert set(asked).isdisjoint(EXTRAS)
    assert {"numpy", "scipy", "pandas", "matplotlib", "formulaic"} <= set(asked)


def command(folder, packages, *arguments):
    """A command of the wheel in an otherwise empty folder."""
    started = f"import sys; sys.argv = ['trialpool', *{arguments!r}]; from trialpool.cli import main; main()"
    return run(folder, packages, started)


def test_a_table_is_pooled_by_nothing_but_the_core(unpacked, tmp_path):
    shutil.copy(ROOT / "docs" / "data" / "bcg.csv", tmp_path)
    started = "import sys; sys.argv = ['trialpool', 'pool', 'bcg.csv', '--out', 'out']\n"
    done = run(tmp_path, unpacked, f"{WITHOUT}{started}from trialpool.cli import main; main()")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("RR 0.49 (0.33 to 0.73), 13 trials")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("forest.svg", "funnel.svg", "index.html", "studies.csv")
    }


@pytest.mark.workflow
def test_from_the_wheel_and_one_table_to_an_answer_and_to_a_review(unpacked, tmp_path):
    """In an empty folder, of another disease; the review says what the answer said, and nothing of ours."""
    shutil.copy(ROOT / "docs" / "data" / "bcg.csv", tmp_path / "tb.csv")
    for arguments in (
        ("pool", "tb.csv", "--out", "answer", "--names", "BCG|no vaccine", "--by", "alloc"),
        ("init", "review", "--from", "tb.csv", "--names", "BCG|no vaccine"),
        ("run", "review/config.yaml", "--cores", "2"),
    ):
        done = command(tmp_path, unpacked, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    *_, analyses, empty, audit = done.stderr.splitlines()
    assert analyses.startswith(
        "1 analysis: 1 of several trials, 0 of one, 0 empty. To read them: results/index"
    )
    assert empty == "Empty: none."
    assert audit.startswith("Audit: ")
    with (tmp_path / "review" / "results" / "summary.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert [float(row[name]) for name in ("estimate", "ci_low", "ci_high")] == pytest.approx(
        [0.48942094, 0.33007225, 0.72569826],
        rel=1e-7,  # metafor: RR, REML, test = "adhoc"
    )
    told = [
        path
        for path in tmp_path.rglob("*")
        if path.suffix in {*READ, ".yaml"} and ".snakemake" not in path.parts
    ]
    assert {path.name for path in told} >= {
        "index.html",
        "trials.html",
        "config.yaml",
        "forest.svg",
        "events.csv",
    }
    for path in told:
        text = path.read_text(encoding="utf-8")
        assert not SHIPPED_WORDS.search(seen(text) if path.suffix in (".html", ".svg") else text), path


@pytest.mark.workflow
def test_a_review_can_be_planned_from_the_wheel_alone(unpacked, tmp_path):
    shutil.copytree(ROOT / "tests" / "workflow" / "foreign" / "bcg", tmp_path, dirs_exist_ok=True)
    snakefile = unpacked / "trialpool" / "workflow" / "Snakefile"
    plan = ["--snakefile", snakefile, "--configfile", "config.yaml", "--cores", "1", "--dry-run", "--quiet"]
    command = [sys.executable, "-m", "snakemake", *map(str, plan)]
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    completed = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stderr
