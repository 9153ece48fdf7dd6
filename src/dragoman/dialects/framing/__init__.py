"""Bytes -> events and back, fed at any byte split. Pure: no I/O."""
