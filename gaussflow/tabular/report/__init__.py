"""Scores of quality and privacy, and the page that shows them."""
