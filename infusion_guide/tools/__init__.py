"""Guided tools: steps that a patient goes at their own pace, alone with the assistant (data/tools/, docs/tools.md)."""
