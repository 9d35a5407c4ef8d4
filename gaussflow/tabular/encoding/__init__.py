"""Tables to matrices and back."""
