"""Credits: what they buy, who has how many, and where each of them went."""
