"""The request for a call: its fields, what an answer means, the contact."""
