"""Moving: a workspace that is copied from a RapidPro or TextIt server through its own API."""
