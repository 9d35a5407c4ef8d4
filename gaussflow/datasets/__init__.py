"""Tables for examples and demonstrations."""

from gaussflow.datasets.patients import load_breast_cancer_table

__all__ = ["load_breast_cancer_table"]
