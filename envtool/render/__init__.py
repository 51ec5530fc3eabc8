"""From a plan to commands and files, as text. Pure."""
