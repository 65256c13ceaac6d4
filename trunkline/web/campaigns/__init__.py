"""Campaigns as pages: from the first step of the wizard to the report."""
