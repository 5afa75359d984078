"""Two sets of results are compared down to the row, the number and the pixel."""

import io
import json
import subprocess

import numpy as np
import pytest
from PIL import Image

from trialpool.errors import InputError
from trialpool.provenance.diff import GAP, changes, differences, read_results, side_by_side, summary


def picture(colour, at=None):
    array = np.full((4, 5, 4), 255, dtype=np.uint8)
    if at:
        array[at] = colour
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def record(trials, estimate=-1.0, **more):
    content = {
        "status": "pooled",
        "measure": "MD",
        "pooled": {"estimate": estimate, "ci_low": -2.0, "ci_high": 0.0},
        "studies": [{"study_id": study, "effect": -1, "variance": 0.25} for study in trials],
    }
    return json.dumps({**content, **more}).encode()


def appraisal(level, verdict):
    content = {"analyses": {"a": {"certainty": {"level": level}}}}
    return json.dumps(content | {"claims": [{"claim": "pain", "verdict": verdict}]}).encode()


def test_a_number_in_a_table_is_found_by_its_row_and_column():
    old = {"analyses/a/studies.csv": b"analysis,study_id,effect\na,Lu2020,-1\na,Bao2020,-2\n"}
    new = {"analyses/a/studies.csv": b"analysis,study_id,effect\na,Bao2020,-2\na,Lu2020,-1.5\n"}
    found = differences(old, new)
    assert [str(entry) for entry in found] == [
        "analyses/a/studies.csv, row a Lu2020, column effect: -1 → -1.5"
    ]


def test_a_number_in_a_record_is_found_by_its_path():
    found = differences(
        {"r.json": b'{"pooled": {"i2": 3, "q": 1}}'}, {"r.json": b'{"pooled": {"i2": 4, "q": 1}}'}
    )
    assert (found[0].place, found[0].old, found[0].new) == ("pooled.i2", "3", "4")
    assert len(found) == 1


def test_a_picture_is_compared_by_pixels_and_shown_old_new_and_difference():
    old, new = picture((0, 0, 0, 255)), picture((0, 0, 0, 255), at=(1, 2))
    place = differences({"f.png": old}, {"f.png": new})[0].place
    assert place == "1 of 20 pixels differ (5%), within columns 2 to 2, rows 1 to 1"
    shown = np.asarray(Image.open(io.BytesIO(side_by_side(old, new))))
    assert shown.shape == (4, 3 * 5 + 2 * GAP, 3)
    assert np.argwhere(np.all(shown == (220, 0, 0), axis=-1)).tolist() == [[1, 2 * (5 + GAP) + 2]]
    assert shown[1, 2].tolist() == [255, 255, 255]
    assert shown[1, 5 + GAP + 2].tolist() == [0, 0, 0]


def test_pictures_of_another_size_or_of_no_format_are_told_as_such():
    buffer = io.BytesIO()
    Image.new("RGBA", (7, 4)).save(buffer, format="PNG")
    found = differences({"f.png": picture(None)}, {"f.png": buffer.getvalue()})
    assert found[0].place == "size 5×4 → 7×4 pixels"
    assert Image.open(io.BytesIO(side_by_side(picture(None), buffer.getvalue()))).width == 3 * 7 + 2 * GAP
    assert differences({"f.png": picture(None)}, {"f.png": b"x"})[0].place == "not readable as a picture"


def test_of_a_drawing_the_first_differing_label_or_line_is_told():
    drawing = "<svg>\n<path d='M 1 2'/>\n<text x='1'>RR 1.31</text>\n<text>p &lt; 0.05</text>\n</svg>\n"
    label = differences(
        {"f.svg": drawing.encode()}, {"f.svg": drawing.replace("1.31", "1.32").replace("M 1", "M 9").encode()}
    )
    assert [(entry.place, entry.old, entry.new) for entry in label] == [
        ("first at label 1", "RR 1.31", "RR 1.32")
    ]
    (line,) = differences({"f.svg": drawing.encode()}, {"f.svg": drawing.replace("M 1", "M 9").encode()})
    assert (line.place, line.old, line.new) == ("first at line 2", "<path d='M 1 2'/>", "<path d='M 9 2'/>")


def test_a_pdf_differs_without_its_bytes_being_printed():
    found = differences({"f.pdf": b"%PDF\xff\x00a"}, {"f.pdf": b"%PDF\xff\x00bc"})
    assert [str(entry) for entry in found] == ["f.pdf, first at byte 6: 7 bytes → 8 bytes"]


def test_a_new_line_does_not_make_the_following_lines_differ():
    found = differences({"README.md": b"a\nb\nc\n"}, {"README.md": b"a\nnew\nb\nc\n"})
    assert [(entry.place, entry.old, entry.new) for entry in found] == [("line 2", "", "new")]


def test_an_entry_that_is_added_does_not_move_the_others():
    old, new = b'[{"study_id": "B", "n": 2}]', b'[{"study_id": "A", "n": 1}, {"study_id": "B", "n": 2}]'
    assert {entry.place for entry in differences({"r.json": old}, {"r.json": new})} == {
        "[A].study_id",
        "[A].n",
    }


@pytest.mark.parametrize("name", ["r.json", "a.csv", "f.svg", "page.html", "x.txt"])
def test_bytes_that_differ_are_never_called_the_same(name):
    pairs = [(b'{"a": 1}', b'{"a":  1}'), (b"x\n1\n", b"x\r\n1\r\n"), (b"", b"\n"), (b"{", b"\xff")]
    for old, new in pairs:
        assert differences({name: old}, {name: new})


def test_the_manifest_is_told_where_nothing_else_differs():
    found = differences({"manifest.csv": b"path,sha256\nx,1\n"}, {"manifest.csv": b"path,sha256\nx,2\n"})
    assert [(entry.file, entry.old, entry.new) for entry in found] == [("manifest.csv", "1", "2")]


def test_missing_and_extra_files_are_named_and_the_manifest_follows_from_them():
    found = differences({"a.svg": b"x", "manifest.csv": b"1"}, {"b.svg": b"xy", "manifest.csv": b"2"})
    assert [(entry.file, entry.old, entry.new) for entry in found] == [
        ("a.svg", "1 bytes", ""),
        ("b.svg", "", "2 bytes"),
    ]


def test_a_renamed_analysis_is_compared_with_what_it_was():
    old = {"analyses/a/result.json": record(["X"]), "analyses/gone/result.json": record(["Y"])}
    new = {"analyses/b/result.json": record(["X"], estimate=-1.5, was="a")}
    found = changes(old, new)
    assert [(change.analysis, change.change, change.old) for change in found] == [
        ("b", "analysis", "a"),
        ("gone", "analysis", "−1 (−2 to 0)"),
        ("b", "estimate", "−1 (−2 to 0)"),
    ]
    assert found[0].words == "b: renamed, it was a"


def test_equal_results_do_not_differ():
    same = {"a.csv": b"x\n1\n", "b.json": b"{}", "c.png": picture((1, 2, 3, 4))}
    assert differences(same, dict(same)) == []
    assert changes(same, dict(same)) == []


def test_a_folder_and_a_revision_of_it_read_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "logs").mkdir(parents=True)
    (tmp_path / "results" / "summary.csv").write_bytes(b"a\n1\n")
    (tmp_path / "results" / "logs" / "x.log").write_bytes(b"noise")
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "x"]):
        subprocess.run(["git", *words], check=True, cwd=tmp_path)
    assert read_results("HEAD") == read_results("results") == {"summary.csv": b"a\n1\n"}


@pytest.mark.parametrize("source", ["no-such-thing", "--output=x", "HEAD:../.."])
def test_what_is_neither_folder_nor_revision_is_refused(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="neither a folder nor a revision"):
        read_results(source)
    assert list(tmp_path.iterdir()) == []


def test_changes_are_told_in_words():
    old = {"analyses/a/result.json": record(["Lu2020", "Bao2020"]), "appraisal.json": appraisal("low", "x")}
    new = {
        "analyses/a/result.json": record(["Lu2020", "Han2017"], -1.5, robustness={"grade": "robust"}),
        "appraisal.json": appraisal("moderate", "supported"),
    }
    rows = changes(old, new)
    assert [row.words for row in rows] == [
        "a: Han2017 is in",
        "a: Bao2020 is out",
        "a: estimate MD −1.00 (95% CI −2.00 to 0.00) → MD −1.50 (95% CI −2.00 to 0.00)",
        "a: certainty low → moderate",
        "a: robustness not judged → robust",
        "pain: claim verdict x → supported",
    ]
    told = (
        "2 trials in or out, 1 estimate moved, 1 certainty changed, 1 robustness changed, 1 verdict changed."
    )
    assert summary(rows) == told


def test_a_move_that_rounding_hides_is_told_with_all_digits():
    old, new = ({"analyses/a/result.json": record(["Lu2020"], value)} for value in (-1.0, -1.00000001))
    (row,) = changes(old, new)
    assert row.words == "a: estimate MD −1 (−2 to 0) → MD −1.00000001 (−2 to 0)"


def test_a_corrected_number_of_a_trial_is_told():
    study = {"study_id": "Lu2020", "effect": -1.2, "variance": 0.25}
    old, new = record(["Lu2020"]), record(["Lu2020"], studies=[study])
    (row,) = changes({"analyses/a/result.json": old}, {"analyses/a/result.json": new})
    told = "a: Lu2020 has another effect: −1 (variance 0.25) → −1.2 (variance 0.25)"
    assert (row.change, row.words) == ("effect", told)


def test_an_interval_that_turns_is_said_to_turn():
    ratio = {"measure": "RR", "pooled": {"estimate": 1.5, "ci_low": 1.1, "ci_high": 2.0}}
    turned = {"measure": "RR", "pooled": {"estimate": 1.5, "ci_low": 0.9, "ci_high": 2.0}}
    old, new = ({"analyses/a/result.json": record(["Lu2020"], **kind)} for kind in (ratio, turned))
    assert changes(old, new)[0].words.endswith("; the interval no longer excludes no difference")
    assert changes(new, old)[0].words.endswith("; the interval now excludes no difference")


def test_a_new_and_a_lost_analysis_are_told_with_their_result():
    results = {"analyses/a/result.json": record(["Lu2020"], status="single_study")}
    told = "one trial: MD −1.00 (95% CI −2.00 to 0.00)"
    assert [row.words for row in changes({}, results)] == [f"a: new analysis, {told}"]
    assert [row.words for row in changes(results, {})] == [f"a: analysis gone: {told}"]


def test_the_command_line_tells_changes_and_exits_like_diff(tmp_path):
    from click.testing import CliRunner

    from trialpool.cli import main

    for name, estimate in (("old", -1.0), ("new", -1.5)):
        folder = tmp_path / name / "analyses" / "a"
        folder.mkdir(parents=True)
        (folder / "result.json").write_bytes(record(["Lu2020"], estimate))
        (folder / "forest.png").write_bytes(picture((0, 0, 0, 255), at=(1, 2) if name == "new" else None))
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    same = CliRunner().invoke(main, ["diff", old, old])
    assert (same.exit_code, same.output) == (0, "No difference.\n")
    options = ["--details", "--csv", str(tmp_path / "c.csv"), "--pictures", str(tmp_path / "p")]
    changed = CliRunner().invoke(main, ["diff", old, new, *options])
    assert changed.exit_code == 1
    assert "a: estimate MD −1.00 (95% CI −2.00 to 0.00) → MD −1.50 (95% CI −2.00 to 0.00)" in changed.output
    assert "1 estimate moved.\n2 files differ.\n" in changed.output
    assert "analyses/a/result.json, pooled.estimate: -1.0 → -1.5" in changed.output
    assert "1 of 20 pixels differ" in changed.output
    assert "analyses-a-forest.png: old, new and difference side by side" in changed.output
    assert (tmp_path / "c.csv").read_text().startswith("analysis,change,old,new,words\na,estimate,")
    assert (tmp_path / "p" / "analyses-a-forest.png").exists()
    nowhere = CliRunner().invoke(main, ["diff", old, str(tmp_path / "nowhere")])
    assert nowhere.exit_code == 1
    assert "neither a folder nor a revision" in nowhere.output
