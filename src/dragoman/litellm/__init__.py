"""LiteLLM's words: its names of prices, facts, controls and settings, what they mean here, and which have no effect yet.

Facts about how LiteLLM's users write, from its documentation; no code of it.
"""
