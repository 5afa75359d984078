"""Who is pooled with whom: by an analysis' own name and by how many batches there are, by nothing else."""

import random

import pytest

from trialpool.batches import FEWEST, LARGEST, batches


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
    ("count", "expected"), [(1024, 16), (1025, 32), (2048, 32), (2049, 64), (10_000, 256)]
)
def test_there_are_twice_as_many_batches_from_each_step_on(count, expected):
    found = batches(f"pain-{number}" for number in range(count))
    assert len(found) == expected
    assert all(name.endswith(f"_of_{expected}") for name in found)
    assert max(map(len, found.values())) < 1.5 * LARGEST


def test_batches_without_an_analysis_are_left_out():
    found = batches(["pain", "sleep"])
    assert 1 <= len(found) <= 2 < FEWEST
