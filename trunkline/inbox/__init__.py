"""People answering people."""
