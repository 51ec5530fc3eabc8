"""Recall what somebody ran from the text of their files. Pure: imports ``model``, no I/O."""
