"""Synthetic tables: schema, encoder, synthesizers, quality and privacy reports."""

from gaussflow._common.optional import import_optional

import_optional("pandas", extra="tabular", caller="gaussflow.tabular")

from gaussflow.tabular.columns.column import Column  # noqa: E402
from gaussflow.tabular.constraints.constraint import Constraint  # noqa: E402
from gaussflow.tabular.copula import CopulaSynthesizer  # noqa: E402
from gaussflow.tabular.encoding.encoder import TableEncoder  # noqa: E402
from gaussflow.tabular.report.privacy import PrivacyReport  # noqa: E402
from gaussflow.tabular.report.quality import QualityReport  # noqa: E402
from gaussflow.tabular.report.sections import html_report  # noqa: E402
from gaussflow.tabular.schema import Schema  # noqa: E402
from gaussflow.tabular.synthesizer import TabularSynthesizer  # noqa: E402

__all__ = [
    "Column",
    "Constraint",
    "CopulaSynthesizer",
    "PrivacyReport",
    "QualityReport",
    "Schema",
    "TableEncoder",
    "TabularSynthesizer",
    "html_report",
]
