"""One analysis at a time: from its effects to one record that figures, tables and the page all read."""
