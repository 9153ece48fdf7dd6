"""OpenAI, as its recorded traffic shows it."""
