"""Language models: drafts, sentiment and answers, honest when none is configured."""
