"""Synthetic tables: schema, encoder, synthesizer, quality and privacy reports."""

from gaussflow._optional import import_optional

import_optional("pandas", extra="tabular", caller="gaussflow.tabular")

from gaussflow.tabular.encoder import TableEncoder  # noqa: E402
from gaussflow.tabular.schema import Column, Schema  # noqa: E402

__all__ = ["Column", "Schema", "TableEncoder"]
