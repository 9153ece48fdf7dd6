"""How a wire format is read and written. Pure: no I/O, no clock, no environment."""
