"""Thin glue between the pure parts and Ray; the only home of Ray in the library."""
