"""Cells of observed rows that an equality gives from the row's other cells."""

import numpy as np

from gaussflow.tabular.columns.cells import from_numbers, to_numbers
from gaussflow.tabular.constraints.derived import CopyColumn, SumColumn


def equalities(rules, schema):
    """Return the equalities of a table, each solved for each of its columns.

    Parameters
    ----------
    rules : Rules
        What holds in the table; its equalities compute one column from others.
    schema : Schema
        The columns to solve for.

    Returns
    -------
    found : list of list of Derived
        For each equality what computes each column from the others, the one that
        ``rules`` computes itself last.
    """
    names, found = set(schema.names), []
    for derived in rules.derived:
        if isinstance(derived, SumColumn):
            given = dict(zip(derived.sources, derived.factors, strict=True))
            parts = [_solved(derived, given, schema[n]) for n in given if n in names]
            own = SumColumn(
                derived.column, derived.sources, derived.factors, derived.constant
            )
        elif isinstance(derived, CopyColumn):
            column = derived.column
            sources = [n for n in derived.sources if n in names]
            parts = [CopyColumn(schema[n], [column.name]) for n in sources]
            own = CopyColumn(column, derived.sources)
        else:
            continue
        found.append([*parts, own])
    return found


def _solved(derived, given, column):
    """Return a sum solved for one of its sources."""
    factor = given[column.name]
    factors = {n: -f / factor for n, f in given.items() if n != column.name}
    factors[derived.column.name] = 1.0 / factor
    constant = -derived.constant / factor
    return SumColumn(column, list(factors), [*factors.values()], constant)


def solve(found, frame, gaps):
    """Compute the last of each equality's gaps from the other cells, in place.

    What cannot be computed, or is no value of the column, stays as it is.

    Parameters
    ----------
    found : list
        See ``equalities``.
    frame : pandas.DataFrame
        The rows.
    gaps : DataFrame of bool
        Which cells are not observed; others are never written.
    """
    for parts in found:
        later = np.zeros(len(frame), dtype=bool)
        for derived in reversed(parts):
            name = derived.column.name
            gap = gaps[name].to_numpy()
            rows = np.flatnonzero(gap & ~later)
            later |= gap
            if len(rows) == 0:
                continue
            numbers, fine = derived.compute(frame.iloc[rows].reset_index(drop=True))
            fine &= ~np.isnan(numbers)
            cells = from_numbers(numbers[fine], derived.column)
            # A dtype that cannot hold a number wraps it around.
            held = to_numbers(cells, derived.column) == numbers[fine]
            if held.any():
                write(frame, name, rows[fine][held], cells[held])


def write(table, name, rows, drawn):
    """Put cells in some rows of a column, in place; the others keep their bits."""
    cells = table[name].copy()
    if drawn.dtype != cells.dtype:
        drawn = drawn.astype(cells.dtype)
    cells.iloc[rows] = drawn.array
    table[name] = cells
