"""Networks that torch trains and numpy runs."""
