"""A RevMan 5 file (.rm5) in, the review that it holds out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from xml.etree.ElementTree import Element, ParseError

from trialpool.errors import Fault, InputError
from trialpool.exchange.revman_review import REVMAN, Datum, Judgement, Outcome, Review, Study, doi_in, joined

KINDS = ("DICH", "CONT", "IV", "IPD", "OTHER")
INCLUDED = ".//INCLUDED_STUDIES/STUDY"
ASIDES = frozenset({"FOOTNOTE", "FOOTNOTES", "MARKER"})
BLOCKS = frozenset({"P", "BR", "LI", "OL", "UL", "HEADING", "SUBSECTION", "TR", "TD", "TH"})


def read_rm5(path: str | Path, source_url: str = "") -> Review:
    """Read a .rm5 file. Raises InputError where it is no RevMan review, naming the line if it is broken XML.

    Entities that expand and external references are refused, whatever the file promises.
    """
    path = Path(path)
    text, remarks = decode_xml(path.read_bytes())
    root = _parse(text, path)
    if root.tag != "COCHRANE_REVIEW":
        problem = f"the file is not a RevMan 5 review (its root is <{root.tag[:40]}>)"
        raise InputError([Fault(str(path), None, "", "", problem, "export the review as .rm5 from RevMan 5")])
    outcomes = tuple(_read_outcomes(root))
    remarks += [] if outcomes else ["The review holds no outcome with data."]
    doi = doi_in(root.get("DOI", ""))
    return Review(
        source=f"RevMan file {path.name}",
        outcomes=outcomes,
        studies=tuple(_read_study(study, root) for study in root.iterfind(INCLUDED)),
        judgements=tuple(_read_judgements(root, remarks)),
        title=text_of(root.find("COVER_SHEET/TITLE")),
        url=source_url or (f"https://doi.org/{doi}" if doi else ""),
        doi=doi,
        remarks=remarks,
    )


def decode_xml(content: bytes) -> tuple[str, list[str]]:
    """The text of an XML file, in the encoding that it really has, with a remark where it declares another.

    RevMan declares ISO-8859-1; editors and web exports save such files as UTF-8 or Windows-1252 without
    changing the declaration. Non-ASCII bytes that form valid UTF-8 are UTF-8; else bytes 0x80 to 0x9f,
    which are control characters in ISO-8859-1, mean Windows-1252.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace"), []
    declared = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding=[\"']([\w.-]+)", content)
    name = declared[1].decode().upper() if declared else "UTF-8"
    for encoding, honest in (
        ("utf-8-sig", {"UTF-8", "UTF8"} | ({name} if content.isascii() else set())),
        ("cp1252", {"ISO-8859-1", "LATIN1", "LATIN-1", "WINDOWS-1252", "CP1252"}),
    ):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if name in honest:
            return text, []
        real = "is UTF-8; read as UTF-8" if encoding == "utf-8-sig" else "is not; read as Windows-1252"
        return text, [f"The file declares {name} but {real}."]
    return content.decode("latin-1"), []


def _parse(text: str, path: Path) -> Element:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    line = None
    try:
        return cast(Element, fromstring(text, forbid_dtd=False))
    except ParseError as error:
        line, problem = error.position[0], f"the file is not well-formed XML ({str(error).split(':')[0]})"
    except DefusedXmlException as error:
        problem = f"the file uses XML entities, which are not accepted ({type(error).__name__})"
    raise InputError([Fault(str(path), line, "", "", problem, "export it anew from RevMan")])


def text_of(element: Element | None) -> str:
    """The text inside an element on one line, without the footnotes that RevMan sets inside it.

    >>> from xml.etree.ElementTree import fromstring
    >>> text_of(fromstring("<NAME>Pain <I>at rest</I><FOOTNOTE>on VAS</FOOTNOTE>, week 4</NAME>"))
    'Pain at rest, week 4'
    """
    return "" if element is None else " ".join("".join(_pieces(element)).split())


def _pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag not in ASIDES:
            yield from _pieces(child)
        yield " " if child.tag in BLOCKS else ""
        yield child.tail or ""


def _footnotes(element: Element) -> str:
    """The footnotes of an element itself and of its labels, not of the data below it."""
    labels = [each for tag in ("NAME", "GROUP_LABEL_1", "GROUP_LABEL_2") for each in element.iterfind(tag)]
    notes = [*element.iterfind("FOOTNOTE"), *(note for label in labels for note in label.iter("FOOTNOTE"))]
    return joined(*map(text_of, notes))


def _read_outcomes(root: Element) -> Iterator[Outcome]:
    for comparison in root.iter("COMPARISON"):
        for element in comparison:
            kind = element.tag.removesuffix("_OUTCOME")
            if kind == element.tag or kind not in KINDS:
                continue
            parts = element.findall(f"{kind}_SUBGROUP")
            yield Outcome(
                kind=kind,
                number=f"{comparison.get('NO', '?')}.{element.get('NO', '?')}",
                measure=element.get("EFFECT_MEASURE", "") or text_of(element.find("EFFECT_MEASURE")),
                comparison=text_of(comparison.find("NAME")),
                name=text_of(element.find("NAME")),
                groups=(text_of(element.find("GROUP_LABEL_1")), text_of(element.find("GROUP_LABEL_2"))),
                values=dict(element.attrib),
                footnote=_footnotes(element),
                data=tuple(_read_data(element, kind)),
                subgroups={text_of(part.find("NAME")): dict(part.attrib) for part in parts},
                favours=(text_of(element.find("GRAPH_LABEL_1")), text_of(element.find("GRAPH_LABEL_2"))),
            )


def _read_data(outcome: Element, kind: str) -> Iterator[Datum]:
    """The data of an outcome in the file's order, those of its subgroups included."""
    for child in outcome:
        inside = child.tag == f"{kind}_SUBGROUP"
        subgroup, shared = (text_of(child.find("NAME")), _footnotes(child)) if inside else ("", "")
        for datum in child if inside else [child]:
            if datum.tag == f"{kind}_DATA":
                notes = joined(_footnotes(datum), shared)
                yield Datum(datum.get("STUDY_ID", ""), dict(datum.attrib), subgroup, notes)


def _study_name(study: Element) -> str:
    """A study's name, or its id: RevMan writes signs there as _x002d_; `STD-` stands in front."""
    key = re.sub(r"_x([0-9a-fA-F]{4})_", lambda found: chr(int(found[1], 16)), study.get("ID", ""))
    return study.get("NAME", "") or key.removeprefix("STD-").replace("-", " ")


def _read_study(study: Element, root: Element) -> Study:
    described = root.iter("INCLUDED_CHAR")
    chars = (char for char in described if char.get("STUDY_ID") == study.get("ID", ""))
    char = next(chars, Element("INCLUDED_CHAR"))
    references = study.findall("REFERENCE")
    primary = [entry for entry in references if entry.get("PRIMARY") == "YES"] or references
    marks = [mark for entry in [study, *primary] for mark in entry.iterfind("IDENTIFIERS/IDENTIFIER")]
    dois = (mark.get("VALUE", "") for mark in marks if mark.get("TYPE", "").upper() == "DOI")
    return Study(
        key=study.get("ID", ""),
        name=_study_name(study),
        year=study.get("YEAR", ""),
        journal=text_of(primary[0].find("SO")) if primary else "",
        doi=doi_in(next(dois, "")),
        population=text_of(char.find("CHAR_PARTICIPANTS")),
        notes=text_of(char.find("CHAR_NOTES")),
    )


def _read_judgements(root: Element, remarks: list[str]) -> Iterator[Judgement]:
    """Judgements; an unknown without a word of reason is RevMan's default for "not judged" and left out."""
    silent = 0
    items = [(text_of(item.find("NAME")), item) for item in root.iter("QUALITY_ITEM")]
    for name, entry in ((name, e) for name, item in items for e in item.iter("QUALITY_ITEM_DATA_ENTRY")):
        judgement = REVMAN["judgements"].get(entry.get("RESULT", "").casefold())
        reason = text_of(entry.find("DESCRIPTION"))
        if judgement == "unclear" and not reason:
            silent += 1
        elif judgement:
            yield Judgement(entry.get("STUDY_ID", ""), name, judgement, reason)
    if silent:
        remarks.append(f"{silent} judgements stand at RevMan's default, without any reason: not imported.")
