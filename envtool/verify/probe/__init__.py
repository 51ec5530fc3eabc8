"""What torch can do here, asked in the user's own Python: torch and the standard library only.

Runs apart from envtool, in Python 3.6 and newer with torch 1.0 and newer; modules import each
other relatively, since their package has another name there. They are checked as ours here.
"""
