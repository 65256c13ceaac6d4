"""What keeps the checkout in order: its own lints, the generated documents, set-up."""
