"""Messaging platforms: each file here is one of them, and says all about it."""
