"""Files of strangers: damaged ones, and ones that unpack to far more than they hold."""

import gzip

import numpy as np
import pytest

from gaussflow.tabular.files import csv
from gaussflow.tabular.files.csv import TableError, read_csv
from gaussflow.tabular.files.parquet import parquet_bytes, read_parquet

ROWS = "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(200))


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(ROWS.encode()))
    return path


def damaged(raw, n, seed):
    """Return files with one byte changed, or their end cut off."""
    rng = np.random.default_rng(seed)
    for at in rng.integers(0, len(raw), n):
        copy = bytearray(raw)
        copy[at] ^= rng.integers(1, 256)
        yield copy if rng.random() < 0.9 else copy[:at]


def test_a_packed_table_is_read(packed):
    assert read_csv(packed)["b"].iloc[-1] == 199**2


def test_damage_of_a_packed_table_is_an_error_in_words(packed):
    refused = 0
    for content in damaged(packed.read_bytes(), 200, seed=0):
        packed.write_bytes(content)
        try:
            read_csv(packed)
        except TableError:
            refused += 1
    assert refused > 180  # a few bytes of the header mean nothing


def test_damage_of_a_parquet_table_is_an_error_in_words(packed, tmp_path):
    pytest.importorskip("pyarrow")
    path, refused = tmp_path / "table.parquet", 0
    for content in damaged(parquet_bytes(read_csv(packed)), 200, seed=1):
        path.write_bytes(content)
        try:
            read_parquet(path)
        except TableError:
            refused += 1
    assert refused > 50  # no checksum covers the cells


def test_a_table_that_unpacks_to_far_more_than_its_size_is_refused(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(csv, "LEAST_LIMIT", 2**16)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 2**18))
    with pytest.raises(TableError, match="unpacks to more than 100 times its size"):
        read_csv(path)
