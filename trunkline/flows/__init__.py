"""Flows: definitions in the RapidPro format, the engine that runs them, and the host around it."""
