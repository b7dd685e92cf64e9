"""Earmark's library: music catalogs in, tag tables out. Importing it does nothing."""
