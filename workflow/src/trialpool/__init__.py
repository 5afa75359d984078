"""Trialpool: from what published trials report to pooled effects a reviewer can trace to their source."""
