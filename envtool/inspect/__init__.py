"""Read GPU code out of wheels and installed libraries. May import edge, facts and below."""
