"""Infusion Guide: the parts of the assistant that Rasa does not bring."""

from infusion_guide.engine import compat

compat.install()
