"""Product-free machinery: knows no domain word."""
