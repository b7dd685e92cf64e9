"""Earmark's verbs, one a file: `earmark VERB` or `python -m jobs.VERB`."""
