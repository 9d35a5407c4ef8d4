"""Image classifiers that torch trains."""
