"""A review of more analyses than batches: one that comes or goes has its own batch pooled, and no other."""

import json
import shutil

import pytest
import yaml

from trialpool.planning import BATCHES_OF_FEW, batches

from .conftest import MINI, Review, jobs_run

pytestmark = pytest.mark.workflow

CONFIG = yaml.safe_load((MINI / "config.yaml").read_text(encoding="utf-8"))
PAIN = CONFIG["analyses"]["dpn-pain-acupuncture-vs-sham"] | {"title": "Pain, standardised", "measure": "SMD"}
PAIN = {key: value for key, value in PAIN.items() if key != "scale"}
GAP = CONFIG["analyses"]["cipn-pain-acupuncture-vs-sham"]
MANY = CONFIG["analyses"] | {f"cipn-pain-{number}": GAP for number in range(BATCHES_OF_FEW)}
JOINS, ALONE = "dpn-pain-smd", "dpn-pain-first"  # in a batch of others, and in one of its own
GONE = "cipn-pain-0"
CHANGED = {
    "new at the start, one gone": {JOINS: PAIN} | {name: MANY[name] for name in MANY if name != GONE},
    "new at the end, one of them in a batch of its own": MANY | {JOINS: PAIN, ALONE: PAIN},
}


def ask(review, analyses):
    """Run the review of these analyses; which of them were pooled."""
    config = CONFIG | {"defaults": {"formats": ["svg"]}, "analyses": analyses}
    text = json.dumps(config, indent=1)  # YAML without aliases
    (review.folder / "config.yaml").write_text(text, encoding="utf-8")
    completed = review.run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return {job.removeprefix("pool ") for job in jobs_run(completed) if job.startswith("pool ")}


@pytest.fixture(scope="module")
def large_review(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large") / "review"
    shutil.copytree(MINI, folder)
    review = Review(folder)
    assert ask(review, MANY) == set(MANY)
    return review


@pytest.mark.parametrize("change", CHANGED)
def test_analyses_more_or_less_leave_the_other_batches_alone(large_review, tmp_path, change):
    review = Review(tmp_path / "review")
    shutil.copytree(large_review.folder, review.folder)
    before, asked = review.results(), CHANGED[change]
    changed = {*asked} ^ {*MANY}
    theirs = [{*names} for names in batches({*asked, *MANY}).values() if changed & {*names}]
    assert len(theirs) == len(changed) == 2, "they share a batch"
    assert ({ALONE} in theirs) == (ALONE in changed)
    assert ask(review, asked) == set.union(*theirs) & {*asked}
    after = review.results()
    for analysis in changed:
        assert (f"analyses/{analysis}/result.json" in after) == (analysis in asked)
    others = {name for name in before if name.startswith("analyses/") and name.split("/")[1] not in changed}
    assert len(others) > len(MANY)
    assert [name for name in sorted(others) if after[name] != before[name]] == []
