"""Which files a figure becomes: three formats, or SVG alone where it is made for the screen."""

FORMATS = (".svg", ".pdf", ".png")
SCREEN_ONLY = ("posterior",)  # shown on the page; its numbers are in the record


def formats_of(name: str) -> tuple[str, ...]:
    """The file endings of a figure by its name.

    >>> formats_of("forest"), formats_of("posterior")
    (('.svg', '.pdf', '.png'), ('.svg',))
    """
    return FORMATS[:1] if name in SCREEN_ONLY else FORMATS
