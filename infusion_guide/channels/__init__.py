"""Input channels: one platform, one file."""
