"""Small pictures as SVG text, so that a report needs no plotting package."""

from html import escape

import numpy as np

REAL = "#9aa5b1"
SYNTHETIC = "#2563eb"
INK = "#1f2933"
FAINT = "#e4e7eb"
PASSES = "#a7e3bd"


def histogram_pair(real, synthetic, labels=None, width=250, height=96):
    """Draw the shares of real bins as an area and of synthetic ones as a line.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n_bins,)
        Shares of the bins.
    labels : tuple of str or None, default=None
        Texts below the first and the last bin.

    Returns
    -------
    svg : str
    """
    top = max(float(real.max()), float(synthetic.max()), 1e-12)
    floor = height - 16
    steps = np.repeat(np.linspace(0, width, len(real) + 1), 2)[1:-1]

    def path(shares):
        y = floor - np.repeat(shares, 2) / top * (floor - 4)
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(steps, y, strict=True))

    parts = [
        f'<polygon points="0,{floor} {path(real)} {width},{floor}" fill="{REAL}" '
        'fill-opacity="0.45"/>',
        f'<polyline points="{path(synthetic)}" fill="none" stroke="{SYNTHETIC}" '
        'stroke-width="1.6"/>',
        f'<line x1="0" y1="{floor}" x2="{width}" y2="{floor}" stroke="{FAINT}"/>',
    ]
    if labels:
        parts.append(_text(0, height - 3, labels[0]))
        parts.append(_text(width, height - 3, labels[1], anchor="end"))
    return _svg(width, height, parts)


def bar_pair(real, synthetic, names, width=250, height=96):
    """Draw one pair of horizontal bars per category.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n_categories,)
        Shares of the categories.
    names : list of str
        The categories.

    Returns
    -------
    svg : str
    """
    top = max(float(np.max(real)), float(np.max(synthetic)), 1e-12)
    step = height / len(names)
    thick = min(step * 0.36, 9)
    parts, left = [], 92
    for i, name in enumerate(names):
        y = i * step + 0.5 * step
        a = real[i] / top * (width - left)
        b = synthetic[i] / top * (width - left)
        parts.append(_text(left - 6, y + 3.5, _short(name, 15), anchor="end"))
        parts.append(_rect(left, y - thick, a, thick, REAL, 0.6))
        parts.append(_rect(left, y, b, thick, SYNTHETIC, 0.9))
    return _svg(width, height, parts)


def heat_map(matrix, low, high, names, size=300, diverging=False):
    """Draw a square matrix of values between low and high as coloured cells.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Values; NaN is drawn white.
    low, high : float
        Ends of the colour scale.
    names : list of str
        Row and column names, shown when the pointer rests on a cell.

    Returns
    -------
    svg : str
    """
    n = len(matrix)
    cell = size / n
    wide = cell + 0.3  # overlaps, or hair lines would show between cells
    parts = []
    for i in range(n):
        for j in range(n):
            value = matrix[i][j]
            colour = _colour(value, low, high, diverging)
            hint = escape(f"{names[i]} / {names[j]}: {value:.2f}")
            parts.append(
                f'<rect x="{j * cell:.2f}" y="{i * cell:.2f}" width="{wide:.2f}" '
                f'height="{wide:.2f}" fill="{colour}"><title>{hint}</title></rect>'
            )
    return _svg(size, size, parts)


def gauge(value, interval, reference, low, high, *, passes=None, width=220):
    """Draw a value on a line from low to high.

    Parameters
    ----------
    value : float
        Drawn as a dot.
    interval : (float, float)
        Drawn as a thin line around it.
    reference : float or None
        Drawn as a tick.
    low, high : float
        Ends of the line.
    passes : (float, float) or None, default=None
        The part of the line that is shaded; may be infinite.
    width : int, default=220
        Of the picture.

    Returns
    -------
    svg : str
    """

    def place(number):
        share = (np.clip(number, low, high) - low) / (high - low)
        return 5 + float(share) * (width - 10)

    parts = [_rect(5, 6.5, width - 10, 5, FAINT, 1)]
    if passes is not None and place(passes[1]) > place(passes[0]):
        start, end = place(passes[0]), place(passes[1])
        parts.append(_rect(start, 6.5, end - start, 5, PASSES, 1))
    if reference is not None:
        tick = place(reference)
        parts.append(
            f'<line x1="{tick:.1f}" y1="2" x2="{tick:.1f}" y2="16" stroke="{INK}" '
            'stroke-width="2"/>'
        )
    if interval[1] > interval[0]:
        parts.append(
            f'<line x1="{place(interval[0]):.1f}" y1="9" x2="{place(interval[1]):.1f}" '
            f'y2="9" stroke="{SYNTHETIC}" stroke-width="2"/>'
        )
    parts.append(f'<circle cx="{place(value):.1f}" cy="9" r="5" fill="{SYNTHETIC}"/>')
    return _svg(width, 18, parts)


def _svg(width, height, parts):
    body = "".join(parts)
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img">{body}</svg>'
    )


def _text(x, y, text, anchor="start"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="10" fill="#52606d" '
        f'text-anchor="{anchor}">{escape(str(text))}</text>'
    )


def _rect(x, y, width, height, fill, opacity):
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" '
        f'height="{height:.1f}" fill="{fill}" fill-opacity="{opacity}" rx="1.5"/>'
    )


def _short(text, length):
    text = str(text)
    return text if len(text) <= length else text[: length - 1] + "…"


def _colour(value, low, high, diverging):
    """Return a colour between white and blue, or from red over white to blue."""
    if not np.isfinite(value):
        return "#ffffff"
    share = float(np.clip((value - low) / (high - low), 0, 1))
    white, blue, red = (250, 250, 250), (29, 78, 216), (185, 28, 28)
    if not diverging:
        return _mix(white, blue, share)
    if share < 0.5:
        return _mix(white, red, 1 - 2 * share)
    return _mix(white, blue, 2 * share - 1)


def _mix(a, b, share):
    return "#" + "".join(
        f"{round(x + (y - x) * share):02x}" for x, y in zip(a, b, strict=True)
    )
