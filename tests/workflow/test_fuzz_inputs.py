"""Whatever stands in a configuration or a table: it is read, or refused in words; nothing else happens."""

import copy
import resource
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trialpool.errors import InputError
from trialpool.evidence.read import examine
from trialpool.protocol import Protocol, load_protocol

from .conftest import MINI

pytestmark = pytest.mark.slow
AS_PRODUCTS = """
populations: {dpn: {name: Diabetic, slug: d, condition: [DPN, CIPN], purpose: treatment}}
comparisons: {acu-vs-sham: {experimental: [acupuncture], control: [sham], design: add_on}}
outcomes:
  pain: {domain: pain, instruments: [NRS], measure: MD, better: lower,
    thresholds: {between_groups: {value: 1, source: x}}}
questions:
  - {population: [dpn], outcome: pain, comparison: acu-vs-sham, suffix: late, timepoint: {weeks: [4, 8]}}
analyses: {d-pain-acu-vs-sham-late: {title: Pain, items: [""]}}
"""

CONFIG = yaml.safe_load((MINI / "config.yaml").read_text(encoding="utf-8"))
CONFIG["instruments"] = str(MINI / "instruments.yaml")
PRODUCTS = {**CONFIG, **yaml.safe_load(AS_PRODUCTS)}
TABLES = sorted(path.name for path in (MINI / "raw").iterdir())
NASTY = [
    "../../x",
    "/etc/passwd",
    "a/../b",
    "~",
    "a\x00b",
    "",
    " ",
    "\u202e",
    "=cmd()",
    "x" * 100_000,
    "1e999",
    "nan",
]
JUNK = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(NASTY)),
    *(st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=5), st.none(), max_size=2)),
)
CALM = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
GIGABYTE = 2**30


def places(tree, before=()):
    """The path of every entry of nested dicts and lists."""
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in entries:
        yield (*before, key)
        yield from places(value, (*before, key))


def changed(tree, place, value):
    tree = copy.deepcopy(tree)
    inner = tree
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return tree


def refusal(config, files=()):
    """Why a configuration is refused, "" if it is not; any other exception fails the test."""
    try:
        assert isinstance(load_protocol(config, files), Protocol)
    except InputError as error:
        return str(error)
    return ""


@CALM
@pytest.mark.parametrize("config", [CONFIG, PRODUCTS], ids=["written out", "products"])
@given(data=st.data(), value=JUNK)
def test_a_configuration_is_resolved_or_refused_in_words(config, data, value):
    told = refusal(changed(config, data.draw(st.sampled_from(list(places(config)))), value))
    assert not told or "To mend:" in told
    assert len(told) < 20_000


@CALM
@given(data=st.data())
def test_a_damaged_configuration_file_is_read_or_refused_in_words(data, tmp_path):
    text = (MINI / "config.yaml").read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    piece = data.draw(st.text(st.sampled_from("{}[]&*!|>%@`:-#\t\n '\"\\a0\x07"), max_size=6))
    file = tmp_path / "config.yaml"
    file.write_text(text[:start] + piece + text[start + len(piece) :], encoding="utf-8")
    told = refusal(CONFIG, [file])
    assert not told or "config.yaml" in told


@pytest.mark.parametrize(
    "slug", ["../up", "/etc/x", "a/b", "a\\b", "..", ".hidden", "A b", "x\n", "", "a" * 300]
)
def test_an_analysis_cannot_be_named_like_a_path(slug):
    entry = next(iter(CONFIG["analyses"].values()))
    with pytest.raises(InputError):
        load_protocol({**CONFIG, "analyses": {slug: entry}})


@CALM
@given(
    table=st.sampled_from(TABLES),
    at=st.floats(0, 1),
    piece=st.one_of(
        st.sampled_from([*NASTY, '"', "\n", ",,,", "\r", "\ufeff", "'", "١٢"]), st.text(max_size=8)
    ),
)
def test_a_damaged_table_is_read_or_refused_in_words(table, at, piece, tmp_path):
    folder = tmp_path / "raw"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(MINI / "raw", folder)
    content = (folder / table).read_bytes()
    start = int(at * len(content))
    content = content[:start] + piece.encode("utf-8", "surrogatepass") + content[start + len(piece) :]
    (folder / table).write_bytes(content)
    _, faults = examine(folder)
    for fault in faults:
        assert fault.file.endswith(".csv")
        assert len(str(fault)) < 5_000


def bomb():
    """Nine lists of nine of the list before: 3.5 billion words from 500 bytes."""
    lines = ['l0: &l0 ["x", "x", "x", "x", "x", "x", "x", "x", "x"]']
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(lines) + "\n"


UNSAFE = [
    bomb(),
    "extra: !!python/object/apply:os.system ['touch pwned']\n",
    "extra: !!python/name:os.system\n",
]


@pytest.mark.workflow
@pytest.mark.parametrize("lines", UNSAFE, ids=["alias bomb", "a call", "a name"])
def test_an_unsafe_configuration_stops_snakemake_with_a_word(fresh_review, lines):
    config = fresh_review.folder / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8") + lines, encoding="utf-8")
    limit = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8 * GIGABYTE, limit[1]))
    try:
        completed = fresh_review.run("--dry-run", command=True)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    assert completed.returncode != 0
    told = completed.stdout + completed.stderr
    assert any(words in told for words in ("an alias (*name)", "Config file is not valid", "python/name"))
    assert "Traceback" not in told
    assert not (fresh_review.folder / "pwned").exists()
    assert not (fresh_review.folder / "results").exists()


def test_the_examples_are_sound_before_they_are_damaged():
    assert examine(MINI / "raw")[1] == []
    assert set(load_protocol(CONFIG).analyses) == set(CONFIG["analyses"])
    assert set(load_protocol(PRODUCTS).analyses) == set(PRODUCTS["analyses"])
    assert Path(CONFIG["instruments"]).is_file()
