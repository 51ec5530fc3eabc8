"""From a host and facts to findings. Pure: one function per check."""
