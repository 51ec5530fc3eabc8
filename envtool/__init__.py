"""envtool: from a bare machine to a PyTorch environment that is proven to compute."""
