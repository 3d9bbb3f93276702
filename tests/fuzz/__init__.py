"""Random calls to every entry of the real server: none may break it."""
