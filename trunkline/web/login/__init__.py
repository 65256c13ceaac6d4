"""Coming in: with a password, with a second step, by a link."""
