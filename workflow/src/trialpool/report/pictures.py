"""Where two pictures of a figure differ: how many pixels, in which box, and side by side as a third picture.

numpy and Pillow are imported where they are needed: comparing tables should not wait for them.
"""

from __future__ import annotations

import io as streams
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trialpool.io import write_bytes

CHANGED = (220, 0, 0)
GAP = 12  # pixels between old, new and difference


def picture_difference(old: bytes, new: bytes) -> str:
    """How two PNG files differ, in words; what cannot be read as a picture is said to be so.

    >>> picture_difference(b"no picture", b"nor this")
    'not readable as a picture'
    """
    from PIL import UnidentifiedImageError

    try:
        before, after = _pixels(old), _pixels(new)
    except (UnidentifiedImageError, OSError):
        return "not readable as a picture"
    if before.shape != after.shape:
        return f"size {before.shape[1]}×{before.shape[0]} → {after.shape[1]}×{after.shape[0]} pixels"
    changed = _changed(before, after)
    count = int(changed.sum())
    if not count:
        return "the same pixels, written differently"
    rows, columns = changed.any(axis=1).nonzero()[0], changed.any(axis=0).nonzero()[0]
    box = f"columns {columns[0]} to {columns[-1]}, rows {rows[0]} to {rows[-1]}"
    return f"{count} of {changed.size} pixels differ ({100 * count / changed.size:.2g}%), within {box}"


def write_pictures(old: Mapping[str, bytes], new: Mapping[str, bytes], folder: str | Path) -> list[Path]:
    """Write old, new and difference of every PNG that differs, side by side; return the paths.

    A file is named like the figure, its folders joined by hyphens; unreadable pictures are left out.
    """
    from PIL import UnidentifiedImageError

    written = []
    for name in sorted(old.keys() & new.keys()):
        if not name.endswith(".png") or old[name] == new[name]:
            continue
        try:
            picture = side_by_side(old[name], new[name])
        except (UnidentifiedImageError, OSError):
            continue
        path = Path(folder) / name.replace("/", "-")
        write_bytes(path, picture)
        written.append(path)
    return written


def side_by_side(old: bytes, new: bytes) -> bytes:
    """A PNG: the old picture, the new one, and the new one in grey with every differing pixel in red.

    Pictures of different size are compared on the larger canvas.
    """
    import numpy as np
    from PIL import Image

    before, after = _pixels(old), _pixels(new)
    height, width = np.maximum(before.shape[:2], after.shape[:2])
    canvas = np.full((2, height, width, 4), 255, dtype=np.uint8)
    for layer, picture in zip(canvas, (before, after), strict=True):
        layer[: picture.shape[0], : picture.shape[1]] = picture
    shade = 128 + canvas[1, ..., :3].mean(axis=-1, keepdims=True) / 2
    shown = np.repeat(shade, 3, axis=-1).astype(np.uint8)
    shown[_changed(*canvas)] = CHANGED
    gap = np.full((height, GAP, 3), 90, dtype=np.uint8)
    whole = np.concatenate([canvas[0, ..., :3], gap, canvas[1, ..., :3], gap, shown], axis=1)
    buffer = streams.BytesIO()
    Image.fromarray(whole).save(buffer, format="PNG")
    return buffer.getvalue()


def _pixels(content: bytes) -> Any:
    import numpy as np
    from PIL import Image

    with Image.open(streams.BytesIO(content), formats=["PNG"]) as picture:
        return np.asarray(picture.convert("RGBA"))


def _changed(before: Any, after: Any) -> Any:
    return (before != after).any(axis=-1)
