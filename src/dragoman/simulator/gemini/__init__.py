"""Gemini (generativelanguage.googleapis.com), as its recorded traffic shows it."""
