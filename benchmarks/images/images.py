"""Are drawn images as good as real ones, no copies, and affordable?

FCD is the Frechet distance on the features of a small classifier fitted on the
training images of all classes, the same for every method; its floor is that of
training images. Carried samples are those that a flow's fit moved to the data, fresh
ones come from new noise. Scores of fresh samples are beside test images. Runs:
``python benchmarks/images/images.py mnist fashion cifar digits``, of single classes
``python benchmarks/images/images.py mnist_2 mnist_7 cifar_cat``; ``bsds`` is
measured by ``images_density.py``. What is measured is put beside what the file holds,
with the machine and versions it was measured on.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import pickle
import tempfile
import time
import warnings
from importlib.util import find_spec

import numpy as np

from benchmarks.common.measure import PeakMemory, in_new_process, timed
from benchmarks.common.results import ResultFile, arguments
from benchmarks.images import images_density
from benchmarks.images.image_sets import SETS, base, load, parts
from benchmarks.images.methods import METHODS, warm_up
from gaussflow.metrics import (
    ClassifierFeatures,
    density_coverage,
    frechet_distance,
    inception_score,
    nearest_distance,
    precision_recall,
)

N_SAMPLES = 10_000
#: Samples whose nearest training images are looked for: their median is wanted.
N_NEAREST = 2_000
#: Images that the judge is shown in all its passes, and the most passes.
JUDGE_IMAGES, JUDGE_EPOCHS = 300_000, 60


# -- the judge ------------------------------------------------------------------


def train_judge(name, rows, path):
    """Fit the classifier of a whole set that scores images; keep it in a file."""
    images = load(name, rows)
    X, y = images.X, images.y
    if find_spec("torch"):
        from gaussflow.baselines import ImageClassifier

        n_epochs = int(np.clip(JUDGE_IMAGES // len(X), 1, JUDGE_EPOCHS))
        # Of few images, many passes may learn too much.
        judge = ImageClassifier(
            images.image_shape,
            n_epochs=n_epochs,
            early_stopping=n_epochs > 5,
            patience=5,
            random_state=0,
        )
    else:
        judge = ClassifierFeatures(random_state=0)
    judge.fit(X, y)
    Path(path).write_bytes(pickle.dumps(judge))
    return {
        "judge": type(judge).__name__,
        "judge_accuracy": float(judge.score(images.X_test, images.y_test)),
    }


# -- one method on one set ------------------------------------------------------


def evaluate(name, method, options, judge_path, folder):
    """Fit a method's models on a set; return a record of each."""
    # Of the rivals: mixtures that have not converged.
    warnings.simplefilter("ignore")
    images = load(name, options.rows)
    judge = pickle.loads(Path(judge_path).read_bytes())
    warm_up(method)
    real = describe(images, judge)
    records, cost = [], {"fit_seconds": 0.0, "fit_cpu_seconds": 0.0}
    for model_name, model, fit in METHODS[method](images, options):
        start = time.process_time()
        with PeakMemory() as peak:
            _, seconds = timed(fit)
        # A model that goes on from the one before has cost both.
        cost["fit_cpu_seconds"] += time.process_time() - start
        cost["fit_seconds"] += seconds
        cost["peak_megabytes"] = max(peak.megabytes, cost.get("peak_megabytes", 0.0))
        cost["process_megabytes"] = peak.highest
        (samples, labels), seconds = timed(model.sample, N_SAMPLES, 1)
        # Some models draw class by class: the first samples are to be any.
        order = np.random.default_rng(0).permutation(len(samples))
        samples = as_images(samples[order], images)
        record = {
            "method": model_name,
            **getattr(model, "settings", {}),
            **cost,
            "model_megabytes": file_megabytes(model),
            "sample_seconds_10000": seconds,
            **scores(samples, images, judge, real),
        }
        if labels is not None:
            agreed = judge.predict(samples) == np.asarray(labels)[order]
            record["label_agreement"] = float(np.mean(agreed))
        if hasattr(model, "carried"):
            record |= beside_carried(model.carried(), samples, images, judge, real)
        record["picture"] = f"images_{name}_{model_name}.png"
        draw(samples[:100], images, Path(folder) / record["picture"])
        records.append(record)
    return {"records": records}


def as_images(samples, images):
    """Return what is shown of rows: whole numbers within the range, float32."""
    return np.clip(np.rint(samples), 0, images.top).astype(np.float32)


def file_megabytes(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        model.save(path)
        return path.stat().st_size / 1e6


# -- scores ---------------------------------------------------------------------


def some(X, n):
    """Return n rows at random, or all of them, always the same."""
    if len(X) <= n:
        return X
    return X[np.random.default_rng(0).choice(len(X), n, replace=False)]


def describe(images, judge):
    """Return of the real images what every score compares with."""
    features = judge.transform(images.X_test)
    train = judge.transform(some(images.X, N_SAMPLES))
    nearest = nearest_distance(some(images.X_test, N_NEAREST), images.X)
    return {
        "features": features,
        "fcd_floor": frechet_distance(train, features),
        "nearest_distance_test": float(np.median(nearest)),
    }


def scores(samples, images, judge, real):
    """Score fresh samples beside test images."""
    features = judge.transform(samples)
    n = min(len(features), len(real["features"]))
    equal = real["features"][:n], features[:n]
    nearest = float(np.median(nearest_distance(samples[:N_NEAREST], images.X)))
    record = {
        "train_rows": len(images.X),
        "test_rows": len(images.X_test),
        "fcd": frechet_distance(features, real["features"]),
        "fcd_floor": real["fcd_floor"],
        **precision_recall(*equal)._asdict(),
        **density_coverage(*equal)._asdict(),
        "nearest_distance": nearest,
        "nearest_distance_test": real["nearest_distance_test"],
        "nearest_ratio": nearest / real["nearest_distance_test"],
    }
    if images.label is None:
        record["inception_score"] = inception_score(judge.predict_proba(samples))
    else:
        # Of one class, the share that the judge takes for it.
        record["of_the_class"] = float(np.mean(judge.predict(samples) == images.label))
    return record


def beside_carried(carried, samples, images, judge, real):
    """Compare carried samples with as many fresh ones."""
    carried = as_images(carried, images)
    n = min(len(carried), len(samples))
    fcd, fresh = (
        frechet_distance(judge.transform(rows[:n]), real["features"])
        for rows in (carried, samples)
    )
    return {
        "carried_rows": n,
        "fcd_carried": fcd,
        "fcd_fresh_as_many": fresh,
        "fresh_over_carried": fresh / fcd,
    }


def draw(samples, images, path):
    """Write 10 x 10 images as a small PNG file."""
    from PIL import Image  # comes with matplotlib

    height, width, channels = images.image_shape
    size = max(1, 28 // height)
    pixels = np.rint(samples * (255 / images.top)).astype(np.uint8)
    pixels = pixels.reshape(-1, height, width, channels)
    pixels = pixels.repeat(size, axis=1).repeat(size, axis=2)
    # A seam of two pixels between one image and the next.
    around = ((0, 0), (1, 1), (1, 1), (0, 0))
    pixels = np.pad(pixels, around, constant_values=128)
    pixels = pixels.reshape(10, 10, *pixels.shape[1:]).transpose(0, 2, 1, 3, 4)
    pixels = pixels.reshape(-1, 10 * (width * size + 2), channels)
    picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    if channels > 1:
        picture = picture.quantize(256)
    picture.save(path, optimize=True)


# -- the command ----------------------------------------------------------------


def set_names(text):
    """Return what a name on the command line stands for: sets, or one class."""
    try:
        return parts(text)
    except KeyError as err:
        raise argparse.ArgumentTypeError(err.args[0]) from None


def main(argv=None):
    parser = arguments(__doc__, __file__)
    sets_help = f"{', '.join(SETS)}, or a class: mnist_2, cifar_cat; all but bsds"
    parser.add_argument("sets", nargs="*", type=set_names, help=sets_help)
    methods_help = "default: all but flow_by_label, one flow for each class"
    parser.add_argument("--methods", nargs="+", choices=METHODS, help=methods_help)
    epochs_help = "passes of the VAE; by default as many as show it 1.2 million images"
    parser.add_argument("--vae-epochs", type=int, help=epochs_help)
    parser.add_argument("--n-jobs", type=int, default=2, help="threads of the flow")
    rows_help = "at most so many rows of each part: a smoke test"
    parser.add_argument("--rows", type=int, help=rows_help)
    options = parser.parse_args(argv)
    own_file = options.out != parser.get_default("out")
    if options.rows and not own_file:
        parser.error("--rows needs --out: what it measures is no result")
    sets = options.sets or [parts(name) for name in SETS if name != "bsds"]
    names = [name for some in sets for name in some]
    if "bsds" in names:
        if options.rows or options.methods or own_file:
            parser.error("bsds takes no options here: see images_density.py --help")
        images_density.main(["bsds"])
        names = [name for name in names if name != "bsds"]
    if not find_spec("PIL"):
        parser.error('pictures need matplotlib: pip install "gaussflow[viz]"')
    methods = options.methods or [m for m in METHODS if m != "flow_by_label"]
    path = options.out
    path.parent.mkdir(parents=True, exist_ok=True)
    out = ResultFile(path, keys=("set", "method"), mixed=True)
    judges = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            judge_path = Path(folder) / base(name)
            if base(name) not in judges:
                about = in_new_process(
                    train_judge, base(name), options.rows, judge_path
                )
                if "error" in about:
                    sys.exit(f"{base(name)}: no judge: {about['error']}")
                judges[base(name)] = about
                print(base(name), about, flush=True)
            for method in methods:
                found = in_new_process(
                    evaluate, name, method, options, judge_path, path.parent
                )
                # An error is told, and takes no earlier figure's place.
                if "error" in found:
                    print(f"{name:12} {method:14} {found['error']}", flush=True)
                for record in found.get("records", ()):
                    out.add({"set": name, **record, **judges[base(name)]})
                    print(summary(name, record), flush=True)


def summary(name, record):
    """Return one line of what matters most."""
    line = (
        f"{name:12} {record['method']:14} FCD {record['fcd']:8.2f} "
        f"(floor {record['fcd_floor']:.2f})  nearest {record['nearest_ratio']:.2f}  "
        f"fit {record['fit_seconds']:7.1f} s  {record['model_megabytes']:6.1f} MB  "
        f"10,000 in {record['sample_seconds_10000']:.1f} s"
    )
    if "fcd_carried" in record:
        line += f"  carried {record['fcd_carried']:.2f}"
    return line


if __name__ == "__main__":
    main()
