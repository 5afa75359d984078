"""`trialpool update` on a small review: what it says is what a run with the new trial then gives."""

import shutil

from click.testing import CliRunner

from trialpool.cli import main
from trialpool.provenance.diff import changes, read_results

ZETA = {
    "studies": "Zeta2026,Zeta,2026,,,10.1000/zeta,,,,DPN,,parallel,60,,treatment,article,https://example.org/new",
    "arms": "Zeta2026,acu,experimental,manual_acupuncture,acupuncture,,,,,30,\n"
    "Zeta2026,sham,control,sham,sham,,,,,30,",
    "continuous": "Zeta2026,acu,pain,VAS100,,points,lower,8,end_of_treatment,final,228,mean,31,sd,21,,"
    "https://example.org/new,Table 1,double,\n"
    "Zeta2026,sham,pain,VAS100,,points,lower,8,end_of_treatment,final,229,mean,52,sd,20,,"
    "https://example.org/new,Table 1,double,",
    "events": "".join(
        f"Zeta2026,{arm},responder,improved,improved,8,end_of_treatment,{events},30,"
        "https://example.org/new,Table 2,double,\n"
        for arm, events in (("acu", 20), ("sham", 11))
    ),
}
SLUG = "dpn-pain-acupuncture-vs-sham"


def test_what_a_new_trial_would_change_is_what_it_changes(review, tmp_path):
    new = tmp_path / "new"
    shutil.copytree(review.folder / "raw", new)
    for path in new.iterdir():
        header = path.read_text("utf-8").splitlines()[0]
        path.write_text("\n".join(filter(None, [header, ZETA.get(path.stem, "")])) + "\n", "utf-8")
    before = read_results(review.folder / "results")
    untouched = {path.name: path.read_bytes() for path in (review.folder / "raw").iterdir()}
    config = str(review.folder / "config.yaml")
    options = ["--cores", "1", "--out", str(tmp_path / "out"), "--write"]
    told = CliRunner().invoke(main, ["update", config, str(new), *options])
    assert told.exit_code == 0, told.output
    assert f"Zeta2026 ({new}): enters {SLUG}.\n  not its responder improved: no analysis asks" in told.output
    assert f"  {SLUG}: Zeta2026 is in" in told.output
    assert f"Zeta2026,{new},{SLUG},true,," in (tmp_path / "out" / "trials.csv").read_text("utf-8")
    assert read_results(review.folder / "results") == before
    assert not list(review.folder.glob("update-*"))
    for name, old in untouched.items():
        assert (review.folder / "raw" / name).read_bytes().startswith(old)
    done = review.run()
    assert done.returncode == 0, done.stderr
    found = changes(before, read_results(review.folder / "results"))
    assert len(found) >= 2
    for change in found:
        assert f"\n  {change.words}\n" in told.output
    again = CliRunner().invoke(main, ["update", config, str(new)])
    assert "Zeta2026" in again.output
    assert "in the review already, by its doi." in again.output
    assert "Nothing would change." in again.output
