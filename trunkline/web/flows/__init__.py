"""Flows as pages: drawn, played, started, looked at."""
