"""The inbox: its page, and what the script in it reads and writes."""
