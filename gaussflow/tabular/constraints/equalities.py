"""Cells of observed rows that an equality gives from the row's other cells."""

import numpy as np

from gaussflow.tabular.columns.cells import from_numbers, same_numbers, to_numbers


def equalities(rules, schema):
    """Return the equalities that Rules hold, solved for each column of the schema.

    For each equality, what computes each column from the others (a Derived), the one
    that the rules compute themselves last.
    """
    return [parts for derived in rules.derived if (parts := derived.solved(schema))]


def solve(found, frame, gaps):
    """Compute the last of each equality's gaps from the other cells, in place.

    What cannot be computed, or is no value of the column, stays as it is, and so do
    cells that are observed: ``gaps`` tells which are not.
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
            held = to_numbers(cells, derived.column)
            held = same_numbers(held, numbers[fine], derived.column)
            if held.any():
                write(frame, name, rows[fine][held], cells[held])


def write(table, name, rows, drawn):
    """Put cells in some rows of a column, in place; the others keep their bits."""
    cells = table[name].copy()
    cells.iloc[rows] = drawn.astype(cells.dtype).array
    table[name] = cells
