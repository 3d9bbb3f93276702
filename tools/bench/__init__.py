"""Behind `make bench`: the same work given to this assistant and to Rasa's own pipelines, side by side."""
