"""Other ways to keep a picture in few bytes: Pillow's codecs, and a SIREN."""

import io
import time

import numpy as np
from PIL import Image

# Encodings of a format that are all tried; the best within the bytes counts.
CODECS = {
    "jpeg": [
        {"format": "JPEG", "optimize": True, "subsampling": s, "progressive": p}
        for s in (0, 2)
        for p in (False, True)
    ],
    "webp": [{"format": "WEBP", "method": 6}],
    "avif": [
        {"format": "AVIF", "subsampling": s, "speed": 4} for s in ("4:4:4", "4:2:0")
    ],
}


def psnr(a, b):
    """Return the peak signal-to-noise ratio of two pictures of bytes, in dB."""
    mse = np.mean((np.asarray(a, dtype=float) - np.asarray(b, dtype=float)) ** 2)
    return float(10 * np.log10(255**2 / max(mse, 1e-10)))


def best_of_codec(name, image, n_bytes):
    """Return the best quality of a codec in at most so many bytes, or None.

    Returns
    -------
    record : dict with bytes and psnr, or None
        None where its smallest file is larger.
    """
    found = []
    for options in CODECS[name]:
        lo, hi, best = 0, 101, None
        while hi - lo > 1:
            quality = (lo + hi) // 2
            file = io.BytesIO()
            Image.fromarray(image).save(file, quality=quality, **options)
            if file.tell() > n_bytes:
                hi = quality
                continue
            lo, size = quality, file.tell()
            file.seek(0)
            decoded = np.array(Image.open(file).convert("RGB"))
            best = {"bytes": size, "psnr": psnr(image, decoded)}
        if best is not None:
            found.append(best)
    return max(found, key=lambda record: record["psnr"], default=None)


def siren(image, n_weights, n_steps, batch_size, seed, n_hidden=3):
    """Train a SIREN (Sitzmann et al., 2020) with about as many weights.

    Sines of 30 times the angle, its own initialisation, Adam at 1e-3 (the best of
    3e-4, 1e-3 and 3e-3 on another picture) with a falling cosine.

    Returns
    -------
    record : dict
        Weights and PSNR, not quantised.
    """
    import torch

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    hidden = next(
        h
        for h in range(4, 400)
        if 2 * h + h + n_hidden * (h * h + h) + 3 * h + 3 >= n_weights
    )
    sizes = [2, *[hidden] * (n_hidden + 1), 3]
    parameters = []
    for layer, (m, n) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        bound = 1 / m if layer == 0 else (6 / m) ** 0.5 / 30
        W = (2 * torch.rand((m, n), generator=generator) - 1) * bound
        b = (2 * torch.rand(n, generator=generator) - 1) / m**0.5
        parameters += [W.requires_grad_(), b.requires_grad_()]

    def net(x):
        for i in range(0, len(parameters) - 2, 2):
            x = torch.sin(30 * (x @ parameters[i] + parameters[i + 1]))
        return x @ parameters[-2] + parameters[-1]

    height, width = image.shape[:2]
    rows = (torch.arange(height) + 0.5) / height * 2 - 1
    columns = (torch.arange(width) + 0.5) / width * 2 - 1
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    target = torch.tensor(image.reshape(-1, 3) / 127.5 - 1, dtype=torch.float32)
    adam = torch.optim.Adam(parameters, lr=1e-3)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, n_steps)
    start = time.process_time()
    for _ in range(n_steps):
        i = torch.randint(len(grid), (batch_size,), generator=generator)
        loss = ((net(grid[i]) - target[i]) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        falling.step()
    with torch.no_grad():
        pixels = net(grid).numpy().reshape(image.shape)
    shown = np.clip(np.rint(127.5 * (pixels + 1)), 0, 255)
    return {
        "n_weights": sum(p.numel() for p in parameters),
        "trained_psnr": psnr(shown, image),
        "cpu_seconds": time.process_time() - start,
    }
