"""What every part shares: checks, seeds, blocks of rows, labels, optional packages."""
