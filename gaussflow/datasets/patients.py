"""A real table of patients that comes with scikit-learn."""

import numpy as np
from sklearn.datasets import load_breast_cancer


def load_breast_cancer_table():
    """Load the breast cancer table with its diagnosis as text.

    Wisconsin Diagnostic Breast Cancer: 569 patients, 30 measurements of cell
    nuclei and the diagnosis, as bundled with scikit-learn.

    Returns
    -------
    df : pandas.DataFrame of shape (569, 31)
        ``diagnosis`` ("benign" or "malignant") first, then the measurements.

    Examples
    --------
    >>> from gaussflow.datasets import load_breast_cancer_table
    >>> df = load_breast_cancer_table()
    >>> df.shape
    (569, 31)
    >>> df["diagnosis"].value_counts().to_dict()
    {'benign': 357, 'malignant': 212}
    """
    bunch = load_breast_cancer(as_frame=True)
    df = bunch.frame.drop(columns="target")
    df.insert(0, "diagnosis", np.asarray(bunch.target_names)[bunch.target])
    return df
