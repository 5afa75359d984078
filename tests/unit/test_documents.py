"""What the documents for developers name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow" / "src" / "trialpool"
NAMED = re.compile(r"`([\w./-]+(?:\.(?:py|smk|yaml|md)|/))`")


def places(document):
    """The files and folders that a document names, each by what it says."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return {name for name in NAMED.findall(text) if "*" not in name}


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_file_that_is_named_exists(document):
    folders = [ROOT, PACKAGE, ROOT / "workflow" / "rules", PACKAGE / "evidence", PACKAGE / "page"]
    written = {"results/", "networks/"}  # by a run
    named = places(document)
    assert len(named) > 4
    assert {
        name for name in named - written if not any((folder / name).exists() for folder in folders)
    } == set()


def test_every_room_is_told():
    told = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {
        path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert {room for room in rooms - {"__init__"} if f"`{room}" not in told} == set()
