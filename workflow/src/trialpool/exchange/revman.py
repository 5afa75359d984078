"""Read a RevMan 5 review (.rm5): studies, outcomes, subgroups, data and stored totals, as plain records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from trialpool.errors import Fault, InputError

KINDS = ("DICH", "CONT", "IV", "IPD", "OTHER")
ASIDES = frozenset({"FOOTNOTE", "FOOTNOTES", "MARKER"})
BLOCKS = frozenset({"P", "BR", "LI", "OL", "UL", "HEADING", "SUBSECTION", "TR", "TD", "TH"})


@dataclass(frozen=True, slots=True)
class Study:
    """One included study: RevMan's id, its name and year, facts of its primary reference, its notes."""

    key: str
    name: str
    year: str
    journal: str
    doi: str
    participants: str
    notes: str


@dataclass(frozen=True, slots=True)
class Datum:
    """The data of one study in one outcome: its XML attributes, the subgroup it stands in, its footnotes."""

    study: str
    values: Mapping[str, str]
    subgroup: str
    footnote: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of a comparison; `kind` is DICH, CONT, IV, IPD or OTHER, `values` its attributes.

    `subgroups` maps the names of its subgroups to their attributes, which hold their own totals.
    """

    kind: str
    number: str
    comparison: str
    name: str
    measure: str
    groups: tuple[str, str]
    graph_labels: tuple[str, str]
    values: Mapping[str, str]
    footnote: str
    data: tuple[Datum, ...]
    subgroups: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judgement on the risk of bias of a study."""

    study: str
    domain: str
    result: str
    description: str


@dataclass(frozen=True, slots=True)
class Review:
    """A review file, read."""

    title: str
    doi: str
    studies: tuple[Study, ...]
    outcomes: tuple[Outcome, ...]
    judgements: tuple[Judgement, ...]
    remarks: tuple[str, ...]


def read_review(path: str | Path) -> Review:
    """Read a .rm5 file. Raises InputError where it is no RevMan review, naming the line if it is broken XML.

    Entities that expand and external references are refused, whatever the file promises.

    >>> read_review("review.rm5")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'review.rm5'
    """
    path = Path(path)
    text, remarks = decode_xml(path.read_bytes())
    root = _parse(text, path)
    if root.tag != "COCHRANE_REVIEW":
        problem = f"the file is not a RevMan 5 review (its root is <{root.tag[:40]}>)"
        raise InputError([Fault(str(path), None, "", "", problem, "export the review as .rm5 from RevMan 5")])
    outcomes = tuple(_outcomes(root))
    if not outcomes:
        remarks = (*remarks, "The review holds no outcome with data.")
    return Review(
        title=text_of(root.find("COVER_SHEET/TITLE")),
        doi=root.get("DOI", "").strip(),
        studies=tuple(_studies(root)),
        outcomes=outcomes,
        judgements=tuple(_judgements(root)),
        remarks=remarks,
    )


def decode_xml(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of an XML file, in the encoding that it really has, with a remark where it declares another.

    RevMan declares ISO-8859-1; editors and web exports save such files as UTF-8 or Windows-1252 without
    changing the declaration. Non-ASCII bytes that form valid UTF-8 are UTF-8; else bytes 0x80 to 0x9f,
    which are control characters in ISO-8859-1, mean Windows-1252.

    >>> decode_xml(b'<?xml version="1.0" encoding="ISO-8859-1"?><a>M\\xfcller</a>')[0][-13:]
    '<a>Müller</a>'
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace"), ()
    declared = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding=[\"']([\w.-]+)", content)
    name = declared[1].decode().upper() if declared else "UTF-8"
    try:
        text = content.decode("utf-8-sig")
        honest = name in ("UTF-8", "UTF8") or content.isascii()
        return text, () if honest else (f"The file declares {name} but is UTF-8; read as UTF-8.",)
    except UnicodeDecodeError:
        pass
    honest = name in ("ISO-8859-1", "LATIN1", "LATIN-1", "WINDOWS-1252", "CP1252")
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text, () if honest else (f"The file declares {name} but is not; read as Windows-1252.",)


def _parse(text: str, path: Path) -> Element:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(text, forbid_dtd=False)
    except ParseError as error:
        line = error.position[0]
        problem = f"the file is not well-formed XML ({str(error).split(':')[0]})"
        raise InputError([Fault(str(path), line, "", "", problem, "export it anew from RevMan")]) from None
    except DefusedXmlException as error:
        problem = f"the file uses XML entities, which are not accepted ({type(error).__name__})"
        raise InputError([Fault(str(path), None, "", "", problem, "export it anew from RevMan")]) from None
    return root


def text_of(element: Element | None) -> str:
    """The text inside an element on one line, without the footnotes that RevMan sets inside it.

    >>> from xml.etree.ElementTree import fromstring
    >>> text_of(fromstring("<NAME>Pain <I>at rest</I><FOOTNOTE>on VAS</FOOTNOTE>, week 4</NAME>"))
    'Pain at rest, week 4'
    """
    if element is None:
        return ""
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag not in ASIDES:
            yield from _pieces(child)
        if child.tag in BLOCKS:
            yield " "
        yield child.tail or ""


def footnotes_of(element: Element) -> str:
    """The footnotes of an element itself and of its labels, not of the data below it.

    >>> from xml.etree.ElementTree import fromstring
    >>> footnotes_of(fromstring("<DICH_DATA><FOOTNOTE>counts from percentages</FOOTNOTE></DICH_DATA>"))
    'counts from percentages'
    """
    found = list(element.iterfind("FOOTNOTE"))
    for tag in ("NAME", "GROUP_LABEL_1", "GROUP_LABEL_2"):
        for label in element.iterfind(tag):
            found += label.iter("FOOTNOTE")
    return "; ".join(text for text in (text_of(note) for note in found) if text)


def _studies(root: Element) -> Iterator[Study]:
    chars = {char.get("STUDY_ID", ""): char for char in root.iter("INCLUDED_CHAR")}
    for study in root.iterfind(".//INCLUDED_STUDIES/STUDY"):
        key = study.get("ID", "")
        char = chars.get(key)
        references = study.findall("REFERENCE")
        primary = [entry for entry in references if entry.get("PRIMARY") == "YES"] or references
        marks = [mark for entry in [study, *primary] for mark in entry.iterfind("IDENTIFIERS/IDENTIFIER")]
        doi = next((mark.get("VALUE", "") for mark in marks if mark.get("TYPE", "").upper() == "DOI"), "")
        yield Study(
            key=key,
            name=study.get("NAME", "") or _unescaped(key),
            year=study.get("YEAR", ""),
            journal=text_of(primary[0].find("SO")) if primary else "",
            doi=doi.strip(),
            participants=text_of(char.find("CHAR_PARTICIPANTS")) if char is not None else "",
            notes=text_of(char.find("CHAR_NOTES")) if char is not None else "",
        )


def _unescaped(key: str) -> str:
    """RevMan writes signs of an id as _x002d_; `STD-` stands in front."""
    text = re.sub(r"_x([0-9a-fA-F]{4})_", lambda found: chr(int(found[1], 16)), key)
    return text.removeprefix("STD-").replace("-", " ")


def _outcomes(root: Element) -> Iterator[Outcome]:
    for comparison in root.iter("COMPARISON"):
        title = text_of(comparison.find("NAME"))
        for element in comparison:
            kind = element.tag.removesuffix("_OUTCOME")
            if element.tag.endswith("_OUTCOME") and kind in KINDS:
                yield Outcome(
                    kind=kind,
                    number=f"{comparison.get('NO', '?')}.{element.get('NO', '?')}",
                    comparison=title,
                    name=text_of(element.find("NAME")),
                    measure=element.get("EFFECT_MEASURE", "") or text_of(element.find("EFFECT_MEASURE")),
                    groups=_pair(element, "GROUP_LABEL"),
                    graph_labels=_pair(element, "GRAPH_LABEL"),
                    values=dict(element.attrib),
                    footnote=footnotes_of(element),
                    data=tuple(_data(element, kind)),
                    subgroups={
                        text_of(part.find("NAME")): dict(part.attrib)
                        for part in element.iterfind(f"{kind}_SUBGROUP")
                    },
                )


def _pair(element: Element, tag: str) -> tuple[str, str]:
    return text_of(element.find(f"{tag}_1")), text_of(element.find(f"{tag}_2"))


def _data(outcome: Element, kind: str) -> Iterator[Datum]:
    """The data of an outcome in the file's order, those of its subgroups included."""
    for child in outcome:
        inside = child if child.tag == f"{kind}_SUBGROUP" else None
        subgroup = text_of(child.find("NAME")) if inside is not None else ""
        shared = footnotes_of(child) if inside is not None else ""
        for datum in child.iterfind(f"{kind}_DATA") if inside is not None else [child]:
            if datum.tag == f"{kind}_DATA":
                notes = "; ".join(note for note in (footnotes_of(datum), shared) if note)
                yield Datum(datum.get("STUDY_ID", ""), dict(datum.attrib), subgroup, notes)


def _judgements(root: Element) -> Iterator[Judgement]:
    for item in root.iter("QUALITY_ITEM"):
        domain = text_of(item.find("NAME"))
        for entry in item.iter("QUALITY_ITEM_DATA_ENTRY"):
            study, result = entry.get("STUDY_ID", ""), entry.get("RESULT", "")
            if study and result:
                yield Judgement(study, domain, result, text_of(entry.find("DESCRIPTION")))
