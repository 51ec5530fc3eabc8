"""Words in, words out. The only room that prints, and that knows exit codes."""
