"""The only place that imports torch: networks, losses and the training loop."""
