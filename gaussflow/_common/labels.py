"""Labels to numbers of classes: one way, for every model that knows labels."""

import numpy as np


def label_codes(labels, classes, n_samples, *, name="labels"):
    """Return the number of each row's class.

    ``classes`` are the labels seen at fit, and one label stands for all rows. A
    ValueError calls them ``name``: where there are not as many as rows, or one was not
    seen at fit.

    Examples
    --------
    >>> import numpy as np
    >>> from gaussflow._common.labels import label_codes
    >>> label_codes(["cat", "ant"], np.array(["ant", "bee", "cat"]), 2)
    array([2, 0])
    >>> label_codes("bee", np.array(["ant", "bee", "cat"]), 3)
    array([1, 1, 1])
    """
    if np.ndim(labels) == 0:
        labels = np.full(n_samples, labels)
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(
            f"{name} must be one label, or a list of one for each row, got an array of "
            f"shape {labels.shape}."
        )
    if len(labels) != n_samples:
        raise ValueError(
            f"{name} has {len(labels)} entries for {n_samples} rows. Pass one for each "
            f"row, or a single label for all."
        )
    # Python's own equality: numpy would take the text "1" for the number 1.
    codes = {label: code for code, label in enumerate(classes.tolist())}
    labels = labels.tolist()
    for label in labels:
        if label not in codes:
            raise ValueError(
                f"{name} holds {label!r}, which was not seen at fit. The labels are "
                f"{classes}."
            )
    return np.array([codes[label] for label in labels], dtype=np.intp)
