"""Anthropic, as its recorded traffic shows it."""
