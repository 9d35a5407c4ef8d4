"""What classifiers share whose last hidden layer gives features of images."""

import numpy as np
from sklearn.base import (
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.multiclass import check_classification_targets

from gaussflow._common.docstrings import Documented


class FeatureClassifier(
    Documented, ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin
):
    """Base of classifiers that give features, and a score of each class.

    A subclass has ``classes_`` and ``_scores(X)``, of shape (n_samples, n_classes).
    """

    def predict_proba(self, X):
        """Return the probability of each class.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        scores = self._scores(X)
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        return scores / scores.sum(axis=1, keepdims=True)

    def predict(self, X):
        """Return the likeliest class of each row.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        codes = self.predict_proba(X).argmax(axis=1)
        return self.classes_[codes]

    def _check_classes(self, y):
        """Return the classes of labels, and each label's number, if there are two."""
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes, but y holds one "
                f"class only: {classes[0]}."
            )
        return classes, codes
