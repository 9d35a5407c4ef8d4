"""Deep Fourier Machines: nets of a picture, their codec and their generator."""
