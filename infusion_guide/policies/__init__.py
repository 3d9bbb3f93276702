"""Policies that Rasa does not bring: safety above everything, and fallbacks that never repeat."""
