"""Joint refinement: all maps of a flow improved together by maximum likelihood."""

from gaussflow.refinement.chain import Chain
from gaussflow.refinement.joint import Refined, refine_last, retrace_last
from gaussflow.refinement.layer import STARTS

__all__ = ["STARTS", "Chain", "Refined", "refine_last", "retrace_last"]
