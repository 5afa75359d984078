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
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from trialpool.figures import style
from trialpool.io import FORMATS, write_bytes
from trialpool.text import clean

PNG_DPI = 100  # for a page of its width; print takes the PDF
PNG_DPI_BESIDE = 84  # of figures that stand beside the forest plot
PNG_COLOURS = 32
FONTS = f"'{style.FONT}', Verdana, Arial, Helvetica, sans-serif"
_PROLOGUE = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_DEFAULTS = re.compile(r"\s*<defs>\s*<style[^>]*>[^<]*</style>\s*</defs>")
_IDENTITY = re.compile(r'<g id="[^"]*"')
_UNTURNED = re.compile(r' transform="rotate\(-?0 [^"]*\)"')
_FAMILY = re.compile(r" font-family: [^;\"]*;")
_LENGTHS = re.compile(r'(?<= )(d|x|y|width|height)="[^"]*"')
_DECIMALS = re.compile(r"(\.\d\d)\d+")
_LONE_GROUP = re.compile(r"<g>\s*(<(?:path|use)\b[^>]*/>|<text\b[^>]*>[^<]*</text>)\s*</g>")


def save_figure(
    figure: Figure,
    stem: str | Path,
    *,
    description: str,
    dpi: float = PNG_DPI,
    formats: Sequence[str] = FORMATS,
) -> list[Path]:
    """Write `stem`.svg, .pdf and .png (whole or not at all each) and return their paths.

    `description` is the text alternative; what stands before its first ". " becomes the title. The bytes
    depend on the figure and the description alone: no date, no program name, no random id.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.suffix for path in save_figure(Figure(), f"{folder}/plot", description="Pain. Two trials")]
    ['.svg', '.pdf', '.png']
    """
    description = clean(description)
    title = description.split(". ")[0].rstrip(".")
    with matplotlib.rc_context(style.STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        writers: dict[str, Callable[[], bytes]] = {
            ".svg": lambda: _svg(figure, title, description),
            ".pdf": lambda: _pdf(figure, title),
            ".png": lambda: _png(figure, dpi),
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
    buffer = io.BytesIO()
    metadata = {"Title": title, "CreationDate": None, "Creator": None, "Producer": None}
    FigureCanvasPdf(figure).print_pdf(buffer, metadata=metadata)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _png(figure: Figure, dpi: float) -> bytes:
    """The figure as PNG with a palette, the paper exactly white."""
    usual = figure.dpi
    figure.dpi = dpi
    try:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # type: ignore[no-untyped-call]
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")  # type: ignore[no-untyped-call]
    finally:
        figure.dpi = usual
    image = image.quantize(PNG_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    image.putpalette([255 if level >= 253 else level for level in image.getpalette() or []])
    buffer = io.BytesIO()
    # Filtered at level 6 takes a sixth of the time of level 9 for 3 % more bytes.
    image.save(buffer, "png", compress_level=6, compress_type=zlib.Z_FILTERED, dpi=(dpi, dpi))
    return buffer.getvalue()


def _svg(figure: Figure, title: str, description: str) -> bytes:
    """The figure as SVG: no prologue, no date, no ids but those of its title and description."""
    buffer, metadata = io.StringIO(), {"Date": None, "Creator": None}
    FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)  # type: ignore[no-untyped-call]
    return _accessible(_compact(buffer.getvalue()), title, description).encode("utf-8")


def _compact(text: str) -> str:
    """The SVG without what says nothing: prologue, metadata, ids, repeated fonts, far decimals."""
    text = _METADATA.sub("", _PROLOGUE.sub("", text, count=1), count=1)
    text = _DEFAULTS.sub("", text, count=1)
    text = _UNTURNED.sub("", _FAMILY.sub("", _IDENTITY.sub("<g", text)))
    text = _LENGTHS.sub(lambda length: " ".join(_DECIMALS.sub(r"\1", length.group()).split()), text)
    return _LONE_GROUP.sub(r"\1", text)


def _accessible(svg: str, title: str, description: str) -> str:
    """Title and description that screen readers announce, and the style sheet of the figure."""
    key = hashlib.sha256(f"{title}\n{description}\n{svg}".encode()).hexdigest()[:10]
    opening, rest = svg.split(">", 1)
    head = (
        f'<svg role="graphics-document" class="trialpool-figure"'
        f' aria-labelledby="title-{key}" aria-describedby="description-{key}"'
    )
    words = f'\n <title id="title-{key}">{html.escape(title, quote=False)}</title>'
    words += f'\n <desc id="description-{key}">{html.escape(description, quote=False)}</desc>\n'
    return f"{opening.replace('<svg', head, 1)}>{words}{_style_sheet(svg)}{rest}"


def _style_sheet(svg: str) -> str:
    """The style element: fonts, line ends, and for dark screens the twin of every colour used."""
    dark = "".join(
        f'.trialpool-figure [style*="{kind}: {light}"]{{{kind}:{twin}!important}}'
        for light, twin in style.DARK.items()
        for kind in ("fill", "stroke")
        if f"{kind}: {light}" in svg
    )
    common = f".trialpool-figure text{{font-family:{FONTS}}}"
    common += ".trialpool-figure *{stroke-linejoin:round;stroke-linecap:butt}"
    return f" <style>{common}@media screen and (prefers-color-scheme:dark){{{dark}}}</style>"
