"""Who is pooled with whom (by an analysis' own name alone), and which code a rule says that it runs."""

import ast
import os
import random
import re

import pytest

from tests.unit.package_imports import FILES, files_behind, parsed
from trialpool.planning import (
    BATCHES_OF_FEW,
    LARGEST,
    PACKAGE,
    batches,
    clear_leftovers,
    code,
    files_of,
    newer,
)

WORKFLOW = PACKAGE.parents[1]


def batch_of(names):
    return {name: batch for batch, members in batches(names).items() for name in members}


@pytest.mark.parametrize("count", [1, 20, 500])
def test_an_analysis_more_leaves_all_others_where_they_are(count):
    names = [f"pain-{number}" for number in range(count)]
    before = batch_of(names)
    assert set(before) == set(names)
    for more in (["a-first", *names], [*names, "z-last"]):
        after = batch_of(more)
        assert {name: after[name] for name in names} == before


def test_the_order_of_the_config_does_not_matter():
    names = [f"pain-{number}" for number in range(100)]
    assert batches(random.Random(1).sample(names, 100)) == batches(names)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(16, 8), (17, 2), (256, 2), (257, 4), (512, 4), (513, 8), (10_000, 128)],
)
def test_there_are_twice_as_many_batches_from_each_step_on(count, expected):
    found = batches(f"pain-{number}" for number in range(count))
    assert len(found) == expected
    assert all(name.endswith(f"_of_{expected}") for name in found)
    assert max(map(len, found.values())) < 1.5 * LARGEST


def test_batches_without_an_analysis_are_left_out():
    assert 1 <= len(batches(["pain", "sleep"])) <= 2 < BATCHES_OF_FEW


def run_by(script):
    """The code of a script and of all functions of `jobs` that it calls, one through another."""
    jobs = {node.name: node for node in parsed(FILES["trialpool.jobs"]).body if hasattr(node, "name")}
    trees = [parsed(WORKFLOW / "scripts" / f"{script}.py")]
    for tree in trees:
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        trees += [jobs[name] for name in used & jobs.keys() if jobs[name] not in trees]
    return trees


def names_of_rules():
    """What every rule gives to `code`, by the name of its script."""
    texts = [file.read_text(encoding="utf-8") for file in sorted((WORKFLOW / "rules").glob("*.smk"))]
    lists = {"POOLING": [], "DRAWING": [], "PROTOCOL": [], "CERTAINTY": []}
    for text in texts:
        for name, given in re.findall(r"^(POOLING|DRAWING|PROTOCOL|CERTAINTY) \+?= (\[.*\])$", text, re.M):
            lists[name] += ast.literal_eval(given)
    for given, script in re.findall(r"code=code\((.*?)\),\n.*?scripts/(\w+)\.py", "\n".join(texts), re.S):
        yield script, eval(f"[{given}]", lists)


NAMES = dict(names_of_rules())


@pytest.mark.parametrize("script", sorted(path.stem for path in (WORKFLOW / "scripts").glob("*.py")))
def test_a_rule_names_all_of_the_package_that_its_script_runs(script):
    assert files_behind(run_by(script)) - set(files_of(*NAMES[script])) == set()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("pool_analyses", {"schemas/sentences.yaml", "schemas/methods.j2"}),
        ("appraise_certainty", {"schemas/sentences.yaml", "schemas/claims.schema.yaml"}),
        ("write_tables", {"schemas/sentences.yaml"}),
        ("write_page", {"schemas/sentences.yaml"}),
    ],
)
def test_a_rule_names_the_words_and_rules_that_synthesis_reads(script, words):
    assert words <= set(files_of(*NAMES[script]))


def test_every_import_can_be_seen():
    for path in FILES.values():
        for node in ast.walk(parsed(path)):
            assert not (isinstance(node, ast.Import) and "trialpool" in ast.unparse(node)), (
                "use from … import"
            )
            assert not (isinstance(node, ast.ImportFrom) and node.level), "no relative import"


def test_a_rule_of_the_audit_is_no_code_of_harmonise():
    audit = {name for name in files_of(*NAMES["audit_numbers"]) if name.startswith("evidence/audit")}
    assert audit
    assert not audit & set(files_of(*NAMES["harmonise_results"]))
    assert [name for name in files_of(*NAMES["write_page"]) if name.endswith("/page.css")]
    assert not [name for name in files_of(*NAMES["pool_analyses"]) if "templates" in name]


def test_a_name_that_is_nothing_is_refused():
    with pytest.raises(ValueError, match="no_such_room is neither"):
        code("no_such_room")


def test_leftovers_are_cleared_only_while_nobody_is_at_work(tmp_path):
    left = tmp_path / "locks" / "0.output.lock"
    left.parent.mkdir()
    left.touch()
    first = clear_leftovers(tmp_path, [])
    assert first
    assert not left.exists()
    left.touch()
    assert clear_leftovers(tmp_path, [])
    assert left.exists()
    first.close()


def test_a_file_is_newer_than_what_was_made_of_it_only_if_both_are_there(tmp_path):
    table, made, gone = tmp_path / "arms.csv", tmp_path / "manifest.csv", tmp_path / "gone.csv"
    table.touch()
    assert not newer([table, gone], made)
    made.touch()
    os.utime(table, (1, 1))
    assert not newer([table, gone], made)
    os.utime(table, (4e9, 4e9))
    assert newer([gone, table], made)
    assert not newer([], made)
