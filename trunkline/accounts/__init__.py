"""Tenants, the people who log in, and the keys of programs."""
