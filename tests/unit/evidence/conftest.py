"""What several tests look at and none changes: the shipped evidence, and what its analyses compare."""

import pytest

from trialpool.evidence.compare import compare
from trialpool.evidence.read import read_evidence
from trialpool.evidence.summaries import harmonise
from trialpool.protocol import load_catalogue, load_protocol
from trialpool.yaml_files import read_yaml

CONFIG = "config/config.yaml"


@pytest.fixture(scope="session")
def shipped_tables():
    return read_evidence("data/raw")


@pytest.fixture(scope="session")
def shipped_analyses():
    return load_protocol(read_yaml(CONFIG)[0], [CONFIG]).analyses


@pytest.fixture(scope="session")
def compared(shipped_analyses):
    """A function: what the shipped analyses compare of evidence tables."""
    catalogue = load_catalogue("config/instruments.yaml")
    return lambda tables: compare(harmonise(tables), tables, catalogue, list(shipped_analyses.values()))


@pytest.fixture(scope="session")
def shipped_comparison(shipped_tables, compared):
    return compared(shipped_tables)
