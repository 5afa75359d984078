"""The manuscript of the shipped review: its numbers are those of summary.csv, its bytes always the same."""

import csv
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from trialpool import text as words
from trialpool.errors import InputError
from trialpool.exchange.manuscript import Picture, Table, parts_of, read_review, result_text
from trialpool.exchange.manuscript_files import FORMATS, WIDTHS, export_manuscript, latex
from trialpool.exchange.prisma import checklist, read_reported
from trialpool.exchange.references import bibtex, lacking, reference, ris
from trialpool.records import Shape, sketch
from trialpool.view.question import Question
from trialpool.view.read import Appraised
from trialpool.view.study import Trial

docx = pytest.importorskip("docx", reason="python-docx is not installed: pip install 'trialpool[export]'")
ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config" / "config.yaml"
ONLY = (
    "improved-acupuncture-vs-medication",  # seven trials in groups
    "pain-or-symptoms-acupuncture-vs-sham",  # four: a Bayesian headline
    "cipn-pain-acupuncture-vs-sham",  # one
)
SUMMARY = {
    row["title"]: row for row in csv.DictReader((ROOT / "results" / "summary.csv").open(encoding="utf-8"))
}


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kit") / "manuscript"
    export_manuscript(CONFIG, folder, only=ONLY)
    return folder


def number(cell):
    return float(cell) if cell else None


def printed(row):
    """The cells of a row of the summary of results, from a row of summary.csv."""
    measure = row["measure"]
    values = [number(row[name]) for name in ("estimate", "ci_low", "ci_high")]
    estimate, low, high = words.format_values(measure, values)
    digits = None if measure == "SMD" else words.digits_for(values)
    predicted = words.format_values(measure, [number(row["pi_low"]), number(row["pi_high"])], digits)
    people = int(row["n_experimental"]) + int(row["n_control"])
    several = row["status"] == "pooled"
    return [
        row["title"],
        row["k"],
        f"{people:,}",
        f"{measure} {estimate} ({low} to {high})",
        " to ".join(predicted) if row["pi_low"] else "—",
        words.significant(number(row["tau2"])) if several else "—",
        words.percent(float(row["i2"]) / 100) if several else "—",
        row["certainty"],
    ]


def test_the_numbers_of_the_word_document_are_those_of_summary_csv(kit):
    document = docx.Document(str(kit / "manuscript.docx"))
    table = document.tables[0]
    assert table.rows[0].cells[0].text == "Question"
    rows = [[cell.text for cell in row.cells] for row in table.rows[1:]]
    assert len(rows) == len(ONLY)
    for cells in rows:
        assert [cell.removeprefix("≥ ") for cell in cells] == printed(SUMMARY[cells[0]])


def test_the_text_of_a_result_is_that_of_its_record(kit):
    paragraphs = [each.text for each in docx.Document(str(kit / "manuscript.docx")).paragraphs]
    for title in (row["title"] for row in SUMMARY.values() if row["analysis"] in ONLY):
        row, said = SUMMARY[title], paragraphs[paragraphs.index(title) + 1]
        values = [number(row[name]) for name in ("estimate", "ci_low", "ci_high")]
        assert words.effect(row["measure"], *values) in said
        assert f"(GRADE): {row['certainty']}" in said
        if row["status"] == "pooled":
            assert f"{row['k']} trials" in said
            assert f"τ² = {words.significant(float(row['tau2']))}" in said
            assert f"Q = {float(row['q']):.2f}" in said


def test_markdown_latex_and_word_hold_the_same_table(kit):
    rows = [line for line in (kit / "tables.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    tex = (kit / "tables.tex").read_text("utf-8")
    for row in docx.Document(str(kit / "manuscript.docx")).tables[0].rows[1:]:
        cells = [cell.text for cell in row.cells]
        assert f"| {' | '.join(cells)} |" in rows
        assert " & ".join(map(latex, cells)) in tex


def test_the_checklist_says_where_each_answer_stands(kit):
    told = (kit / "checklist.md").read_text("utf-8")
    for item in checklist(read_reported(CONFIG)):
        assert f"| {item.item} | {item.name} | {item.location} |" in told


def test_the_methods_are_those_of_the_records(kit):
    review = read_review(CONFIG, ONLY)
    said = "".join((kit / f"{part}.md").read_text("utf-8") for part in ("methods", "supplement"))
    for record in review.records:
        for sentence in record.methods.text if record.studies else ():
            assert record.vocabulary.named(sentence) in said
    assert "Still to be written" in said
    own = read_review(CONFIG, ONLY[2:]).records[0].methods.text[0]
    assert f"{own} (Chemotherapy-induced neuropathy, pain: " in said


def test_figures_have_the_widths_and_the_resolution_of_journals(kit):
    for width in WIDTHS:
        stem = kit / "figures" / f"{ONLY[0]}-{width}mm"
        with Image.open(f"{stem}.tiff") as image:
            assert image.size[0] == pytest.approx(width / 25.4 * 600, abs=1)
            assert [round(float(each)) for each in image.info["dpi"]] == [600, 600]
        box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", Path(f"{stem}.pdf").read_bytes())
        assert float(box[1]) == pytest.approx(width / 25.4 * 72, abs=0.1)
        svg = Path(f"{stem}.svg").read_text("utf-8")
        assert float(re.search(r'width="([\d.]+)pt"', svg)[1]) == pytest.approx(width / 25.4 * 72, abs=0.1)
        assert words.ratio(float(SUMMARY[title_of(ONLY[0])]["estimate"])) in svg  # text stays text
    files = {file.name for file in (kit / "figures").iterdir()}
    assert len(files) == 2 * len(WIDTHS) * len(FORMATS)  # of one trial alone there is no figure


def title_of(analysis):
    return next(title for title, row in SUMMARY.items() if row["analysis"] == analysis)


def test_a_figure_in_one_column_says_no_less_than_its_numbers_and_no_letter_is_too_small(kit):
    from trialpool.figures.forest import draw_forest
    from trialpool.figures.forest_layout import for_journal, preset

    for record in read_review(CONFIG, ONLY[:2]).records:
        for width, narrow in WIDTHS.items():
            look = for_journal(preset(record.forest), narrow=narrow)
            figure = draw_forest(record, look, width)
            sizes = [text.get_fontsize() for text in figure.artists if hasattr(text, "get_text")]
            assert min(sizes) >= 4.5
            assert figure.get_figwidth() * 25.4 == pytest.approx(width)


def test_the_same_review_gives_the_same_bytes(kit, tmp_path):
    export_manuscript(CONFIG, tmp_path / "again", only=ONLY[1:])
    export_manuscript(CONFIG, tmp_path / "once more", only=ONLY[1:])
    files = sorted(file.relative_to(tmp_path / "again") for file in (tmp_path / "again").rglob("*.*"))
    assert files
    for file in files:
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "once more" / file).read_bytes(), file


def test_a_folder_is_not_overwritten_unless_it_is_an_earlier_kit(kit, tmp_path):
    with pytest.raises(InputError, match="it exists already"):
        export_manuscript(CONFIG, kit, only=ONLY[2:])
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="it exists already"):
        export_manuscript(CONFIG, tmp_path / "mine", only=ONLY[2:], replace=True)
    export_manuscript(CONFIG, tmp_path / "kit", only=ONLY[2:])
    (tmp_path / "kit" / "stale.md").write_text("of yesterday")
    export_manuscript(CONFIG, tmp_path / "kit", only=ONLY[2:], replace=True)
    assert not (tmp_path / "kit" / "stale.md").exists()
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="did you mean 'improved-acupuncture-vs-medication'"):
        export_manuscript(CONFIG, tmp_path / "kit", only=["improved-acupuncture-vs-medicaton"])
    with pytest.raises(InputError, match="name a configuration that has been run"):
        export_manuscript(tmp_path, tmp_path / "kit")
    silent = next(row["analysis"] for row in SUMMARY.values() if row["status"] == "no_data")
    with pytest.raises(InputError, match="no question has a result"):
        export_manuscript(CONFIG, tmp_path / "kit", only=[silent])
    assert list(tmp_path.iterdir()) == []


def test_of_results_alone_trials_are_known_as_far_as_records_know_them():
    review = read_review(ROOT / "results", ONLY[:1])
    (table,) = [
        b for p in parts_of(review) for b in p.blocks if isinstance(b, Table) and b.name == "characteristics"
    ]
    assert len(table.rows) == 7
    assert {*lacking(review.trials)} == {"title", "author", "journal", "doi"} | (
        {"year"} & {*lacking(review.trials)}
    )


def test_questions_that_only_illustrate_are_no_part_of_the_review():
    every = read_review(ROOT / "results")
    assert not any(record.illustrative for record in every.records)
    pictures = [b.name for p in parts_of(every) for b in p.blocks if isinstance(b, Picture)]
    pooled = [row["analysis"] for row in SUMMARY.values() if int(row["k"]) > 1]
    assert pictures == [name for name in pooled if name in pictures]


def test_the_document_opens_in_libreoffice_and_becomes_a_pdf(kit, tmp_path):
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not installed: its soffice converts the Word document")
    command = [
        office,
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(tmp_path),
        str(kit / "manuscript.docx"),
    ]
    home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}  # its settings are nobody's
    subprocess.run(command, check=True, env=home, capture_output=True, timeout=300)
    assert (tmp_path / "manuscript.pdf").read_bytes().startswith(b"%PDF")


def test_the_latex_compiles(kit, tmp_path):
    engine = shutil.which("lualatex") or shutil.which("xelatex")
    if engine is None:
        pytest.skip("LuaLaTeX or XeLaTeX is not installed")
    command = [engine, "-interaction=nonstopmode", f"-output-directory={tmp_path}", "manuscript.tex"]
    subprocess.run(command, cwd=kit, check=True, capture_output=True, timeout=300)


def test_latex_is_balanced_and_every_sign_escaped(kit):
    for file in kit.glob("*.tex"):
        source = file.read_text("utf-8")
        bare = re.sub(r"\\[{}%&$#_]", "", source)
        assert bare.count("{") == bare.count("}"), file.name
        assert sorted(re.findall(r"\\begin\{(\w+)\}", bare)) == sorted(re.findall(r"\\end\{(\w+)\}", bare))
        assert not re.search(r"(?<!\\)[%#]", source), file.name


TRIALS = [
    Trial(
        {"study_id": "Deng2021", "first_author": "Deng XM", "year": 2021.0, "journal": "Acu & Moxa"},
        "Deng 2021",
    ),
    Trial({"study_id": "NCT1", "source_type": "registry", "registration": "NCT1", "doi": "10.1/x_y"}, "NCT1"),
    Trial(
        {"study_id": "A b/c", "title": "The 50% Trial", "journal": "J", "year": 2001.0, "doi": "10.1234/x"},
        "A",
    ),
]


def test_references_hold_what_the_table_says_and_say_what_it_does_not():
    one, two, three = bibtex(TRIALS).split("\n\n")
    assert one.startswith("@article{Deng2021,")
    assert "author = {Deng, XM and others}" in one
    assert r"journal = {Acu \& Moxa}" in one
    assert two.startswith("@misc{NCT1,")
    assert "registered as NCT1; results as posted in the registry" in two
    assert three.startswith("@article{Abc,")
    assert r"title = {{The 50\% Trial}}" in three
    assert "TY  - JOUR\nID  - Deng2021\nAU  - Deng, XM\nJO  - Acu & Moxa\nPY  - 2021\nER  -" in ris(TRIALS)
    assert reference(TRIALS[0]) == "Deng XM, et al. Acu & Moxa 2021."
    assert reference(TRIALS[2]) == "A. The 50% Trial. J 2001. doi:10.1234/x."
    assert lacking(TRIALS)["title"] == ["Deng 2021", "NCT1"]
    assert lacking(TRIALS)["year"] == ["NCT1"]


def test_a_result_without_numbers_says_so_and_no_more():
    record = {"status": "no_data", "measure": "MD", "domain": "pain"}
    record |= {"experimental_name": "yoga", "control_name": "sham"}
    said = result_text(Question(sketch(Appraised, record)))
    assert said == "No trial is known that compares yoga with sham."


def test_the_text_says_all_that_there_is_though_the_plot_shows_less():
    whole = read_review(CONFIG, ONLY[:1])
    shape = Shape(show=("i2",), digits=1, sort="effect")
    review = replace(whole, records=[replace(record, shape=shape) for record in whole.records])
    for name, same in (("results", True), ("tables", True), ("figures", False)):
        one, other = ({part.name: part for part in parts_of(each)}[name] for each in (whole, review))
        assert (one == other) is same
