"""From a missed question to a better assistant: staff teach sentences, a trial decides whether they go live."""
