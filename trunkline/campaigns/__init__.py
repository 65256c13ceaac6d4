"""One message for many."""
