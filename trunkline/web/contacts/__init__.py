"""People, their groups and companies as pages."""
