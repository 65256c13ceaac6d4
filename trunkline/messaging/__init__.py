"""What is said, and through which channel."""
