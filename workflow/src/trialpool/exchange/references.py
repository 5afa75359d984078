"""The trials of a review as references for Zotero, EndNote or LaTeX, and what the tables do not say of them.

Only what stands in the table of trials is written: nothing is looked up, nothing guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialpool import text as words
from trialpool.view.study import Trial

FIELDS = ("title", "author", "year", "journal", "doi")  # of a reference that a journal takes
COLUMNS = {"author": "first_author"}  # of the table of trials that are called otherwise
ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in "&%$#_{}"} | {"~": r"\~{}", "\\": r"\textbackslash{}"})
AND_OTHERS = " and others"  # what BibTeX prints as "et al."


def bibtex(trials: Iterable[Trial]) -> str:
    """The trials as BibTeX, an entry each, by their study_id; the table names first authors only.

    >>> print(bibtex([Trial({"study_id": "Lu2020", "first_author": "Lu", "year": 2020.0}, "Lu 2020")]))
    @misc{Lu2020,
      author = {Lu and others},
      year = {2020},
    }
    """
    return "\n\n".join(map(_entry, trials))


def _entry(trial: Trial) -> str:
    facts = trial.facts
    journal, identifiers = (
        _said(facts, "journal"),
        {key: _said(facts, key) for key in ("doi", "pmid", "pmcid")},
    )
    authors, others = _authors(facts)
    fields = {
        "author": " and ".join(map(_comma, authors)).translate(ESCAPES) + (AND_OTHERS if others else ""),
        "title": f"{{{_said(facts, 'title').translate(ESCAPES)}}}" if _said(facts, "title") else "",
        "journal": journal.translate(ESCAPES),
        "year": _said(facts, "year"),
        **identifiers,
        "url": words.url(facts.get("source_url")),
        "note": _note(facts).translate(ESCAPES),
    }
    kind = "article" if journal and facts.get("source_type") != "registry" else "misc"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key_of(trial)},", *lines, "}"])


def key_of(trial: Trial) -> str:
    """The key of a reference: the study_id without what BibTeX does not take."""
    return re.sub(r"[^A-Za-z0-9:._+-]", "", trial.study_id) or "trial"


def ris(trials: Iterable[Trial]) -> str:
    """The trials as RIS.

    >>> print(ris([Trial({"study_id": "Lu2020", "first_author": "Lu", "year": 2020.0}, "Lu 2020")]))
    TY  - GEN
    ID  - Lu2020
    AU  - Lu
    PY  - 2020
    ER  -
    """
    return "\n\n".join(map(_record, trials))


def _record(trial: Trial) -> str:
    facts, journal = trial.facts, _said(trial.facts, "journal")
    kind = "JOUR" if journal and facts.get("source_type") != "registry" else "GEN"
    tags = [
        ("TY", kind),
        ("ID", key_of(trial)),
        *(("AU", _comma(author)) for author in _authors(facts)[0]),
        ("TI", _said(facts, "title")),
    ]
    tags += [("JO", journal), ("PY", _said(facts, "year")), ("DO", _said(facts, "doi"))]
    tags += [("AN", _said(facts, "pmid")), ("UR", words.url(facts.get("source_url"))), ("N1", _note(facts))]
    return "\n".join([*(f"{tag}  - {value}" for tag, value in tags if value), "ER  - "]).rstrip(" ")


def reference(trial: Trial) -> str:
    """A trial as a line of a list of references, of what the table says."""
    facts = trial.facts
    author, others = _said(facts, "author"), _authors(facts)[1]
    named = f"{author}, et al." if others else f"{author or trial.label}."
    where = " ".join(filter(None, (_said(facts, "journal"), _said(facts, "year"))))
    identifiers = [said for said, _ in trial.links][:1] or [words.url(facts.get("source_url"))]
    parts = [named, _said(facts, "title"), where, _said(facts, "registration"), *identifiers]
    return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)


def lacking(trials: Sequence[Trial]) -> dict[str, list[str]]:
    """What references lack that a journal asks for, with the labels of the trials."""
    found = {name: [trial.label for trial in trials if not _said(trial.facts, name)] for name in FIELDS}
    return {name: labels for name, labels in found.items() if labels}


def _said(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(COLUMNS.get(name, name))
    if words.absent(value) or value is None:
        return ""
    return words.clean(value) if isinstance(value, str) else words.plain_number(value)


def _authors(facts: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The authors that the table names, and whether they are the first of others: not where it names two.

    >>> _authors({"first_author": "Hart & Sutherland"}), _authors({"first_author": "Lu"})
    ((['Hart', 'Sutherland'], False), (['Lu'], True))
    """
    authors = re.split(r" (?:&|and) ", _said(facts, "author"))
    return [author for author in authors if author], len(authors) == 1 and bool(authors[0])


def _comma(author: str) -> str:
    """A name as reference managers take it, initials behind a comma: "Deng XM" as "Deng, XM"."""
    name, _, initials = author.rpartition(" ")
    return f"{name}, {initials}" if name and initials.isupper() and len(initials) < 4 else author


def _note(facts: Mapping[str, Any]) -> str:
    registered = _said(facts, "registration")
    source = {"registry": "results as posted in the registry", "review": "known from a secondary source"}
    said = source.get(str(facts.get("source_type") or ""), "")
    return "; ".join(filter(None, (registered and f"registered as {registered}", said)))
