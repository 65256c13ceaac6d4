"""What is written once and used often."""
