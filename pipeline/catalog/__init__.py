"""What audio is there: walk a source, probe headers, keep the catalog table."""
