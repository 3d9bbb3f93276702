"""Policies that Rasa does not bring: safety above everything, fallbacks that never repeat, forms that are come back to."""
