"""What the audit finds in the shipped evidence; its rules are tested on planted faults in test_audit.py."""

from pathlib import Path

import pandas as pd
import pytest

from trialpool import io
from trialpool.contracts import AUDIT
from trialpool.evidence import audit as audit_room
from trialpool.evidence.audit import audit
from trialpool.protocol import load_catalogue


class TestShippedEvidence:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def audited(cls, shipped_tables):
        cls.tables = shipped_tables
        cls.found = audit(shipped_tables, load_catalogue("config/instruments.yaml"))

    @pytest.mark.parametrize(
        ("study", "rule"),
        [
            ("Argyriou2006b", "spread_unequal"),
            ("NaderiNabi2015", "se_as_sd"),
            ("Su2020", "spread_small"),
            ("Gulzar2024", "doubted_report"),
            ("Wang2007", "doubted_report"),
            ("Cheung2025", "direction_unusual"),
            ("Bunner2015", "direction_unusual"),
            ("Bunner2015", "arms_disagree_with_contrast"),
            ("Bakhshayeshi2011", "unit_unusual"),
            ("Gholamzadeh2023", "undefined_scale"),
            ("Chatterjee2019", "undefined_scale"),
            ("Watson2003", "paired_arms"),
            ("Garrow2014", "doubted_row"),
        ],
    )
    def test_what_a_reader_doubted_is_found_by_rule(self, study, rule):
        assert ((self.found["study_id"] == study) & (self.found["rule"] == rule)).any()

    def test_no_trial_is_named_in_the_code(self):
        text = "".join(
            path.read_text(encoding="utf-8") for path in Path(audit_room.__file__).parent.glob("*.py")
        )
        assert not [name for name in self.tables["studies"]["study_id"] if name in text]

    def test_every_finding_says_where_what_and_what_to_check(self):
        assert list(self.found.columns) == list(AUDIT.names)
        assert (self.found[["rule", "severity", "row_ids", "numbers", "finding", "check"]] != "").all(
            axis=None
        )
        ids = {row for frame in self.tables.values() for row in frame["row_id"]}
        assert {row for cell in self.found["row_ids"] for row in cell.split()} <= ids

    def test_the_gravest_come_first_and_nothing_is_said_twice(self):
        order = self.found["severity"].map({"high": 0, "medium": 1, "low": 2})
        assert order.is_monotonic_increasing
        assert not self.found.duplicated(["rule", "row_ids", "numbers"]).any()

    def test_the_evidence_itself_is_left_alone(self):
        before = {name: frame.copy() for name, frame in self.tables.items()}
        audit(self.tables, load_catalogue("config/instruments.yaml"))
        for name, frame in before.items():
            pd.testing.assert_frame_equal(frame, self.tables[name])

    def test_empty_tables_have_no_findings(self):
        empty = {name: frame.head(0) for name, frame in self.tables.items()}
        assert audit(empty, load_catalogue("config/instruments.yaml")).empty

    def test_it_is_written_as_a_table(self, tmp_path):
        io.write_csv(tmp_path / "audit.csv", self.found.to_dict("records"), AUDIT.names)
        back = pd.read_csv(tmp_path / "audit.csv", keep_default_na=False)
        assert back["rule"].tolist() == self.found["rule"].tolist()
