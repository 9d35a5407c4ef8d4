"""Joint refinement: all maps of a flow improved together by maximum likelihood."""
