"""What a reader sees of a result record, decided once: page and figures both read it from here."""
