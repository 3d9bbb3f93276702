"""Infusion Guide: what Rasa loads by module path, and the commands behind the Makefile."""
