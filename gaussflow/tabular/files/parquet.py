"""Reading and writing Parquet files, with errors that say what to do."""

import io

import pandas as pd

from gaussflow._common.optional import import_optional
from gaussflow.tabular.files.csv import TableError


def read_parquet(path):
    """Read a Parquet file to a DataFrame.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    df : pandas.DataFrame
        With the dtypes of the file and a plain index; no layout of a CSV file.

    Raises
    ------
    TableError
        If the file is absent, unreadable, or too small a table.
    ImportError
        If pyarrow is not installed.
    """
    import_optional("pyarrow", extra="parquet", caller="Reading a Parquet file")
    try:
        df = pd.read_parquet(path, engine="pyarrow").reset_index(drop=True)
    except FileNotFoundError as exc:
        raise TableError(f"{path} does not exist. Check the path.") from exc
    except (OSError, ValueError, TypeError, LookupError, MemoryError) as exc:
        reason = " ".join(str(exc).split())
        raise TableError(
            f"{path} cannot be read as Parquet: {reason}. If it is a CSV file, name it "
            "so (.csv)."
        ) from exc
    if df.shape[0] < 2 or df.shape[1] < 2:
        raise TableError(
            f"{path} has {df.shape[0]} row(s) and {df.shape[1]} column(s); at least 2 "
            "of each are needed, and some hundreds of rows to learn well."
        )
    df.attrs = {}
    return df


def parquet_bytes(df):
    """Return a table as the content of a Parquet file."""
    import_optional("pyarrow", extra="parquet", caller="Writing a Parquet file")
    buffer = io.BytesIO()
    df = df.copy(deep=False)
    df.attrs = {}
    df.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()
