"""A finished review in, by its configuration or its results folder; its protocol and appraised records out.

Of a results folder alone treatments and outcomes are called by their codes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trialpool import io
from trialpool.errors import Fault, InputError, suggestion
from trialpool.protocol import Protocol, read_in_place
from trialpool.view.read import Appraised, read_records
from trialpool.vocabulary import Vocabulary, load_vocabulary


@dataclass(frozen=True, slots=True)
class Finished:
    """Where the results of a review lie; its protocol, and the folder in which the paths of that begin."""

    results: Path
    protocol: Protocol | None = None
    folder: Path = Path()

    @property
    def words(self) -> Vocabulary:
        """The words of the review, general ones where its protocol is not known."""
        return self.protocol.words if self.protocol else load_vocabulary(None)

    @property
    def head(self) -> dict[str, str]:
        """As `Protocol.head`, of which `title`, `authors` and `search_date` are always there."""
        unsaid = dict.fromkeys(("title", "authors", "search_date"), "")
        return unsaid | (self.protocol.head if self.protocol else {})

    def records(self, only: Sequence[str] = ()) -> list[Appraised]:
        """The appraised records in the protocol's order: those of the analyses named, all where none is.

        Raises InputError where there is no appraisal, or an analysis is not in it.
        """
        file = self.results / "appraisal.json"
        if not file.is_file():
            remedy = "name a configuration that has been run, or its results folder; trialpool run runs it"
            raise InputError([Fault(str(file), None, "", "", "the file does not exist", remedy)])
        appraisal = io.read_json(file)
        known = appraisal["analyses"]
        problem = "not an analysis of this review"
        unknown = [
            Fault(str(self.results), None, "", name, problem, suggestion(name, known))
            for name in only
            if name not in known
        ]
        if unknown:
            raise InputError(unknown)
        names = [name for name in known if not only or name in only]
        paths = [self.results / "analyses" / name / "result.json" for name in names]
        return read_records(paths, appraisal, self.words)


def read_finished(source: str | Path) -> Finished:
    """Find the results of a configuration, or take a results folder; whether they are whole is not asked.

    Raises InputError where the configuration has faults, or there is nothing of this name.
    """
    if Path(source).is_dir():
        return Finished(Path(source))
    protocol, folder = read_in_place(source)
    return Finished(Path(os.path.relpath(folder / protocol.results)), protocol, folder)


def record_files(results: str | Path) -> list[Path]:
    """The files of the records in a results folder, by name; raises InputError where there are none."""
    found = sorted(Path(results).glob("analyses/*/result.json"))
    if not found:
        problem = "the folder holds no analyses/*/result.json"
        remedy = "name the results folder, or the configuration, of a review that has been run"
        raise InputError([Fault(str(results), None, "", "", problem, remedy)])
    return found
