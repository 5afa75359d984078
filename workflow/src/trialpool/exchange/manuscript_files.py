"""The parts of a manuscript as files: one Word document, Markdown and LaTeX parts, figures at journal widths.

The same record gives the same bytes; a kit is written whole or not at all.
"""

from __future__ import annotations

import io as streams
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from trialpool import io
from trialpool.errors import Fault, InputError
from trialpool.exchange.manuscript import (
    Block,
    Heading,
    Items,
    Part,
    Picture,
    Review,
    Table,
    checklist_part,
    parts_of,
    read_review,
)
from trialpool.exchange.references import bibtex, ris
from trialpool.figures.forest import draw_forest
from trialpool.figures.forest_layout import for_journal, preset
from trialpool.figures.notes import describe
from trialpool.figures.save import save_figure

WIDTHS = {
    174: False,
    85: True,
}  # of figures in millimetres: over the page; one column of two, with fewer columns
FORMATS = (".svg", ".pdf", ".tiff")
MARK = "manuscript.docx"  # a folder that holds it is a kit
PRINT_DPI = 300  # of figures in the Word document
TEXT_WIDTH = 180.0  # of the document in millimetres
LETTER, LONGEST_WORD = (
    0.0085,
    14,
)  # share of that which a bold letter of a table takes; what is longer is broken
ABOUT = """# The manuscript of this review

| file | what it is |
|---|---|
| `manuscript.docx` | all of it as one Word document |
| `*.md` | the parts as Markdown |
| `manuscript.tex`, `*.tex` | the parts as LaTeX (LuaLaTeX or XeLaTeX) |
| `references.bib`, `references.ris` | the trials as references |
| `figures/` | forest plots of 174 and 85 mm, as SVG and PDF and as TIFF of 600 dots an inch |

Made from the results alone: no number stands here that they do not hold. "Still to be written", at the end
of the methods, and "What these references lack" name what is left to you.
"""


def export_manuscript(
    source: str | Path, out: str | Path, *, only: Sequence[str] = (), replace: bool = False
) -> list[str]:
    """Write the manuscript of a finished review into a new folder; returns the names of its files.

    `only` are the analyses that it is of; `replace` takes the place of an earlier kit. Raises InputError
    where the folder exists, where there are no results, and where none of them has a trial.
    """
    target = Path(out)
    if target.exists() and not (replace and (target / MARK).is_file()):
        remedy = "name a new folder, or say --replace to put the manuscript in the place of an earlier one"
        raise InputError([Fault(str(out), None, "", "", "it exists already", remedy)])
    review = read_review(source, only)
    if not review.trials:
        remedy = "a manuscript needs a result of a trial at least"
        raise InputError([Fault(str(source), None, "", "", "no question has a result", remedy)])
    new = target.with_name(f".{target.name}.new") if target.exists() else target
    with io.whole_folder(new) as folder:
        parts = [*parts_of(review), *([checklist_part(source)] if Path(source).is_file() else [])]
        _write(review, parts, folder)
    if new != target:
        shutil.rmtree(target)
        os.rename(new, target)
    return sorted(str(file.relative_to(target)) for file in target.rglob("*") if file.is_file())


def _write(review: Review, parts: Sequence[Part], folder: Path) -> None:
    pictures = [block for part in parts for block in part.blocks if isinstance(block, Picture)]
    (folder / "figures").mkdir()
    for picture in pictures:
        draw(picture, folder / "figures")
    for part in parts:
        io.write_text(folder / f"{part.name}.md", "\n".join(_markdown(part)))
        io.write_text(folder / f"{part.name}.tex", "\n".join(_latex(part)))
    io.write_text(folder / "manuscript.tex", _latex_main(review, parts))
    io.write_text(folder / "references.bib", bibtex(review.trials))
    io.write_text(folder / "references.ris", ris(review.trials))
    io.write_text(folder / "README.md", ABOUT)
    write_word(review, parts, folder / MARK)


def draw(picture: Picture, folder: Path) -> None:
    """Write the figures of an analysis at every width in every format."""
    for width, narrow in WIDTHS.items():
        figure = draw_forest(picture.record, for_journal(preset(picture.record.forest), narrow=narrow), width)
        told = describe("forest", picture.record)
        save_figure(figure, folder / f"{picture.name}-{width}mm", description=told, formats=FORMATS)


# Markdown


def _markdown(part: Part) -> Iterator[str]:
    yield f"# {part.title}"
    number = 0
    for block in part.blocks:
        number += isinstance(block, Table | Picture)
        yield ""
        yield from _markdown_block(block, number)


def _markdown_block(block: Block, number: int) -> Iterator[str]:
    if isinstance(block, str):
        yield block
    elif isinstance(block, Heading):
        yield f"{'#' * block.level} {block.text}"
    elif isinstance(block, Items):
        for at, text in enumerate(block.texts, 1):
            yield f"{at}. {text}" if block.numbered else f"- {text}"
    elif isinstance(block, Picture):
        yield f"![](figures/{block.name}-174mm.svg)"
        yield ""
        yield f"**Figure {number}.** {block.caption}"
    else:
        yield f"**Table {number}.** {block.caption}"
        yield ""
        for row in (block.head, ("---",) * len(block.head), *block.rows):
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
        yield from ("", block.note) if block.note else ()


# LaTeX

SIGNS = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{
        "τ": r"$\tau$",
        "²": r"\textsuperscript{2}",
        "−": r"$-$",
        "≥": r"$\geq$",
        "≤": r"$\leq$",
        "×": r"$\times$",
    },
    **{
        "χ": r"$\chi$",
        "σ": r"$\sigma$",
        "ρ": r"$\rho$",
        "Σ": r"$\Sigma$",
        "∞": r"$\infty$",
        "½": r"$\frac{1}{2}$",
    },
    **{"±": r"$\pm$", "<": r"$<$", ">": r"$>$", "…": r"\ldots{}", "\u00a0": "~"},
}
_SIGN = re.compile("[" + "".join(map(re.escape, SIGNS)) + "]")


def latex(text: str) -> str:
    """Text as LaTeX prints it.

    >>> print(latex("τ² = 0.31 & 5%"))
    $\\tau$\\textsuperscript{2} = 0.31 \\& 5\\%
    """
    return _SIGN.sub(lambda found: SIGNS[found[0]], text)


def _latex(part: Part) -> Iterator[str]:
    yield f"\\section{{{latex(part.title)}}}"
    for block in part.blocks:
        yield ""
        yield from _latex_block(block)


def _latex_block(block: Block) -> Iterator[str]:
    if isinstance(block, str):
        yield latex(block)
    elif isinstance(block, Heading):
        yield f"\\{'sub' * (block.level - 1)}section{{{latex(block.text)}}}"
    elif isinstance(block, Items):
        kind = "enumerate" if block.numbered else "itemize"
        yield from (
            f"\\begin{{{kind}}}",
            *(f"\\item {latex(text)}" for text in block.texts),
            f"\\end{{{kind}}}",
        )
    elif isinstance(block, Picture):
        file = f"figures/{block.name}-174mm.pdf"
        yield from (r"\begin{figure}", f"\\includegraphics[width=\\textwidth]{{{file}}}")
        yield f"\\caption{{{latex(block.caption)}}}\\label{{fig:{block.name}}}"
        yield r"\end{figure}"
    else:
        yield from _latex_table(block)


def _latex_table(table: Table) -> Iterator[str]:
    columns = "".join(f"p{{{share:.3f}\\textwidth}}" for share in _shares(table))
    yield f"\\begin{{longtable}}{{{columns}}}"
    yield f"\\caption{{{latex(table.caption)}}}\\label{{tab:{table.name}}}\\\\"
    yield r"\toprule"
    yield f"{' & '.join(map(latex, table.head))} \\\\"
    yield r"\midrule \endhead"
    for row in table.rows:
        yield f"{{}}{' & '.join(map(latex, row))} \\\\"  # {}: a bracket would belong to the row before
    yield r"\bottomrule"
    yield r"\end{longtable}"
    yield from (latex(table.note),) if table.note else ()


def _shares(table: Table, whole: float = 0.86) -> list[float]:
    """What share of the width every column gets: room for its longest word, the rest by what stands in it."""
    columns = [*zip(table.head, *table.rows, strict=True)]
    words = [max(len(word) for cell in column for word in (cell.split() or ("",))) for column in columns]
    least = [LETTER * (min(word, LONGEST_WORD) + 3) for word in words]
    lengths = [min(max(map(len, column)), 40) for column in columns]
    spare = max(1 - sum(least), 0.0)
    shares = [own + spare * length / sum(lengths) for own, length in zip(least, lengths, strict=True)]
    return [whole * share / sum(shares) for share in shares]


def _latex_main(review: Review, parts: Sequence[Part]) -> str:
    packages = ("fontspec", "booktabs", "longtable", "graphicx", "hyperref", "[a4paper,margin=20mm]geometry")
    lines = [r"\documentclass{article}"]
    for package in packages:
        options, _, name = package.rpartition("]")
        lines.append(f"\\usepackage{options + ']' if options else ''}{{{name}}}")
    lines += [f"\\title{{{latex(review.title)}}}", f"\\author{{{latex(review.authors)}}}", r"\date{}"]
    lines += [r"\begin{document}", r"\maketitle"]
    lines += [f"\\input{{{part.name}}}" for part in parts if part.name != "references"]
    lines += [r"\nocite{*}", r"\bibliographystyle{unsrt}", r"\bibliography{references}", r"\end{document}"]
    return "\n".join(lines)


# Word


def write_word(review: Review, parts: Sequence[Part], path: Path) -> None:
    """Write the manuscript as one Word document."""
    from trialpool.exchange.word import new_document, save_document

    document = new_document(review.title)
    if review.authors:
        document.add_paragraph(review.authors)
    write: dict[type, Callable[[Any, Any, int], None]] = {
        str: lambda block, text, _: block.add_paragraph(text),
        Heading: lambda block, heading, _: block.add_heading(heading.text, heading.level + 1),
        Items: _word_items,
        Table: _word_table,
        Picture: _word_picture,
    }
    for part in parts:
        document.add_heading(part.title, 2)
        number = 0
        for block in part.blocks:
            number += isinstance(block, Table | Picture)
            write[type(block)](document, block, number)
    save_document(document, path)


def _word_items(document: Any, items: Items, _: int) -> None:
    for at, text in enumerate(items.texts, 1):
        if items.numbered:  # by hand: a second list of Word would go on counting
            document.add_paragraph(f"{at}. {text}")
        else:
            document.add_paragraph(text, style="List Bullet")


def _word_table(document: Any, table: Table, number: int) -> None:
    from trialpool.exchange.word import add_row, add_table

    document.add_paragraph(f"Table {number}. {table.caption}", style="Caption")
    written = add_table(document, table.head, _shares(table, TEXT_WIDTH))
    for row in table.rows:
        add_row(written, row)
    document.add_paragraph(table.note)


def _word_picture(document: Any, picture: Picture, number: int) -> None:
    from docx.shared import Mm

    figure = draw_forest(picture.record, for_journal(preset(picture.record.forest)), 174)
    told = describe("forest", picture.record)
    with tempfile.TemporaryDirectory() as folder:
        (file,) = save_figure(figure, Path(folder, "f"), description=told, dpi=PRINT_DPI, formats=(".png",))
        document.add_picture(streams.BytesIO(file.read_bytes()), width=Mm(174))
    document.paragraphs[-1]._p.xpath(".//wp:docPr")[0].set("descr", told[:1000])
    document.add_paragraph(f"Figure {number}. {picture.caption}", style="Caption")
