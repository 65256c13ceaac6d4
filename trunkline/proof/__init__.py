"""The proof that nothing is lost or doubled: real processes, random kills, and a judge outside of our database."""
