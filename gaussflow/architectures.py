"""Layer lists: what ``GenFlow(layers="auto")`` chooses from, and one for images."""

from gaussflow.flows.architectures import multiscale, patch_sizes, stems

__all__ = ["multiscale", "patch_sizes", "stems"]
