"""The web server around Rasa: what all channels share, and what runs the assistant."""
