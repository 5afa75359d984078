"""Figures: drawn from result records alone, and written by `save`, the only place that writes them."""
