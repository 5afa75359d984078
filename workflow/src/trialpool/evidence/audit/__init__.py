"""The integrity audit: `run` puts the words of `rules` to what `checks` and `integers` find."""
