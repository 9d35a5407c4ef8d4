"""Tables as float matrices, for the scores."""

import numpy as np

from gaussflow.tabular._values import to_numbers


def code_tables(schema, *tables):
    """Return tables as float matrices with shared codes.

    Numbers and dates become their place on the column's grid, categories whole
    codes, missing cells NaN. Keys, text and empty columns are left out.

    Parameters
    ----------
    schema : Schema
        What the columns are.
    *tables : pandas.DataFrame
        Tables with these columns.

    Returns
    -------
    names : list
        The columns kept.
    categorical : ndarray of shape (n_kept,), bool
        Which of them hold codes.
    matrices : list of ndarray of shape (n_rows, n_kept)
    """
    kept = [c for c in schema if c.is_learned or (c.kind == "constant" and c.distinct)]
    categorical = np.array([not c.is_number for c in kept], dtype=bool)
    matrices = [np.empty((len(t), len(kept))) for t in tables]
    for j, column in enumerate(kept):
        if column.is_number:
            for matrix, table in zip(matrices, tables, strict=True):
                matrix[:, j] = to_numbers(table[column.name], column)
            continue
        code = {}
        for matrix, table in zip(matrices, tables, strict=True):
            cells = table[column.name]
            filled = cells.notna().to_numpy()
            matrix[~filled, j] = np.nan
            matrix[filled, j] = [
                code.setdefault(v, len(code)) for v in cells[filled].tolist()
            ]
    return [c.name for c in kept], categorical, matrices
