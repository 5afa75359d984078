"""The commands pool, init and run: what they print and write, how they fail, how fast they start."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from trialpool import cli
from trialpool.measures import EVERY_TAU2
from trialpool.yaml_files import schema_of

ROOT = Path(__file__).parents[3]
BCG = str(ROOT / "docs" / "data" / "bcg.csv")
LINE = "RR 0.49 (0.33 to 0.73), 13 trials; τ² 0.31, I² 92%; new trial 0.14 to 1.76"


def trialpool(*arguments):
    return CliRunner().invoke(cli.main, list(map(str, arguments)))


def test_pool_prints_the_result_the_trials_and_what_was_assumed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = trialpool("pool", BCG)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0] == LINE
    assert "Hart & Sutherland 1977   0.24  0.18 to 0.31    9.7%" in done.output
    assert "Taken for granted:\n- Columns: events tpos and cpos, people nt and nc" in done.output
    assert "restricted maximum likelihood (REML)" in done.output
    assert list(tmp_path.iterdir()) == []


def test_the_page_of_the_site_says_what_is_printed(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "command_line.md").read_text("utf-8")
    monkeypatch.chdir(ROOT / "docs")
    command = shlex.split(
        re.search(r"^    trialpool (pool .*)$", page, re.M)[1].replace("answer", str(tmp_path / "a"))
    )
    done = trialpool(*command)
    assert (
        done.output.replace(str(tmp_path / "a"), "answer") == re.search(r"```text\n(.*?)```", page, re.S)[1]
    )


def test_every_option_of_pool_is_heard(tmp_path):
    options = [
        *("pool", BCG, "--out", tmp_path / "out", "--measure", "or", "--by", "alloc", "--labels", "author"),
        *(
            "--moderators",
            "ablat",
            "--names",
            "BCG|none",
            "--favours",
            "for BCG | for none",
            "--title",
            "BCG",
        ),
        *("--tau2-method", "DL", "--interval", "wald", "--level", "0.9"),
    ]  # metafor: rma(measure = "OR", …, method = "DL", level = 90) gives 0.4736 (0.3452 to 0.6498)
    fewer = trialpool(*options, "--where", "alloc=random")
    assert fewer.exit_code == 1
    assert "all trials are of the group 'random'" in fewer.output
    done = trialpool(*options)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("OR 0.47 (90% CI 0.35 to 0.65), 13 trials; τ² 0.37")
    assert "The odds were lower with BCG than with none" in done.output
    assert "TPT Madras  " in done.output
    forest = (tmp_path / "out" / "forest.svg").read_text("utf-8")
    assert all(word in forest for word in ("for BCG", "for none", "90% CI", "Systematic"))


def test_every_estimator_of_the_library_can_be_asked_for():
    asked = schema_of("config").schema["$defs"]["tau2_method"]["enum"]
    assert sorted(asked) == sorted(EVERY_TAU2)
    done = trialpool("pool", BCG, "--tau2-method", "pmm", "--interval", "wald")
    assert done.exit_code == 0, done.output  # metafor: rma(method = "PMM") gives 0.4882 (0.3386 to 0.7037)
    assert done.output.startswith("RR 0.49 (0.34 to 0.70), 13 trials; τ² 0.34")
    assert "the median-unbiased Paule–Mandel estimator" in done.output


@pytest.mark.parametrize(
    ("options", "said", "code"),
    [
        (("pool", "no.csv"), "no.csv: the file does not exist", 1),
        (("pool", BCG, "--by", "alocc"), "did you mean 'alloc'", 1),
        (("pool", BCG, "--measure", "SMD"), "no effect can be made of the columns", 1),
        (("pool", BCG, "--measure", "XR"), "'XR' is not one of", 2),
        (("pool", BCG, "--favours", "left"), "'left' is not 'LEFT|RIGHT'", 2),
        (("pool", BCG, "--column", "n_1"), "'n_1' is not ROLE=NAME", 2),
        (("init", "new", "--from", "no.csv"), "the file does not exist", 1),
        (("run", "no.yaml"), "trialpool init begins one", 1),
    ],
)
def test_what_is_wrong_is_said_in_words(options, said, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = trialpool(*options)
    assert said in done.output
    assert done.exit_code == code
    assert list(tmp_path.iterdir()) == []


def test_init_writes_a_review_once(tmp_path, monkeypatch):
    done = trialpool("init", tmp_path / "review", "--from", BCG)
    assert done.exit_code == 0, done.output
    assert "seven tables in data" in done.output
    assert f"It runs as it is: trialpool run {tmp_path / 'review' / 'config.yaml'}" in done.output
    again = trialpool("init", tmp_path / "review")
    assert again.exit_code == 1
    assert "10 faults found." in again.output
    checked = trialpool("check", tmp_path / "review" / "data")
    assert "No faults found." in checked.output
    assert "To fill in: studies.csv, population (13)" in checked.output
    monkeypatch.chdir(tmp_path / "review")
    assert "To fill in: events.csv, source_url (26)" in trialpool("check", "config.yaml").output


def started(tmp_path, *arguments, code=""):
    """The command in a process of its own, with a stand-in for Snakemake that says how it was called."""
    (tmp_path / "snakemake.py").write_text(
        "import os, sys; print(os.path.basename(os.getcwd()), *sys.argv[1:]); sys.exit(7)", encoding="utf-8"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT / 'workflow' / 'src'}"}
    command = [sys.executable, "-c", f"{code}\nfrom trialpool.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_run_starts_snakemake_in_the_folder_of_the_config_and_passes_its_code_on(tmp_path):
    assert trialpool("init", tmp_path / "review", "--from", BCG).exit_code == 0
    (tmp_path / "review" / "config.yaml").rename(tmp_path / "review" / "my.yaml")
    done = started(tmp_path, "run", "review/my.yaml", "--cores", 3, "--forceall", "-j", "1")
    assert done.returncode == 7
    snakefile = ROOT / "workflow" / "Snakefile"
    assert done.stdout.split() == [
        *("review", "--snakefile", str(snakefile), "--configfile", "my.yaml", "--cores", "3"),
        *("--forceall", "-j", "1", "--quiet", "all"),
    ]
    loud = started(tmp_path, "run", "review/my.yaml", "--verbose")
    assert "--quiet" not in loud.stdout
    text = (tmp_path / "review" / "my.yaml").read_text(encoding="utf-8")
    (tmp_path / "review" / "my.yaml").write_text(
        text.replace("measure: RR", "measure: RRR"), encoding="utf-8"
    )
    faulty = started(tmp_path, "run", "review/my.yaml")
    assert faulty.returncode == 1
    assert "'RRR'" in faulty.stdout


def test_without_the_workflow_it_is_said_how_to_get_it(tmp_path):
    (tmp_path / "my.yaml").write_text("evidence: data", encoding="utf-8")
    absent = (
        "import importlib.util as u; f = u.find_spec;"
        "u.find_spec = lambda *a: None if a[0] == 'snakemake' else f(*a)"
    )
    done = started(tmp_path, "run", "my.yaml", code=absent)
    assert done.returncode == 1
    assert "the workflow is not installed: pip install 'trialpool[workflow]'" in done.stderr


def test_pooling_loads_nothing_of_the_workflow():
    heavy = (
        "matplotlib",
        "pyarrow.parquet",
        "seaborn",
        "statsmodels",
        "scipy.stats",
        "matplotlib.pyplot",
        "openpyxl",
        "jsonschema",
    )
    code = (
        "import sys; from trialpool.one_table.answer import Asked, answer;"
        f"list(answer({BCG!r}, Asked()).lines());"
        f"print(*[name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_forest_of_a_table_is_shaped_by_options_and_a_file(tmp_path):
    (tmp_path / "forest.yaml").write_text(
        "columns: [study, year, plot, effect]\ndigits: 3\nfavours: [good, bad]\n"
    )
    options = ["--style", "bmj", "--sort", "-effect", "--forest", tmp_path / "forest.yaml"]
    done = trialpool("pool", BCG, "--out", tmp_path / "answer", *options)
    assert done.exit_code == 0, done.output
    svg = (tmp_path / "answer" / "forest.svg").read_text("utf-8")
    assert "Test for heterogeneity" in svg
    assert ">0.489<" in svg
    assert "good" in svg
    (tmp_path / "forest.yaml").write_text("columns: [study]\nsort: alloc\ndigitz: 3\nlimits: [-1, 2]\n")
    done = trialpool("pool", BCG, "--out", tmp_path / "other", "--forest", tmp_path / "forest.yaml")
    assert done.exit_code == 1
    assert "forest.yaml, row 3, column digitz: the key 'digitz' is not known" in done.output
    assert "forest.yaml, row 4, column limits: '-1' is not on the axis of RR" in done.output
    assert "row 2" not in done.output
    assert not (tmp_path / "other").exists()
    assert trialpool("pool", BCG, "--style", "bmj").exit_code == 2
