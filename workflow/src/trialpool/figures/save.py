"""The only place where a figure becomes files: the same bytes every time, in three formats.

SVG for screens: it can stand alone or be put into a page, small, spoken, ready for dark pages. Its text stays
text (`svg.fonttype: none`): it can be searched, copied, read aloud and recoloured, and the file is a third of
the size of one with outlined letters. DejaVu Sans is wider than the fonts that a reader's machine puts in its
place, so nothing collides without it. PDF for print (letters as vector glyphs inside the file: Type 3,
because cutting the TrueType font down takes longer than drawing all three files), PNG for everything else (32
colours: a fifth of the size of full colour and no difference to the eye; of 24 the thin rings break).
"""

from __future__ import annotations

import hashlib
import html
import io
import re
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from PIL import Image

from trialpool.figures import style
from trialpool.io import FORMATS, write_bytes
from trialpool.text import clean

PNG_DPI = 100  # for a page of its width; print takes the PDF
PNG_DPI_BESIDE = 84  # of figures that stand beside the forest plot
PNG_COLOURS = 32
TIFF_DPI = 600
FONTS = f"'{style.FONT}', Verdana, Arial, Helvetica, sans-serif"
_PROLOGUE = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_DEFAULTS = re.compile(r"\s*<defs>\s*<style[^>]*>[^<]*</style>\s*</defs>")
_IDENTITY = re.compile(r'<g id="[^"]*"')
_UNTURNED = re.compile(r' transform="rotate\(-?0 [^"]*\)"')
_FAMILY = re.compile(r" font-family: [^;\"]*;")
_LENGTHS = re.compile(r'(?<= )(d|x|y|width|height)="[^"]*"')
_DECIMALS = re.compile(r"(?<=\d\d\.\d)\d+|(?<=\.\d\d)\d+")  # small numbers shape markers
_PATH = re.compile(r' d="([^"]*)"')
_COMMAND = re.compile(r"([MLQCz])([^MLQCz]*)")
_INDENT = re.compile(r"\n +")
_STYLE = re.compile(r'style="([^"]*)"')
_ALIKE = re.compile(r'(?:<use (xlink:href="[^"]*") [^>]*( class="[^"]*")/>\n)(?:<use \1 [^>]*\2/>\n){2,}')
_LONE_GROUP = re.compile(r"<g>\s*(<(?:path|use)\b[^>]*/>|<text\b[^>]*>[^<]*</text>)\s*</g>")
_NEEDLESS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str], int], ...] = (
    *((_PROLOGUE, "", 1), (_METADATA, "", 1), (_DEFAULTS, "", 1)),
    *((_IDENTITY, "<g", 0), (_FAMILY, "", 0), (_UNTURNED, "", 0)),
    (_LENGTHS, lambda length: _DECIMALS.sub("", length.group()), 0),
    (_PATH, lambda path: f' d="{_shorter(path.group(1))}"', 0),
    *((_LONE_GROUP, r"\1", 0), (_INDENT, "\n", 0)),
)


def save_figure(
    figure: Figure,
    stem: str | Path,
    *,
    description: str,
    dpi: float = PNG_DPI,
    formats: Sequence[str] = FORMATS,
) -> list[Path]:
    """Write `stem`.svg, .pdf and .png (whole or not at all each) and return their paths; .tiff if asked for.

    `description` is the text alternative; what stands before its first ". " becomes the title. The bytes
    depend on the figure and the description alone: no date, no program name, no random id.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.suffix for path in save_figure(Figure(), f"{folder}/plot", description="Pain. Two trials")]
    ['.svg', '.pdf', '.png']
    """
    description = clean(description)
    title, _, more = description.partition(". ")
    title = title.rstrip(".")
    with matplotlib.rc_context(style.STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        writers: dict[str, Callable[[], bytes]] = {
            ".svg": lambda: _svg(figure, title, more or description),
            ".pdf": lambda: _pdf(figure, title),
            ".png": lambda: _png(figure, dpi),
            ".tiff": lambda: _tiff(figure),
        }
        contents = {suffix: writers[suffix]() for suffix in formats}
    paths = [Path(f"{stem}{suffix}") for suffix in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        write_bytes(path, content)
    return paths


def svg_of(figure: Figure) -> str:
    """The figure as SVG that can stand in a page."""
    with matplotlib.rc_context(style.STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        return _svg(figure, "", "").decode()


def _pdf(figure: Figure, title: str) -> bytes:
    """The figure as PDF with nothing in its metadata but the title."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf  # which brings tools for fonts with it

    buffer = io.BytesIO()
    metadata = {"Title": title, "CreationDate": None, "Creator": None, "Producer": None}

    FigureCanvasPdf(figure).print_pdf(buffer, metadata=metadata)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _tiff(figure: Figure) -> bytes:
    """The figure as TIFF in full colour, as journals print it."""
    buffer = io.BytesIO()
    image = _pixels(figure, TIFF_DPI)
    image.save(buffer, "tiff", compression="tiff_lzw", dpi=(TIFF_DPI, TIFF_DPI))
    return buffer.getvalue()


def _pixels(figure: Figure, dpi: float) -> Image.Image:
    """The figure as an image in full colour."""
    usual = figure.dpi
    figure.dpi = dpi
    try:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # type: ignore[no-untyped-call]
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")  # type: ignore[no-untyped-call]
    finally:
        figure.dpi = usual


def _png(figure: Figure, dpi: float) -> bytes:
    """The figure as PNG with a palette, the paper exactly white."""
    image = _pixels(figure, dpi)
    image = image.quantize(PNG_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    image.putpalette([255 if level >= 253 else level for level in image.getpalette() or []])
    buffer = io.BytesIO()
    # Filtered at level 6 takes a sixth of the time of level 9 for 3 % more bytes.
    image.save(buffer, "png", compress_level=6, compress_type=zlib.Z_FILTERED, dpi=(dpi, dpi))
    return buffer.getvalue()


class _Renderer(RendererSVG):
    """matplotlib's, but no text is measured twice: ticks and names come back in most figures."""

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: bool | Literal["TeX"]
    ) -> tuple[float, float, float]:
        return _measured(s, prop, ismath)


@lru_cache(maxsize=16384)
def _measured(text: str, font: FontProperties, ismath: bool | Literal["TeX"]) -> tuple[float, float, float]:
    return text_to_path.get_text_width_height_descent(text, font, ismath)


def _svg(figure: Figure, title: str, description: str) -> bytes:
    """The figure as SVG: no prologue, no date, no ids but those of its title and description."""
    buffer, metadata = io.StringIO(), {"Date": None, "Creator": None}
    FigureCanvasSVG(figure)
    figure.dpi = 72
    width, height = figure.get_size_inches() * figure.dpi
    renderer = _Renderer(width, height, buffer, metadata=metadata)  # type: ignore[no-untyped-call]
    figure.draw(renderer)
    renderer.finalize()  # type: ignore[no-untyped-call]
    return _accessible(_compact(buffer), title, description).encode("utf-8")


def _compact(buffer: io.StringIO) -> str:
    """The SVG without what says nothing: prologue, metadata, ids, repeated fonts, far decimals.

    Of the whole text, which can be large, there are never more than two; `buffer`, which holds it first, is
    emptied.
    """
    text = buffer.getvalue()
    buffer.truncate(0)
    for pattern, instead, most in _NEEDLESS:
        text = pattern.sub(instead, text, count=most)
    return text


def _shorter(path: str) -> str:
    """The same path in fewer letters: to a point as such or from the last one, whichever is shorter.

    Lines along an axis have their own commands; one that repeats, a needless blank or nought is left out. No
    number has more than two decimals: whole hundredths are exact, and soon added.

    >>> _shorter("M 12 69.1 L 633.3 69.1 L 633.3 80 L 12 81 z "), _shorter("M 150.6 273.7 L 150.6 279.6")
    ('M12 69.1H633.3V80L12 81z', 'M150.6 273.7v5.9')
    """
    parts: list[str] = []
    before = ""
    at = start = 0, 0
    for command, numbers in _COMMAND.findall(path):
        to = [round(100 * float(number)) for number in numbers.split()]
        if command == "z":
            parts, before, at = [*parts, command], command, start
            continue
        x, y = to[-2:]
        apart = [value - at[index % 2] for index, value in enumerate(to)]
        if command == "L" and (x == at[0] or y == at[1]):
            command, to, apart = ("V", to[1:], apart[1:]) if x == at[0] else ("H", to[:1], apart[:1])
        letter, text = command, _joined(to)
        other, short = command.lower(), _joined(apart)
        if len(short) + (other != before) < len(text) + (letter != before):
            letter, text = other, short
        repeated = letter == before and letter not in "Mm"
        parts.append((" " if text[0] != "-" else "") + text if repeated else letter + text)
        at, before = (x, y), letter
        start = at if command == "M" else start
    return "".join(parts)


def _joined(hundredths: Iterable[int]) -> str:
    """Coordinates in the fewest letters.

    >>> _joined([26200, -30, 50, 0])
    '262-.3 .5 0'
    """
    return " ".join(map(_short, hundredths)).replace(" -", "-")


@lru_cache(maxsize=65536)
def _short(hundredths: int) -> str:
    text = f"{hundredths / 100:.2f}".rstrip("0").rstrip(".")
    return text.replace("0.", ".", 1) if abs(hundredths) < 100 else text


def _accessible(svg: str, title: str, description: str) -> str:
    """Title and description that screen readers announce, and the style sheet of the figure.

    What an element is styled by becomes a class, whose name no other figure of a page has.
    """
    key = hashlib.sha256(f"{title}\n{description}\n{svg}".encode()).hexdigest()[:10]
    opening, rest = svg.split(">", 1)
    head = (
        f'<svg role="graphics-document" class="trialpool-figure"'
        f' aria-labelledby="title-{key}" aria-describedby="description-{key}"'
    )
    words = f'\n <title id="title-{key}">{html.escape(title, quote=False)}</title>'
    words += f'\n <desc id="description-{key}">{html.escape(description, quote=False)}</desc>\n'
    styles = dict.fromkeys(_STYLE.findall(rest))
    classes = {said: f"k{key[:4]}{number}" for number, said in enumerate(styles)}
    rest = _STYLE.sub(lambda found: f'class="{classes[found.group(1)]}"', rest)
    rest = _ALIKE.sub(_said_once, rest)
    return f"{opening.replace('<svg', head, 1)}>{words}{_style_sheet(classes)}{rest}"


def _said_once(marks: re.Match[str]) -> str:
    """Marks of one kind in a row, their style with all of them."""
    style = marks.group(2)
    return f"<g{style}>\n{marks.group().replace(style, '')}</g>\n"


def _style_sheet(classes: Mapping[str, str]) -> str:
    """The style element: fonts, line ends, each class, and for dark screens the twins of its colours."""
    light, dark = "", ""
    for said, name in classes.items():
        parts = [part.split(": ") for part in said.split("; ")]
        twins = ";".join(f"{kind}:{style.DARK[value]}" for kind, value in parts if value in style.DARK)
        light += f".{name}{{{said.replace(': ', ':').replace('; ', ';')}}}"
        dark += f".{name}{{{twins}}}" if twins else ""
    common = f".trialpool-figure text{{font-family:{FONTS}}}"
    common += ".trialpool-figure *{stroke-linejoin:round;stroke-linecap:butt}"
    return f"<style>{common}{light}@media screen and (prefers-color-scheme:dark){{{dark}}}</style>"
