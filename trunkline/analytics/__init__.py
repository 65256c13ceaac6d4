"""Numbers: counters written with the facts, and the reports made of them."""
