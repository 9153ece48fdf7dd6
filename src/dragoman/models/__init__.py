"""What a model is: facts, names, tokens. Pure data and look-ups; no I/O but reading its own files."""
