"""Exports of workspaces: read, planned, written. Nothing here touches a database."""
