"""Each finding of an attack on the assistant, as it was made, and what it does now."""
