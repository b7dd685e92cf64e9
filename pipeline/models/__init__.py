"""Architectures, bundles, and the import of published taggers."""
