"""Attacks and outages against the real server processes: what HARDENING found in others must not work here."""
