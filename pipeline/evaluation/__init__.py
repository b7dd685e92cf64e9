"""What people look at: metrics, pictures, the report."""
