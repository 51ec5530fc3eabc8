"""Prove the result: start the probe in the user's Python and judge what it says."""
