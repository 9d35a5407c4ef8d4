"""What the scripts share: data, timing and files of results."""
