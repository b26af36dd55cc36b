"""The revisions of the database's structure."""
