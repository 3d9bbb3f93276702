"""Everything that touches Rasa's engine: what lets it run, and our parts in its places."""
