"""How good are Deep Fourier Machines, as a picture's codec and as a generator?

``compress``: quality after so many steps, from this package's start and from the
thesis', and what quantisation loses. ``rd``: decibels in equal bytes beside Pillow's
JPEG, WebP and AVIF, and a SIREN with as many weights (not quantised). ``generate``:
MNIST and Fashion-MNIST beside other decoders. One CPU thread. The training's settings
were chosen on Kodak's pictures 4, 13 and 23. Run:
``python benchmarks/images/fourier.py compress rd generate``.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from importlib.util import find_spec

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

from benchmarks.common.results import ResultFile, arguments
from benchmarks.images.picture_codecs import CODECS, best_of_codec, siren
from gaussflow.baselines import FourierImageCompressor

PHOTOS = ("china", "flower")
# Not those that settings were chosen on.
KODAK = tuple(k for k in range(1, 25) if k not in (4, 13, 23))
#: Targets in bits a pixel.
RATES = (0.2, 0.3, 0.6, 1.12)
#: What ``compress`` fits: settings beyond the defaults, and the pictures.
FITS = {
    "w 6 d 4, 1,500 steps": ({}, PHOTOS),
    "w 6 d 4, 1,500 steps, thesis": ({"init": "thesis", "polish": None}, PHOTOS),
    "w 6 d 4, 5,000 steps": ({"max_iter": 5000}, PHOTOS),
    "w 8 d 4, 1,500 steps": ({"width": 8}, ("china",)),
}


def photo(name, side):
    """Return one of scikit-learn's photographs: its middle square, made smaller."""
    image = Image.fromarray(load_sample_image(f"{name}.jpg"))
    least = min(image.size)
    left, top = ((length - least) // 2 for length in image.size)
    square = image.crop((left, top, left + least, top + least))
    return np.array(square.resize((side, side), Image.Resampling.LANCZOS))


def kodak(number, part):
    """Return one of Kodak's photographs, both sides divided by ``part``."""
    folder = Path(os.environ["GAUSSFLOW_DATA"]) / "images" / "kodak"
    image = Image.open(folder / f"kodim{number:02}.png").convert("RGB")
    size = [length // part for length in image.size]
    return np.array(image.resize(size, Image.Resampling.LANCZOS))


def pictures(args):
    """Yield names and pictures of ``rd``."""
    for name in args.photos:
        yield f"{name} {args.side}x{args.side}", photo(name, args.side)
    for number in args.kodak:
        image = kodak(number, args.part)
        yield f"kodim{number:02} {image.shape[1]}x{image.shape[0]}", image


def fitted(image, **options):
    """Return a compressor and its record."""
    start = time.process_time()
    compressor = FourierImageCompressor(**options).fit(image)
    return compressor, {
        "width": compressor.width_,
        "depth": compressor.depth_,
        "n_weights": compressor.n_weights_,
        "trained_psnr": compressor.trained_psnr_,
        "psnr": compressor.psnr_,
        "bytes": len(compressor.stream_),
        "entropy_bytes": compressor.entropy_bytes_,
        "bpp": compressor.bpp_,
        "cpu_seconds": time.process_time() - start,
    }


def compress(args):
    """Yield records of fits at 10 bits a weight."""
    for method in args.fits:
        options, names = FITS[method]
        for name in names:
            if name not in args.photos:
                continue
            for seed in args.seeds:
                quick = {"max_iter": 20, "n_polish_steps": 5} if args.quick else {}
                image = photo(name, args.side)
                options = options | quick
                _, record = fitted(image, **options, random_state=seed)
                # Where a good picture is wanted, and bytes are many, JPEG leads.
                jpeg = best_of_codec("jpeg", image, record["bytes"])
                record["jpeg_psnr"] = jpeg["psnr"] if jpeg else None
                yield {"on": name, "method": method, "seed": seed, **record}


def rd(args):
    """Yield records of equal bytes."""
    for on, image in pictures(args):
        for rate in args.rates:
            n_bytes = int(rate * image.shape[0] * image.shape[1] / 8)
            here = {"on": on, "rate": rate}
            weights = 0
            for seed in args.seeds:
                quick = {"n_polish_steps": 5} if args.quick else {}
                _, record = fitted(
                    image,
                    width="auto",
                    depth="auto",
                    target_bytes=n_bytes,
                    max_iter=20 if args.quick else args.steps,
                    random_state=seed,
                    **quick,
                )
                weights = record["n_weights"]
                yield {**here, "method": "fourier", "seed": seed, **record}
            for codec in CODECS:
                record = best_of_codec(codec, image, n_bytes) or {"psnr": None}
                yield {**here, "method": codec, "seed": 0, **record}
            if args.siren and find_spec("torch"):
                n_steps = 20 if args.quick else args.steps
                record = siren(image, weights, n_steps, 4096, seed=0)
                yield {**here, "method": "siren", "seed": 0, **record}


def generate(args):
    """Yield records of generators."""
    from benchmarks.images.fourier_generate import generate as records

    for name in args.sets:
        for seed in args.seeds:
            for record in records(name, seed, args.quick):
                yield {"on": name, "seed": seed, **record}


TASKS = {"compress": compress, "rd": rd, "generate": generate}


def main(argv=None):
    parser = arguments(__doc__, __file__, quick="small")
    parser.add_argument("tasks", nargs="+", choices=list(TASKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--photos", nargs="*", choices=PHOTOS, default=PHOTOS)
    parser.add_argument("--side", type=int, default=128, help="of the photos")
    parser.add_argument("--fits", nargs="+", choices=list(FITS), default=list(FITS))
    parser.add_argument("--kodak", nargs="*", type=int, default=KODAK)
    parser.add_argument("--part", type=int, default=4, help="of Kodak's sides")
    parser.add_argument("--rates", nargs="+", type=float, default=RATES)
    parser.add_argument("--steps", type=int, default=5000, help="of rd")
    parser.add_argument("--siren", action="store_true", help="needs torch")
    parser.add_argument("--sets", nargs="+", default=["mnist", "fashion"])
    args = parser.parse_args(argv)
    out = ResultFile(
        args.out, keys=("task", "on", "rate", "method", "seed"), mixed=True
    )
    for task in args.tasks:
        for record in TASKS[task](args):
            out.add({"task": task, "rate": None, **record})
            print(*(f"{k} {rounded(v)}" for k, v in record.items()), flush=True)


def rounded(value):
    return f"{value:.3f}" if isinstance(value, float) else value


if __name__ == "__main__":
    main()
