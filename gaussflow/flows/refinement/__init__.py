"""Joint refinement: all maps of a flow improved together by maximum likelihood."""

from gaussflow.flows.refinement.chain import Chain
from gaussflow.flows.refinement.last_layer import (
    check_refinable,
    refine_flow,
    refine_last,
    retrace_last,
)
from gaussflow.flows.refinement.layer import STARTS

__all__ = [
    "STARTS",
    "Chain",
    "check_refinable",
    "refine_flow",
    "refine_last",
    "retrace_last",
]
