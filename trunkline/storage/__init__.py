"""The database underneath: the embedded server, its folder, and the schema."""
