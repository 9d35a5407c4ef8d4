"""Peers that synthesize tables: a Gaussian mixture, and two packages if installed.

Each works on the same plain numbers (``Plain``), with its own defaults. arfpy 0.1.1
stops with numpy 2.4 (it calls ``in1d``), ForestDiffusion 1.0.6 with pandas 3 (it writes
to arrays that are read-only there): they need older ones to run, and are recorded as
errors where they stop.
"""

import contextlib
import io
import os
from importlib.util import find_spec

import numpy as np
import pandas as pd
from sklearn.mixture import GaussianMixture

COMPONENTS = (1, 2, 4, 8, 16, 32)
#: Added to the variances of standardised columns: one-hot codes are collinear.
REG_COVAR = 1e-4
#: Columns with more levels are coded by a number, not by a column for each level.
MOST_DUMMIES = 20


class Plain:
    """A table as plain numbers, and back.

    Attributes
    ----------
    frame : DataFrame
        Numbers with their gaps filled by the median; a 0/1 column for each
        that has gaps; whole codes of the categories, the most frequent first,
        missing ones being a category.
    is_code : ndarray of bool
        Which columns hold codes or 0/1.
    """

    def __init__(self, train):
        self.train, parts = train, {}
        self.numeric = [c for c in train if pd.api.types.is_numeric_dtype(train[c])]
        self.levels = {}
        for c in train:
            if c in self.numeric:
                parts[c] = train[c].fillna(train[c].median()).astype(float)
                if train[c].isna().any():
                    parts[f"{c} is missing"] = train[c].isna().astype(float)
            else:
                counts = train[c].value_counts(dropna=False)
                self.levels[c] = counts.index.to_numpy(dtype=object)
                codes = pd.Index(self.levels[c]).get_indexer(train[c].astype(object))
                parts[c] = codes.astype(float)
        self.frame = pd.DataFrame(parts)
        self.is_code = ~self.frame.columns.isin(self.numeric)

    def table(self, drawn):
        """Return the table of plain numbers: rounded, and kept within bounds."""
        drawn, columns = pd.DataFrame(drawn, columns=self.frame.columns), {}
        for c in self.train:
            low, high = self.frame[c].min(), self.frame[c].max()
            values = np.clip(drawn[c].to_numpy(float), low, high)
            if c not in self.numeric:
                columns[c] = self.levels[c][np.rint(values).astype(int)]
                continue
            columns[c] = np.round(values, decimals(self.train[c]))
            if f"{c} is missing" in drawn:
                columns[c][drawn[f"{c} is missing"] > 0.5] = np.nan
        return pd.DataFrame(columns)


def decimals(cells):
    """Return how many decimals a column's numbers have, 9 at most."""
    values = cells.dropna().to_numpy(float)
    return next((k for k in range(9) if np.allclose(values, values.round(k))), 9)


def mixture(train, target, seed):
    """Draw from the Gaussian mixture whose number of components has the best BIC."""
    plain = Plain(train)
    parts, blocks = [], []
    for c, is_code in zip(plain.frame, plain.is_code, strict=True):
        values = plain.frame[[c]].to_numpy()
        n_levels = int(values.max()) + 1 if is_code else 0
        dummies = 2 < n_levels <= MOST_DUMMIES
        parts.append(
            (values == np.arange(n_levels)).astype(float) if dummies else values
        )
        blocks.append(dummies)
    ends = np.cumsum([part.shape[1] for part in parts])
    X = np.concatenate(parts, axis=1)
    mean, scale = X.mean(axis=0), X.std(axis=0)
    X = (X - mean) / np.where(scale > 0, scale, 1.0)
    models = (
        GaussianMixture(k, reg_covar=REG_COVAR, random_state=seed).fit(X)
        for k in COMPONENTS
        if k * 20 <= len(X)
    )
    drawn = min(models, key=lambda m: m.bic(X)).sample(len(train))[0] * scale + mean
    drawn = drawn[np.random.default_rng(seed).permutation(len(drawn))]
    columns = [
        block.argmax(axis=1) if dummies else block[:, 0]
        for block, dummies in zip(
            np.split(drawn, ends[:-1], axis=1), blocks, strict=True
        )
    ]
    return plain.table(np.column_stack(columns))


def arfpy(train, target, seed):
    """Draw from adversarial random forests (arfpy's defaults)."""
    from arfpy import arf

    plain = Plain(train)
    # It looks columns up by place and by name: here they are the same.
    frame = plain.frame.set_axis(range(plain.frame.shape[1]), axis=1)
    frame = frame.astype({j: "category" for j in np.flatnonzero(plain.is_code)})
    np.random.seed(seed)  # noqa: NPY002, it draws from the global state
    with contextlib.redirect_stdout(io.StringIO()):
        model = arf.arf(frame, random_state=seed, verbose=False)
        model.forde()
        return plain.table(model.forge(len(train)).to_numpy(float))


def forestdiffusion(train, target, seed):
    """Draw by flow matching with boosted trees (ForestDiffusion's defaults)."""
    from ForestDiffusion import ForestDiffusionModel

    plain = Plain(train)
    n_levels = plain.frame.max().to_numpy() + 1
    model = ForestDiffusionModel(
        plain.frame.to_numpy(),
        bin_indexes=np.flatnonzero(plain.is_code & (n_levels <= 2)).tolist(),
        cat_indexes=np.flatnonzero(plain.is_code & (n_levels > 2)).tolist(),
        n_jobs=int(os.environ.get("OMP_NUM_THREADS", "1")),
        seed=seed,
    )
    return plain.table(model.generate(batch_size=len(train)))


PEERS = {"mixture": mixture}
if find_spec("arfpy"):
    PEERS["arfpy"] = arfpy
if find_spec("ForestDiffusion"):
    PEERS["forestdiffusion"] = forestdiffusion
