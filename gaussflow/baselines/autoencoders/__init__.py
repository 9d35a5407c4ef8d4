"""Autoencoders, plain and variational, and priors of their codes."""
