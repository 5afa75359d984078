"""The tables: what trials report, read strictly, brought to effects, checked, followed, never changed."""
