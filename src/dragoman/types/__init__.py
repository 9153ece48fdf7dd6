"""The shapes that pass between the rooms: the hub's `TypedDict`s, and the result types of the SDK. Pure: no I/O."""
