"""Synthetic tables: schema, encoder, synthesizer, quality and privacy reports."""

from gaussflow._optional import import_optional

import_optional("pandas", extra="tabular", caller="gaussflow.tabular")

from gaussflow.tabular.column import Column  # noqa: E402
from gaussflow.tabular.constraints import Constraint  # noqa: E402
from gaussflow.tabular.encoder import TableEncoder  # noqa: E402
from gaussflow.tabular.privacy import PrivacyReport  # noqa: E402
from gaussflow.tabular.quality import QualityReport  # noqa: E402
from gaussflow.tabular.report import html_report  # noqa: E402
from gaussflow.tabular.schema import Schema  # noqa: E402
from gaussflow.tabular.synthesizer import TabularSynthesizer  # noqa: E402

__all__ = [
    "Column",
    "Constraint",
    "PrivacyReport",
    "QualityReport",
    "Schema",
    "TableEncoder",
    "TabularSynthesizer",
    "html_report",
]
