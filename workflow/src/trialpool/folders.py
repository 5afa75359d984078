"""What lies in the folders of results/analyses, one an analysis: records, and figures in their formats.

The jobs after pooling are handed these folders.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

SHOWN = ("forest", "multiverse", "influence", "funnel", "posterior", "moderators")  # in the order of the page
MOST_QUESTIONS = 1000  # on one page: it then has some 50 MB; browsers open 100 MB in many seconds or not
FORMATS = (".svg", ".pdf", ".png")


def formats_of(name: str, wanted: Collection[str] | None = None) -> tuple[str, ...]:
    """The file endings of a figure by its name; `wanted` are those of the config (`formats`), if it says any.

    A forest plot goes into papers and slides, so it has them all. The others are looked at on the page.

    >>> formats_of("forest"), formats_of("funnel"), formats_of("funnel", ["svg", "png"])
    (('.svg', '.pdf', '.png'), ('.svg',), ('.svg', '.png'))
    """
    if wanted is None:
        return FORMATS if name == "forest" else FORMATS[:1]
    return tuple(ending for ending in FORMATS if ending[1:] in wanted)


def records_in(folders: Iterable[str]) -> list[str]:
    """The result record in each folder.

    >>> records_in(["results/analyses/a", "results/analyses/b"])
    ['results/analyses/a/result.json', 'results/analyses/b/result.json']
    """
    return [f"{folder}/result.json" for folder in folders]


def pictures_in(folders: Iterable[str]) -> list[str]:
    """The figures that a page shows (SVG), in its order: an analysis of one trial has its forest plot only.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("funnel.svg", "forest.svg", "forest.pdf"):
    ...         Path(folder, name).touch()
    ...     [Path(path).name for path in pictures_in([folder])]
    ['forest.svg', 'funnel.svg']
    """
    paths = (Path(folder, f"{name}.svg") for folder in folders for name in SHOWN)
    return [str(path) for path in paths if path.exists()]


def forget_others(folder: str | Path, analyses: Iterable[str]) -> None:
    """Remove from results/analyses what earlier runs left of analyses that are no longer asked.

    Only folders with a record in them, which we wrote: a reader must not take an old answer for a new one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("kept/result.json", "old/result.json", "mine/notes.txt"):
    ...         Path(folder, name).parent.mkdir()
    ...         Path(folder, name).touch()
    ...     forget_others(folder, ["kept"])
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['kept', 'mine']
    """
    asked = set(analyses)
    for record in Path(folder).glob("*/result.json"):
        if record.parent.name not in asked:
            shutil.rmtree(record.parent)
