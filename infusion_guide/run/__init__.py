"""What starts and looks after the assistant."""
