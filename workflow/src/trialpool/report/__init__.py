"""What a reviewer opens: tables, README and page, all told from the same result records."""
