"""A package, so that another one of this name in site-packages is not taken for it."""
