"""Dragoman: one call to every large language model."""
