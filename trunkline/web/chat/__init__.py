"""What chat windows on other sites call."""
