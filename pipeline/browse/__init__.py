"""A local web application over the tables, for people who look and listen."""
