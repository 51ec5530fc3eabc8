"""The order of the stages: one module per thing a user wants done.

A package and not one module, so that a plan does not import what an installation needs.
"""
