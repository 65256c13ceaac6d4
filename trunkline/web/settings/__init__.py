"""Settings of a workspace, and of the sub-accounts below it."""
