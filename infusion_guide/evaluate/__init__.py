"""Behind `make eval`: runs sentences through the whole assistant and scores the outcome."""
