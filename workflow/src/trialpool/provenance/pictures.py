"""Two PNG pictures in; out, where they differ: how many pixels, in which box, and a third picture of both.

Pillow is imported where it is needed: comparing tables should not wait for it.
"""

from __future__ import annotations

import io as streams
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trialpool.io import write_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

CHANGED, BACKGROUND = (220, 0, 0), (90, 90, 90)
GAP = 12  # pixels between old, new and difference


def picture_difference(old: bytes, new: bytes) -> str:
    """How two PNG files differ, in words; what cannot be read as a picture is said to be so.

    >>> picture_difference(b"no picture", b"nor this")
    'not readable as a picture'
    """
    try:
        before, after = _read(old), _read(new)
    except OSError:  # Pillow's error for what is no picture is one
        return "not readable as a picture"
    if before.size != after.size:
        return "size {}×{} → {}×{} pixels".format(*before.size, *after.size)
    changed = _changed(before, after)
    box = changed.getbbox()
    if not box:
        return "the same pixels, written differently"
    total = changed.width * changed.height
    count = total - changed.histogram()[0]
    where = f"columns {box[0]} to {box[2] - 1}, rows {box[1]} to {box[3] - 1}"
    return f"{count} of {total} pixels differ ({100 * count / total:.2g}%), within {where}"


def write_pictures(old: Mapping[str, bytes], new: Mapping[str, bytes], folder: str | Path) -> list[Path]:
    """Write old, new and difference of every PNG that differs, side by side; return the paths.

    A file is named like the figure, its folders joined by hyphens; unreadable pictures are left out.
    """
    written = []
    for name in sorted(old.keys() & new.keys()):
        if name.endswith(".png") and old[name] != new[name]:
            try:
                picture = side_by_side(old[name], new[name])
            except OSError:
                continue
            path = Path(folder) / name.replace("/", "-")
            write_bytes(path, picture)
            written.append(path)
    return written


def side_by_side(old: bytes, new: bytes) -> bytes:
    """A PNG: the old picture, the new one, and the new one in grey with every differing pixel in red.

    Pictures of different size are compared on the larger canvas.
    """
    from PIL import Image

    before, after = _read(old), _read(new)
    width, height = max(before.width, after.width), max(before.height, after.height)
    canvas = [Image.new("RGBA", (width, height), "white") for _ in range(2)]
    for layer, picture in zip(canvas, (before, after), strict=True):
        layer.paste(picture)
    shown = canvas[1].convert("RGB").convert("L").point(lambda value: 128 + value // 2).convert("RGB")
    shown.paste(CHANGED, mask=_changed(canvas[0], canvas[1]))
    whole = Image.new("RGB", (3 * width + 2 * GAP, height), BACKGROUND)
    for number, layer in enumerate([*canvas, shown]):
        whole.paste(layer.convert("RGB"), (number * (width + GAP), 0))
    buffer = streams.BytesIO()
    whole.save(buffer, format="PNG")
    return buffer.getvalue()


def _read(content: bytes) -> Image:
    from PIL import Image

    with Image.open(streams.BytesIO(content), formats=["PNG"]) as picture:
        return picture.convert("RGBA")


def _changed(before: Image, after: Image) -> Image:
    """A mask: 255 where any channel of a pixel differs, 0 where none does."""
    from functools import reduce

    from PIL import ImageChops

    channels = ImageChops.difference(before, after).split()
    return reduce(ImageChops.lighter, channels).point(lambda value: 255 if value else 0)
