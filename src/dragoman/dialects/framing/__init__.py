"""Cut bytes into events, whatever way they are split, and frame events as bytes. Pure: no I/O."""
