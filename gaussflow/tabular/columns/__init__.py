"""What a column is: its kind, its cells, its map to numbers."""
