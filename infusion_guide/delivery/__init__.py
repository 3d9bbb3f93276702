"""What a turn caused outside the database, delivered until it worked."""
