"""Numbers: counters fed by events, and the reports made of them."""
