"""What the outside hears from us."""
