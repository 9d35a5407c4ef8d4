"""Scripts of images run: their figures mean nothing here."""

import json
import subprocess

import pytest

from benchmarks.images import image_sets
from tests.benchmarks.scripts import results, run


def test_densities_of_images_are_written(tmp_path):
    args = ["--quick", "--methods", "gaussian", "--out", tmp_path / "images.json"]
    run("images/images_density.py", "digits", *args)
    (record,) = results(tmp_path / "images.json")
    assert "error" not in record
    assert -200 < record["test_log_likelihood"] < -50
    assert record["inverse_error"] < 1e-6


def test_images_are_scored_beside_what_was_measured_elsewhere(tmp_path):
    out = tmp_path / "images.json"
    earlier = {"set": "mnist", "method": "flow", "fcd": 1.0, "machine": {"cores": 64}}
    out.write_text(json.dumps({"results": [earlier]}))
    args = ["digits_3", "--rows", "300", "--out", out]
    run("images/images.py", *args, "--methods", "pca_mixture")
    kept, record = results(out)
    assert kept == earlier
    assert (record["set"], record["method"]) == ("digits_3", "pca_mixture")
    assert record["judge_accuracy"] > 0.8
    assert record["of_the_class"] > 0.6  # most are taken for threes
    assert record["fcd_floor"] < record["fcd"]
    assert record["nearest_ratio"] > 0.5
    assert record["machine"]["cores"] >= 1
    assert (tmp_path / record["picture"]).stat().st_size < 20_000


def test_a_run_on_few_images_is_no_result():
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run("images/images.py", "--rows", "300")
    assert "--rows needs --out" in failed.value.stderr


@pytest.mark.parametrize("name", ["mnist_12", "cifar_dog", "faces"])
def test_names_of_image_sets_are_checked(name):
    assert image_sets.parts("cifar") == ("cifar_ship", "cifar_cat")
    assert image_sets.parts("fashion_2") == ("fashion_2",)
    with pytest.raises(KeyError, match="is none of mnist, fashion"):
        image_sets.parts(name)


def test_shapes_of_autoencoders_are_measured(tmp_path):
    pytest.importorskip("torch")
    out = tmp_path / "autoencoders.json"
    args = ["shapes", "--quick", "--seeds", "0", "--out", out]
    run("images/autoencoders.py", *args)
    records = results(out)
    assert [r["method"] for r in records] == [
        "vae, beta 1",
        "vae, beta 4",
        "autoencoder",
    ]
    for record in records:
        assert "error" not in record
        assert 0 < record["nearest_mse"] < 1
    assert records[0]["information_rate_bits"] > 0


def test_fourier_pictures_are_measured_beside_codecs(tmp_path):
    pytest.importorskip("PIL")
    out = tmp_path / "fourier.json"
    args = ["compress", "rd", "--quick", "--seeds", "0", "--photos", "flower"]
    args += ["--side", "24", "--kodak", "--rates", "4", "--out", out]
    args += ["--fits", "w 6 d 4, 1,500 steps, thesis"]
    printed = run("images/fourier.py", *args)
    records = results(out)
    assert len(printed.splitlines()) == len(records) == 5
    by_method = {record["method"]: record for record in records}
    assert set(by_method) > {"fourier", "jpeg", "webp", "avif"}
    assert by_method["fourier"]["bytes"] <= 4 * 24 * 24 / 8
    assert by_method["fourier"]["versions"]["numpy"]
    assert by_method["webp"]["psnr"] > by_method["fourier"]["psnr"]
