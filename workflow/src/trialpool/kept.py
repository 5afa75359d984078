"""What an earlier run made, put back where the same code would make it again of the same.

In: what is made of what, and how. Out: files. Snakemake runs a job whole, also where only one of the analyses
or figures that it makes has changed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from trialpool import io

RECEIPT = ".made-of"


class Kept:
    """A folder of lots of files, each with a receipt: of what it was made, and what its files hold.

    `versions` stand for what all lots depend on, such as the code. A lot is used only if its receipt is right
    to the byte, so one that was cut short, changed or made of something else is made again.
    """

    def __init__(self, folder: str | Path, *versions: str) -> None:
        self.folder, self.versions = Path(folder), versions

    def lot(self, name: str, made_of: object, make: Callable[[Path], object]) -> dict[str, Path]:
        """The files that `make` writes into the folder given to it, by name, made again only if need be.

        `made_of` is all that they depend on besides the versions; its `repr` must say the whole of it.
        """
        folder, key = self.folder / name, f"{io.fingerprint(self.versions)} {io.fingerprint(made_of)}"
        if _key(folder) != key:
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            io.write_text(folder / RECEIPT, _receipt(folder, key))
        return {file.name: file for file in _files(folder)}

    def earlier(self, name: str) -> dict[str, Path]:
        """The files of a lot as the same versions made them, of whatever; none where they are not whole."""
        folder = self.folder / name
        whole = _key(folder).startswith(f"{io.fingerprint(self.versions)} ")
        return {file.name: file for file in _files(folder)} if whole else {}


def put(lot: Mapping[str, Path], folder: str | Path) -> None:
    """Put a lot's files into a folder, whole or not at all each.

    As another name of the same file where there is none yet and the file system can: most results are put
    back, and to copy them took longer than all else. Who changes one by hand changes the lot's receipt.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, file in lot.items():
        try:
            os.link(file, Path(folder, name))
            os.utime(file)  # the result of this run
        except OSError:
            io.write_bytes(Path(folder, name), file.read_bytes())


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.name != RECEIPT)


def _key(folder: Path) -> str:
    """Of what a lot was made; "" where its files are not those of its receipt."""
    receipt = folder / RECEIPT
    written = receipt.read_text(encoding="utf-8") if receipt.is_file() else ""
    key = written.partition("\n")[0]
    return key if written and written == _receipt(folder, key) else ""


def _receipt(folder: Path, key: str) -> str:
    return "".join([f"{key}\n", *(f"{io.sha256(file)}  {file.name}\n" for file in _files(folder))])
