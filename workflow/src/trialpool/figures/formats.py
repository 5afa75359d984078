"""Which files a figure becomes: three formats, or SVG alone where it is made for the screen."""

from collections.abc import Collection

FORMATS = (".svg", ".pdf", ".png")
SCREEN_ONLY = ("posterior",)  # shown on the page; its numbers are in the record


def formats_of(name: str, wanted: Collection[str] | None = None) -> tuple[str, ...]:
    """The file endings of a figure by its name; `wanted` are those of the config (`formats`), all by default.

    >>> formats_of("forest"), formats_of("posterior"), formats_of("forest", ["svg", "png"])
    (('.svg', '.pdf', '.png'), ('.svg',), ('.svg', '.png'))
    """
    formats = FORMATS[:1] if name in SCREEN_ONLY else FORMATS
    return tuple(ending for ending in formats if wanted is None or ending[1:] in wanted)
