"""Do two versions of the package give the same numbers for the same seeds?

Twenty-odd fits of public estimators, small and seeded, on data that scikit-learn ships:

    python benchmarks/same_numbers.py write OLD.npz     # on the one version
    python benchmarks/same_numbers.py write NEW.npz     # on the other
    python benchmarks/same_numbers.py compare OLD.npz NEW.npz [RESULT.json]

``same_numbers.json`` holds what the change of rooms left: the fits before it against
those after. Where arrays differ by more than rounding, direction "generate" no longer
fits the law of noise, and Triangular's source map draws other random numbers.

The comparison prints a line for every array: the same to the bit, or the largest
difference. Fits that torch trains are made where torch is installed.
"""

import json
import sys
from importlib.util import find_spec

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    make_moons,
    make_swiss_roll,
)

SEED = 0


def data():
    """Return the tables that the fits see."""
    moons = make_moons(600, noise=0.1, random_state=SEED)[0]
    roll = make_swiss_roll(600, noise=0.5, random_state=SEED)[0]
    cancer = load_breast_cancer().data[:300]
    digits, labels = load_digits(return_X_y=True)
    return moons, roll, cancer[:, :8], cancer, digits[:400], labels[:400]


def fits():
    """Return the fits by name: functions without arguments that give a model, X."""
    from gaussflow import (
        BaggedGenFlow,
        ClassConditionalFlow,
        DensityOutlierDetector,
        GenFlow,
        layers,
    )
    from gaussflow.architectures import multiscale

    moons, roll, few, cancer, digits, labels = data()
    L = layers
    generate = {"direction": "generate", "random_state": SEED}

    def flow(X, *args, **kwargs):
        return lambda: (GenFlow(*args, **{"random_state": SEED, **kwargs}).fit(X), X)

    def layer(X, one):
        return lambda: (one.set_params(random_state=SEED).fit(X), X)

    square, image = [L.Linear(n_iter=4)], (8, 8, 1)
    return {
        "GenFlow, auto, 2 columns": flow(moons),
        "GenFlow, auto, 30 columns": flow(cancer),
        "GenFlow, float32": flow(roll, square, dtype=np.float32),
        "GenFlow, refined": flow(moons, square, refinement="joint"),
        "GenFlow, generate, auto": flow(moons, **generate),
        "GenFlow, generate, rotations": flow(roll, square, **generate),
        "GenFlow, generate, layers": flow(
            few, [L.Elliptical(), L.Triangular(n_estimators=2), *square], **generate
        ),
        "GenFlow, generate, radial": flow(
            few, [L.ScaleMixture(3, 2), L.Radial(), *square], **generate
        ),
        "GenFlow, generate, images": flow(
            digits,
            multiscale(image, direction="generate", n_levels=17, n_iter=3),
            **generate,
        ),
        "GenFlow, images": flow(digits, multiscale(image, n_levels=17, n_iter=2)),
        "Linear, polynomial": layer(roll, L.Linear(n_iter=4, marginal="polynomial")),
        "Linear, kde, random": layer(
            few, L.Linear(n_iter=4, marginal="kde", rotation="random")
        ),
        "Linear, quantile, ica": layer(
            few, L.Linear(n_iter=3, marginal="quantile", rotation="ica")
        ),
        "Linear, structured": layer(cancer, L.Linear(n_iter=3, rotation="structured")),
        "Conv": layer(digits, L.Conv(image, 4, n_iter=2)),
        "Triangular": layer(few, L.Triangular()),
        "Elliptical": layer(cancer, L.Elliptical()),
        "Radial": layer(roll, L.Radial()),
        "ScaleMixture": layer(few, L.ScaleMixture(4, 3)),
        "Pyramid": layer(digits, L.Pyramid(image, L.Linear(n_iter=2))),
        "TreeTriangular": layer(np.round(few, 1), L.TreeTriangular()),
        "BaggedGenFlow": lambda: (
            BaggedGenFlow(GenFlow(square), n_estimators=2, random_state=SEED).fit(few),
            few,
        ),
        "ClassConditionalFlow": lambda: (
            ClassConditionalFlow(GenFlow([L.Elliptical()]), random_state=SEED).fit(
                digits[:, 20:30], labels
            ),
            digits[:, 20:30],
        ),
        "DensityOutlierDetector": lambda: (
            DensityOutlierDetector(random_state=SEED).fit(few),
            few,
        ),
    }


def outputs(model, X):
    """Return what a fitted model gives, by name of the method."""
    found = {}
    for method in ("transform", "score_samples", "decision_function"):
        if hasattr(model, method):
            found[method] = np.asarray(getattr(model, method)(X[:200]))
    if hasattr(model, "sample"):
        drawn = model.sample(50, random_state=SEED)
        found["sample"] = np.asarray(drawn[0] if isinstance(drawn, tuple) else drawn)
    return found


def shortened(model, n_iter):
    """Set how long a model is trained, under the name that its version gives it."""
    names = [n for n in ("max_iter", "n_steps", "n_epochs") if n in model.get_params()]
    return model.set_params(**{names[0]: n_iter})


def information_and_nets():
    """Return arrays of what is fitted by functions, and of what torch trains."""
    from sklearn.datasets import load_sample_image

    from gaussflow.baselines import FourierImageCompressor
    from gaussflow.information import total_correlation

    moons, _, few, _, digits, labels = data()
    found = {"total_correlation": np.asarray(total_correlation(few, random_state=SEED))}
    picture = load_sample_image("china.jpg")[:64, :64]
    codec = FourierImageCompressor(width=4, depth=2, random_state=SEED)
    codec = shortened(codec, 30).fit(picture)
    found["FourierImageCompressor"] = codec.decompress(codec.stream_)
    if find_spec("torch"):
        from gaussflow.baselines import AutoencoderTransformer, VAETransformer

        for kind in (AutoencoderTransformer, VAETransformer):
            net = kind(latent_dim=3, hidden_sizes=(16,), random_state=SEED)
            net = shortened(net, 3).fit(digits / 16.0)
            found[kind.__name__] = net.transform(digits / 16.0)
    return found


def write(path):
    """Make all fits; store what they give."""
    arrays = {}
    for name, make in fits().items():
        model, X = make()
        for method, array in outputs(model, X).items():
            arrays[f"{name}: {method}"] = array
        print(name, flush=True)
    for name, array in information_and_nets().items():
        arrays[name] = array
    np.savez_compressed(path, **arrays)


def compare(old, new, result=None):
    """Print how the arrays of two files differ; return how many do."""
    old, new = np.load(old, allow_pickle=False), np.load(new, allow_pickle=False)
    rows = {}
    for name in sorted({*old.files, *new.files}):
        if name not in old.files or name not in new.files:
            rows[name] = "only in " + ("new" if name in new.files else "old")
        elif old[name].shape != new[name].shape:
            rows[name] = f"shape {old[name].shape} -> {new[name].shape}"
        elif np.array_equal(old[name], new[name], equal_nan=True):
            rows[name] = "same bits"
        else:
            difference = np.nanmax(np.abs(old[name].astype(float) - new[name]))
            rows[name] = f"differs by at most {difference:.3g}"
        print(f"{name:50s} {rows[name]}")
    differing = sum(row != "same bits" for row in rows.values())
    print(f"{len(rows) - differing} arrays of the same bits, {differing} others")
    if result is not None:
        with open(result, "w") as file:
            json.dump(rows, file, indent=1)
            file.write("\n")
    return differing


if __name__ == "__main__":
    command, *paths = sys.argv[1:]
    if command == "write":
        write(*paths)
    else:
        sys.exit(compare(*paths) > 0)
