"""Which analyses are pooled in one job: the names of all analyses in, the batches out.

The name of an analysis says in which batch it is, by a hash, whatever else is asked and in whatever order. So
an analysis that comes, goes or moves leaves all others in their batches, and only its own is pooled anew.

Only how many batches there are depends on how many analyses: 16 up to 1,024 analyses, 32 up to 2,048, and so
on. The one analysis that passes such a step deals all of them anew: then everything is pooled once.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

FEWEST = 16  # batches: to start a job costs more than to pool an analysis
LARGEST = (
    64  # analyses in a batch, on average: a crash costs about a minute, and planning grows with the jobs
)


def batches(analyses: Iterable[str]) -> dict[str, list[str]]:
    """The batches that have some analyses, by name (which of how many), each with its analyses sorted.

    >>> batches(["dpn-pain", "cipn-pain", "dpn-sleep"])
    {'00_of_16': ['dpn-pain'], '05_of_16': ['dpn-sleep'], '14_of_16': ['cipn-pain']}
    """
    names = sorted(analyses)
    count = FEWEST
    while LARGEST * count < len(names):
        count *= 2
    found: dict[str, list[str]] = {}
    for name in names:
        number = int.from_bytes(sha256(name.encode()).digest()[:8], "big") % count
        found.setdefault(f"{number:02d}_of_{count}", []).append(name)
    return dict(sorted(found.items()))
