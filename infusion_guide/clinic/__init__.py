"""What the clinic sets: its name and numbers, opening hours, time zone and secret."""
