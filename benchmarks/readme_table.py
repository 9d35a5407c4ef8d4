"""Write the measured results into README.md, between its markers.

Run: ``python benchmarks/readme_table.py``. It changes nothing but the table.
"""

import argparse
import json
from pathlib import Path

import pandas as pd

BENCHMARKS = Path(__file__).parent
README = BENCHMARKS.parent / "README.md"
START, END = "<!-- results: start -->", "<!-- results: end -->"
TABLES_START, TABLES_END = "<!-- tables: start -->", "<!-- tables: end -->"
IMAGES_START, IMAGES_END = "<!-- images: start -->", "<!-- images: end -->"
COLUMNS = {
    "moons": "two moons",
    "swiss_roll": "swiss roll",
    "eight_gaussians": "8 Gaussians",
    "student_t": "t, 8-D",
    "gaussian_16": "normal, 16-D",
    "gaussian_64": "normal, 64-D",
    "breast_cancer": "breast cancer",
    "digits": "digits",
}
ROWS = {
    "exact": "true density",
    "gaussflow": "**gaussflow**, `GenFlow()`",
    "mixture": "Gaussian mixture, BIC",
    "kernel": "kernel density, CV bandwidth",
    "gaussian": "Gaussian, full covariance",
    "neural_spline": "neural spline flow (zuko)",
}


METHODS = {
    "gaussflow": "**gaussflow**, `TabularSynthesizer()`",
    "cart": "sequential CART (synthpop's)",
    "copula": "Gaussian copula, our encoder, no layer",
    "mixture": "Gaussian mixture",
    "arfpy": "arfpy",
    "forestdiffusion": "ForestDiffusion",
    "independent": "independent columns",
    "resample": "training rows, resampled",
}
SCORES = {
    "c2st": "detection AUC",
    "mia_cal_auc": "calibrated membership AUC",
    "mia_auc": "membership AUC",
    "dcr_share": "nearer to training rows",
    "util_gap": "utility lost",
    "pair_tv": "pairs",
    "shape": "shapes",
    "copy_rate": "copies",
}


IMAGE_SETS = {
    "mnist": "MNIST",
    "mnist_2": "only 2",
    "mnist_7": "only 7",
    "fashion": "Fashion-MNIST",
    "cifar_ship": "ships",
    "cifar_cat": "cats",
    "digits": "digits 8x8",
}
IMAGE_METHODS = {
    "flow": "**gaussflow**, `multiscale`",
    "flow_by_label": "**gaussflow**, one flow per label",
    "vae_gmm": "VAE, mixture of 50 on its codes",
    "vae_standard": "VAE, N(0, I)",
    "pca_mixture": "PCA 50, mixture of 10",
    "pixel_gaussian": "Gaussian of the pixels",
}


def images(records):
    """Return the table of drawn images as Markdown lines."""
    found = {(r["set"], r["method"]): r for r in records if "fcd" in r}
    sets = [s for s in IMAGE_SETS if (s, "flow") in found]
    lines = [
        "| FCD | " + " | ".join(IMAGE_SETS[s] for s in sets) + " |",
        "|---" * (len(sets) + 1) + "|",
    ]
    for method, label in IMAGE_METHODS.items():
        cells = [
            f"{found[s, method]['fcd']:.1f}" if (s, method) in found else ""
            for s in sets
        ]
        if any(cells):
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    floors = [f"{found[s, 'flow']['fcd_floor']:.1f}" for s in sets]
    lines.append("| training images (floor) | " + " | ".join(floors) + " |")
    flows = [found[s, "flow"] for s in sets]
    carried = [r["fresh_over_carried"] for r in flows]
    nearest = [r["nearest_ratio"] for r in flows]
    r = found["mnist", "flow"]
    return [
        *lines,
        "",
        f"Fresh samples are as good as those carried along in the fit (FCD of the ones "
        f"over the others {min(carried):.2f} to {max(carried):.2f}), and no copies: "
        f"their median distance to the nearest training image is {min(nearest):.2f} to "
        f"{max(nearest):.2f} times that of test images. On MNIST the fit took "
        f"{r['fit_seconds'] / 60:.0f} minutes, 10,000 samples "
        f"{r['sample_seconds_10000']:.0f} s, both in one thread, and the file has "
        f"{r['model_megabytes']:.0f} MB.",
    ]


def synthetic_tables(records):
    """Return the table of synthesizers as Markdown lines: means over tables."""
    df = pd.DataFrame([r for r in records if "c2st" in r])
    means = df.groupby(["method", "table"])[[*SCORES]].mean().reset_index()
    # Methods are compared on the tables that all of them have.
    counts = means.groupby("table")["method"].nunique()
    common = counts.index[counts == means["method"].nunique()]
    means = means[means["table"].isin(common)].groupby("method")[[*SCORES]].mean()
    lines = [
        "| | " + " | ".join(SCORES.values()) + " |",
        "|---" * (len(SCORES) + 1) + "|",
    ]
    for method, label in METHODS.items():
        if method in means.index:
            cells = (f"{v:.3f}" for v in means.loc[method])
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return [*lines, "", f"Means over {len(common)} tables: {', '.join(common)}."]


def table(density):
    """Return the table of densities as Markdown lines."""
    results = {(r["dataset"], r["method"]): r for r in density["results"]}
    scores = {
        key: r["test_log_likelihood"]
        for key, r in results.items()
        if "test_log_likelihood" in r
    }
    best = {
        dataset: max((s for (d, _), s in scores.items() if d == dataset), default=None)
        for dataset in COLUMNS
    }
    for (dataset, _), r in results.items():
        if "exact" in r:
            scores[dataset, "exact"] = r["exact"]
    lines = [
        "| | " + " | ".join(COLUMNS.values()) + " |",
        "|---" * (len(COLUMNS) + 1) + "|",
    ]
    for method, label in ROWS.items():
        cells = [
            _cell(scores.get((dataset, method)), best[dataset]) for dataset in COLUMNS
        ]
        if any(cells):
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return lines


def _cell(score, best):
    if score is None:
        return ""
    text = f"{score:.2f}"
    return f"**{text}**" if best is not None and text == f"{best:.2f}" else text


def notes(density, speed):
    """Return the sentences below the table."""
    records = [r for r in density["results"] if r["method"] == "gaussflow"]
    machine, versions = density["machine"], density["versions"]
    lines = [
        "Mean test log-likelihood in nats a row, higher is better, best in bold; "
        "defaults everywhere, the same for every data set. Standard errors: "
        + ", ".join(
            f"{COLUMNS[r['dataset']]} {r['standard_error']:.2g}"
            for r in records
            if r["dataset"] in COLUMNS and "standard_error" in r
        )
        + ".",
        f"Machine: {machine['cpu']}, {machine['cores']} cores, one thread; "
        + ", ".join(f"{k} {v}" for k, v in versions.items())
        + ".",
    ]
    fits = [r["fit_seconds"] for r in records if "fit_seconds" in r]
    if fits:
        lines.append(
            f"`GenFlow().fit` took {min(fits):.1f} to {max(fits):.1f} s on these data."
        )
    ratios = {
        r["dataset"]: r["sliced_w2_ratio"] for r in records if "sliced_w2_ratio" in r
    }
    lines.extend(
        f"Sliced W2 of samples against test rows, over that of training rows, on "
        f"{COLUMNS[d]}: {ratio:.2f}."
        for d, ratio in ratios.items()
        if d in COLUMNS
    )
    for record in speed.get("results", []):
        if record["task"] == "iteration" and "fit_over_transform" in record:
            lines.append(
                f"One iteration on {record['rows']:,} x {record['columns']}: transform "
                f"{record['transform_over_product_and_ndtri']:.1f} times `X @ Q` plus "
                f"`ndtri`; fit {record['fit_over_transform']:.1f} times transform."
            )
        if record["task"] == "million_rows" and "peak_over_rows" in record:
            lines.append(
                f"{record['rows']:,} x {record['columns']}: fit in "
                f"{record['fit_seconds']:.0f} s on {record['n_jobs']} threads, memory "
                f"{record['peak_over_rows']:.1f} times the rows'."
            )
    return lines


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", default=BENCHMARKS, type=Path)
    parser.add_argument("--readme", default=README, type=Path)
    args = parser.parse_args(argv)
    found = {path.stem: path for path in args.results.rglob("*.json")}
    content = {
        name: json.loads(found[name].read_text())
        for name in ("density", "speed", "tabular", "images")
        if name in found
    }
    density = content["density"]
    lines = [*table(density), "", *notes(density, content.get("speed", {}))]
    text = _between(args.readme.read_text(), START, END, lines, args.readme)
    if "tabular" in content:
        lines = synthetic_tables(content["tabular"]["results"])
        text = _between(text, TABLES_START, TABLES_END, lines, args.readme)
    if "images" in content:
        lines = images(content["images"]["results"])
        text = _between(text, IMAGES_START, IMAGES_END, lines, args.readme)
    args.readme.write_text(text)


def _between(text, start, end, lines, path):
    """Return the text with other lines between two markers."""
    if start not in text or end not in text:
        raise SystemExit(f"{path} lacks the lines {start} and {end}.")
    head, rest = text.split(start, 1)
    return f"{head}{start}\n" + "\n".join(lines) + f"\n{end}" + rest.split(end, 1)[1]


if __name__ == "__main__":
    main()
