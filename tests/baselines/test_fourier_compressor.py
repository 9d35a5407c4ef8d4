"""One picture as a Fourier net: rate, quality, and input that makes no sense."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from gaussflow.baselines import FourierImageCompressor
from gaussflow.baselines.fourier.net import (
    FourierNet,
    pixel_positions,
)
from gaussflow.baselines.fourier.rate import auto_shape
from gaussflow.baselines.fourier.training import (
    PixelError,
    descend,
    usual_learning_rate,
)
from gaussflow.persistence import load
from tests.kernels.fourier_reference import reference_forward

ROOT = Path(__file__).parents[2]
SMALL = {"width": 3, "depth": 2, "max_iter": 200, "n_polish_steps": 30}


def picture(height=24, width=32, channels=3):
    """Return blobs of colour: smooth, and different in every channel."""
    row, column = np.mgrid[0:height, 0:width]
    row, column = (row + 0.5) / height, (column + 0.5) / width
    shades = []
    for channel in range(channels):
        distance = (row - 0.3 - 0.2 * channel) ** 2 + (column - 0.5) ** 2
        shades.append(20 + 200 * np.exp(-6 * distance) * (0.5 + 0.5 * row))
    image = np.rint(np.stack(shades, axis=-1)).astype(np.uint8)
    return image if channels > 1 else image[:, :, 0]


def psnr(a, b):
    mse = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return 10 * np.log10(255**2 / mse)


@pytest.fixture(scope="module")
def fitted():
    return FourierImageCompressor(**SMALL, random_state=0).fit(picture())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("basis", ["full", "cas"])
def test_a_stream_gives_back_the_picture(channels, basis):
    image = picture(channels=channels)
    compressor = FourierImageCompressor(**SMALL, basis=basis, random_state=0)
    stream = compressor.compress(image)
    again = FourierImageCompressor.decompress(stream)
    assert again.shape == image.shape
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, compressor.reconstruct())
    assert compressor.psnr_ == pytest.approx(psnr(image, again))
    # A grey picture of the mean colour has 14 dB.
    assert compressor.psnr_ > 18
    assert compressor.bpp_ == 8 * len(stream) / (24 * 32)
    assert compressor.n_weights_ == FourierNet(3, 2, channels, basis).n_weights


def test_a_picture_is_what_the_plain_definition_makes_of_the_weights(fitted):
    """Another machine's arithmetic is as near as numpy's here: one grey level."""
    net = FourierNet(3, 2)
    colours = reference_forward(net, fitted.weights_, pixel_positions(24, 32))
    expected = 127.5 * (colours + 1)
    picture = fitted.reconstruct().reshape(expected.shape)
    assert abs(picture - expected).max() <= 0.5 + 1e-6


def test_ten_bits_lose_little_and_fill_what_their_entropy_says(fitted):
    assert fitted.psnr_ > fitted.trained_psnr_ - 0.1
    steps = [abs(part).max() / 511 for part in FourierNet(3, 2).split(fitted.weights_)]
    assert min(steps) > 0
    # Beyond the weights there are 35 bytes at most, of header and checksum.
    assert len(fitted.stream_) <= 1.002 * fitted.entropy_bytes_ + 35


def test_streams_keep_to_their_bytes_and_fill_them():
    for target in (120, 170):
        compressor = FourierImageCompressor(
            **SMALL, target_bytes=target, random_state=0
        )
        n_bytes = len(compressor.compress(picture()))
        assert target - 12 <= n_bytes <= target


def test_streams_keep_to_their_decibels():
    sizes = []
    for target in (22.0, 25.0):
        compressor = FourierImageCompressor(**SMALL, target_psnr=target, random_state=0)
        sizes.append(len(compressor.compress(picture())))
        # Some symbols of so small a net are a decibel each.
        assert target <= compressor.psnr_ < target + 1.5
    assert sizes[0] < sizes[1]


def test_training_again_between_maps_pays():
    image = picture()
    quality = {}
    for n_steps, polish in ((30, "lbfgs"), (230, None)):
        options = SMALL | {"n_polish_steps": n_steps, "polish": polish}
        compressor = FourierImageCompressor(
            **options, target_bytes=130, random_state=0
        ).fit(image)
        quality[polish] = compressor.psnr_ - compressor.trained_psnr_
    assert quality["lbfgs"] > quality[None]


def test_same_seed_same_stream():
    image = picture(12, 12, 1)
    options = SMALL | {"max_iter": 20, "n_polish_steps": 5}
    streams = {
        FourierImageCompressor(**options, random_state=seed).compress(image)
        for seed in (0, 0, 1)
    }
    assert len(streams) == 2


def test_any_resolution_and_any_position(fitted):
    fine = fitted.reconstruct((72, 96))
    coarse = fitted.reconstruct()
    # Each pixel's centre is that of the middle one of nine.
    np.testing.assert_array_equal(fine[1::3, 1::3], coarse)
    corner = fitted.pixels([[0.5 / 24, 0.5 / 32]])
    assert abs(corner[0] - coarse[0, 0]).max() <= 0.5 + 1e-9


def test_save_and_load_keep_the_picture(fitted, tmp_path):
    path = tmp_path / "picture.gaussflow"
    fitted.save(path)
    again = load(path, expected=FourierImageCompressor)
    assert again.stream_ == fitted.stream_
    np.testing.assert_array_equal(again.reconstruct(), fitted.reconstruct())
    assert clone(fitted).get_params() == fitted.get_params()


def test_a_net_that_turns_grey_starts_again():
    """Non-regression: a step far too long once left every pixel the mean."""
    image = picture()
    net = FourierNet(5, 5)
    error = PixelError(net, pixel_positions(24, 32), image.reshape(-1, 3) / 127.5 - 1)
    rng = np.random.default_rng(0)
    weights, history = descend(
        error,
        net.draw(rng),
        max_iter=400,
        batch_size=768,
        learning_rate=16 * usual_learning_rate(net),
        rng=rng,
    )
    assert history[7]["mse"] > 0.5 * error.target.var()
    assert error(weights)[0] < 0.1 * error.target.var()


def test_auto_takes_more_weights_for_more_bytes():
    counts = [auto_shape(n, 3, "full").n_weights for n in (300, 1200, 2300, 9000)]
    assert counts == sorted(set(counts))
    compressor = FourierImageCompressor(
        "auto", "auto", target_bytes=100, max_iter=20, n_polish_steps=5
    ).fit(picture(12, 12))
    assert (compressor.width_, compressor.depth_) == (3, 3)


def test_decompress_loads_no_torch(fitted, tmp_path):
    (tmp_path / "stream").write_bytes(fitted.stream_)
    code = (
        "import sys; from pathlib import Path\n"
        "from gaussflow.baselines import FourierImageCompressor as C\n"
        f"image = C.decompress(Path({str(tmp_path / 'stream')!r}).read_bytes())\n"
        "assert 'torch' not in sys.modules\n"
        "print(image.sum())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert int(done.stdout) == fitted.reconstruct().sum()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((1, 1), np.uint8), "has 1 pixels"),
        (np.zeros((8, 8), np.uint16), "Scale 16 bits to 8"),
        (np.zeros((8, 8)), "Turn values in"),
        (np.zeros((8, 8), bool), "Convert it to numpy.uint8"),
        (np.zeros((8, 8, 4), np.uint8), r"Pass image\[..., :-1\]"),
        (np.zeros((8, 8, 5), np.uint8), r"got \(8, 8, 5\)"),
        (np.zeros(64, np.uint8), r"got \(64,\)"),
        (np.zeros((0, 8), np.uint8), "has 0 pixels"),
    ],
)
def test_what_is_no_picture_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        FourierImageCompressor(**SMALL).fit(image)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": 28}, "Lower width"),
        ({"width": 0}, "width must be an integer from 1 to 32"),
        ({"depth": 2.5}, "depth must be an integer"),
        ({"width": "auto"}, "by target_bytes, which is None"),
        ({"basis": "sin"}, 'basis must be one of "full", "cas", got'),
        ({"init": "zeros"}, "init must be one of"),
        ({"polish": True}, "polish must be one of"),
        ({"bits": 1}, "bits must be an integer from 2 to 16"),
        ({"target_bytes": 20}, "below the header's size"),
        ({"target_bytes": 25}, "too small for 120 weights"),
        ({"target_psnr": 99.0}, "Raise width, depth or max_iter"),
        ({"target_psnr": -1.0}, "target_psnr must be a number above 0"),
        ({"target_psnr": 20.0, "target_bytes": 200}, "exclude each other"),
        ({"learning_rate": 2.0}, "learning_rate must be a number in"),
        ({"max_iter": 0}, "max_iter must be an integer of at least 1"),
        ({"n_polish_steps": 0}, "n_polish_steps must be"),
        ({"batch_size": "all"}, "batch_size must be"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(params, message):
    options = SMALL | {"max_iter": 20, "n_polish_steps": 5} | params
    with pytest.raises(ValueError, match=message):
        FourierImageCompressor(**options, random_state=0).fit(picture())


@pytest.mark.parametrize("shape", [(0, 4), 5, (2.5, 4), (2**20, 2**20)])
def test_sizes_that_make_no_sense_are_refused(fitted, shape):
    with pytest.raises(ValueError, match="shape"):
        fitted.reconstruct(shape)


@pytest.mark.parametrize("positions", [[[0.5, 1.1]], [[-0.1, 0]], [[np.nan, 0]], [0.5]])
def test_positions_outside_the_unit_square_are_refused(fitted, positions):
    with pytest.raises(ValueError, match="positions"):
        fitted.pixels(positions)
