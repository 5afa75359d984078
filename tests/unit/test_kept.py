"""A lot is put back only if it is what would be made again: to the byte, of the same, by the same code."""

import pytest

from trialpool import io
from trialpool.kept import RECEIPT, Kept, put


def two_files(own):
    io.write_text(own / "a.txt", "first")
    io.write_text(own / "b.txt", "second")


@pytest.fixture
def lot(tmp_path):
    """A lot as an earlier run left it."""
    Kept(tmp_path / "kept", "code").lot("name", [1.5], two_files)
    return tmp_path / "kept" / "name"


def made_again(folder, *, versions=("code",), made_of=(1.5,)):
    """Whether a lot was made again; its files are right in any case."""
    calls = []
    found = Kept(folder.parent, *versions).lot(
        folder.name, list(made_of), lambda own: (calls.append(own), two_files(own))
    )
    assert [path.read_text() for path in found.values()] == ["first\n", "second\n"]
    assert list(found) == ["a.txt", "b.txt"]
    return bool(calls)


def test_what_is_whole_and_made_of_the_same_is_not_made_again(lot):
    assert not made_again(lot)


@pytest.mark.parametrize("other", [{"versions": ["other code"]}, {"made_of": [1.25]}])
def test_other_code_or_other_numbers_make_it_again(lot, other):
    assert made_again(lot, **other)
    assert not made_again(lot, **other)


def no_receipt(lot):
    (lot / RECEIPT).unlink()


def lost_file(lot):
    (lot / "a.txt").unlink()


def edited_file(lot):
    (lot / "a.txt").write_text("by hand")


def one_file_more(lot):
    (lot / ".c.txt.part").write_text("half")


def cut_receipt(lot):
    (lot / RECEIPT).write_text((lot / RECEIPT).read_text()[:80])


@pytest.mark.parametrize("harm", [no_receipt, lost_file, edited_file, one_file_more, cut_receipt])
def test_what_is_not_whole_is_made_again(lot, harm):
    harm(lot)
    assert made_again(lot)
    assert not made_again(lot)


def test_a_lot_whose_making_broke_off_is_made_again(lot):
    def broken(own):
        io.write_text(own / "a.txt", "first")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Kept(lot.parent, "code").lot("name", [2], broken)
    assert made_again(lot, made_of=[2])


def test_files_are_put_back_over_what_is_there(lot, tmp_path):
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "a.txt").write_text("old")
    put(Kept(lot.parent, "code").lot("name", [1.5], two_files), tmp_path / "shown")
    assert (tmp_path / "shown" / "a.txt").read_text() == "first\n"
    assert (lot / "a.txt").stat().st_ino != (tmp_path / "shown" / "a.txt").stat().st_ino


def test_files_are_put_where_none_is_by_another_name_and_changed_by_hand_are_made_again(lot, tmp_path):
    put(Kept(lot.parent, "code").lot("name", [1.5], two_files), tmp_path / "shown")
    assert (lot / "a.txt").stat().st_ino == (tmp_path / "shown" / "a.txt").stat().st_ino
    (tmp_path / "shown" / "a.txt").write_text("by hand")
    assert made_again(lot)
    assert (tmp_path / "shown" / "a.txt").read_text() == "by hand"
