"""Workflows: canvases of triggers, conditions and actions, run step by step."""
