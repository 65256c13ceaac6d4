"""E-mail without a database: composing, signing, handing over, receiving, and reading what comes back."""
