"""Other doors in and out: workbooks, RevMan and registry files to candidate rows; effects to flat tables."""
