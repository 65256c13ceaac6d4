"""The @(...) language of flows: scanner, parser, values and functions."""
