"""Forge model files: valid ones are taken apart, changed in a place or two, and closed.

Run as a program it forges and uses what loads, in a process that may die:
``python forger.py FILE FIRST STOP`` prints a line of JSON for each forgery, by seed.
"""

import copy
import faulthandler
import io
import json
import resource
import sys
import time
import warnings
import zipfile

import numpy as np

#: Seconds that a forgery may take; kernels that it makes Numba compile do not count.
SECONDS = 5.0
NUMBERS = [0, -1, 1, 2, 3, 7, 255, 2**31 - 1, 2**31, 2**63 - 1, -(2**63), 2**63, 10**40]
FLOATS = [0.0, -1.0, 0.5, 1.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-320, 1e30]
TEXTS = [
    "",
    "x",
    "auto",
    "float64",
    "nan",
    "a" * 999,
    "1e999999999 <= a",
    "\0",
    "détour",
]
DTYPES = "f2 f4 f8 >f8 g i1 i2 i4 i8 >i4 u8 ? c16 U3 S2 M8[D] m8[s]".split()
NAMES = "transform map_ rows n_features project _state knots_ extra_ classes_ forest"


def unpack(path):
    """Return the manifest of a model file, and its arrays."""
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        n = sum(name.startswith("arrays/") for name in archive.namelist())
        parts = (archive.read(f"arrays/{i}.npy") for i in range(n))
        return manifest, [np.load(io.BytesIO(part)) for part in parts]


def pack(path, manifest, arrays):
    """Write a manifest and arrays as a model file."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for i, array in enumerate(arrays):
            part = io.BytesIO()
            np.save(part, array, allow_pickle=False)
            archive.writestr(f"arrays/{i}.npy", part.getvalue())


def forge(manifest, arrays, rng):
    """Return a copy of a model with some changes, and the class they were made in."""
    manifest, arrays = copy.deepcopy(manifest), list(arrays)
    states = {}
    for name, state in objects(manifest["model"]):
        states.setdefault(name, []).append(state)
    chosen = rng.choice(sorted(states))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        of_class = states[chosen]
        change_state(of_class[rng.integers(len(of_class))], manifest, arrays, rng)
    return manifest, arrays, str(chosen)


def objects(node):
    """Yield the class and the state of every object in a manifest."""
    if isinstance(node, list):
        for item in node:
            yield from objects(item)
    elif isinstance(node, dict):
        if set(node) == {"object"}:
            yield tuple(node["object"])
            node = node["object"][1]
        for item in node.values():
            yield from objects(item)


def change_state(state, manifest, arrays, rng):
    """Change one attribute of an object, add one, or take one away."""
    names, kind = sorted(state), rng.random()
    if kind < 0.05 or not names:
        state[str(rng.choice(NAMES.split()))] = any_node(manifest, arrays, rng)
        return
    name = str(rng.choice(names))
    if kind < 0.1:
        del state[name]
    elif kind < 0.15:
        other = str(rng.choice(names))
        state[name], state[other] = state[other], state[name]
    else:
        state[name] = changed(state[name], manifest, arrays, rng)


def changed(node, manifest, arrays, rng):
    """Return a node with a change somewhere in it."""
    if rng.random() < 0.1:
        return any_node(manifest, arrays, rng)
    if isinstance(node, list) and node:
        return changed_list(node, manifest, arrays, rng)
    if isinstance(node, dict):
        ((kind, content),) = node.items() or [("dict", {})]
        if kind == "array":
            arrays.append(changed_array(arrays[content], arrays, rng))
            return {"array": len(arrays) - 1}
        if kind == "object":
            if rng.random() < 0.1:
                content[0] = str(rng.choice(sorted(dict(objects(manifest["model"])))))
            else:
                change_state(content[1], manifest, arrays, rng)
            return node
        if kind == "ref":
            return {"ref": int(rng.integers(-2, 2 * content + 2))}
        if kind == "dict" and content:
            key = str(rng.choice(sorted(content)))
            content[key] = changed(content[key], manifest, arrays, rng)
        elif kind == "tuple" and content:
            return {"tuple": changed_list(content, manifest, arrays, rng)}
        return node
    if isinstance(node, str):
        return str(rng.choice(TEXTS)) if rng.random() < 0.8 else node[::-1]
    return any_scalar(rng)


def changed_list(items, manifest, arrays, rng):
    """Return a list with an item changed, dropped or doubled, or all in disorder."""
    items, at, kind = list(items), rng.integers(len(items)), rng.random()
    if kind < 0.6:
        items[at] = changed(items[at], manifest, arrays, rng)
    elif kind < 0.75:
        del items[at]
    elif kind < 0.9:
        items.append(copy.deepcopy(items[at]))
    else:
        items = [items[i] for i in rng.permutation(len(items))]
    return items


def any_scalar(rng):
    """Return a number or another value that holds no others."""
    pool = [*NUMBERS, *FLOATS, *TEXTS, None, True]
    value = pool[rng.integers(len(pool))]
    if isinstance(value, float) and not np.isfinite(value):
        return {"float": repr(value)}
    return value


def any_node(manifest, arrays, rng):
    """Return a value of some kind, also one from elsewhere in the model."""
    kind = rng.integers(6)
    if kind == 0 and arrays:
        return {"array": int(rng.integers(len(arrays)))}
    if kind == 1:
        return {"type": str(rng.choice(["numpy.float64", "builtins.int"]))}
    if kind == 2:
        found = list(objects(manifest["model"]))
        return copy.deepcopy({"object": list(found[rng.integers(len(found))])})
    if kind == 3:
        return {"ref": int(rng.integers(20))}
    if kind == 4:
        return [any_scalar(rng) for _ in range(rng.integers(4))]
    return any_scalar(rng)


def changed_array(array, arrays, rng):
    """Return an array with other values, dtype or shape."""
    kind, array = rng.integers(10), array.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if kind < 3 and array.size:
                pool = NUMBERS if array.dtype.kind in "iu" else FLOATS
                picked = rng.integers(array.size, size=rng.choice([1, 3, array.size]))
                value = np.array(pool[rng.integers(len(pool))])
                array.flat[picked] = value.astype(array.dtype)
            elif kind == 3:
                array *= np.array(rng.choice([0.5, 2.0, 1e3, 1e-3])).astype(array.dtype)
            elif kind == 4:
                step = np.array(rng.choice([-1, 1, 2])).astype(array.dtype)
                array.flat[rng.integers(max(array.size, 1))] += step
            elif kind == 5:
                array = rng.permuted(array.ravel()).reshape(array.shape)
            elif kind == 6:
                array = array[..., ::-1] if rng.random() < 0.5 else np.sort(array, None)
            elif kind == 7:
                array = array.astype(DTYPES[rng.integers(len(DTYPES))])
            elif kind == 8:
                shapes = [array.ravel(), array[None], array.T, array[:-1], array[:0]]
                shapes += [np.concatenate([array, array]), np.asfortranarray(array)]
                array = shapes[rng.integers(len(shapes))]
            else:
                array = arrays[rng.integers(len(arrays))]
        except (TypeError, ValueError, OverflowError, IndexError):
            return np.zeros(0)
    return array


# -- the process that may die --------------------------------------------------


def use(model, valid):
    """Do with a loaded model what a user would; return the errors' names."""
    rng, errors = np.random.default_rng(0), []
    d = getattr(valid, "n_features_in_", None)
    rows = None if d is None else rng.random((20, d))
    if hasattr(valid, "sample"):  # rows that suit it: a table, images, whole numbers
        drawn = valid.sample(20, random_state=0)
        rows = drawn[0] if isinstance(drawn, tuple) else drawn
    calls = {
        "sample": lambda: model.sample(20, random_state=0),
        "transform": lambda: model.transform(rows),
        "inverse_transform": lambda: model.inverse_transform(valid.transform(rows)),
        "score_samples": lambda: model.score_samples(rows),
        "predict": lambda: model.predict(rows),
        "reconstruct": lambda: model.reconstruct(*(() if d is None else (rows,))),
    }
    calls["impute"] = lambda: model.impute(rows, random_state=0)
    for name, call in calls.items():
        if hasattr(valid, name):
            try:
                with np.errstate(all="ignore"):
                    call()
            except Exception as exc:
                errors.append(f"{name}: {type(exc).__name__}: {exc}"[:200])
    return errors


def attempt(path, valid):
    """Load a file and use the model; return what came of it."""
    from gaussflow.persistence import PersistenceError, load

    try:
        model = load(path)
    except PersistenceError:
        return "refused", []
    except Exception as exc:
        return "load failed", [f"{type(exc).__name__}: {exc}"[:200]]
    return "used", use(model, valid)


def main(source, first, stop):
    """Forge by the seeds from first to stop, and print what came of each."""
    import gaussflow.baselines
    import gaussflow.tabular  # noqa: F401  (their classes can be loaded)
    from gaussflow.persistence import load

    warnings.simplefilter("ignore")
    manifest, arrays = unpack(source)
    valid = load(source)
    problems = use(valid, valid)
    print(json.dumps({"valid": problems}), flush=True)
    for seed in range(int(first), int(stop)):
        forged = forge(manifest, arrays, np.random.default_rng(seed))
        path = f"{source}.forged"
        pack(path, *forged[:2])
        print(json.dumps({"seed": seed, "class": forged[2]}), flush=True)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(2):  # compiled the first time, timed the second
            faulthandler.dump_traceback_later(12 * SECONDS, exit=True)
            start = time.perf_counter()
            outcome, errors = attempt(path, valid)
            seconds = time.perf_counter() - start
            faulthandler.cancel_dump_traceback_later()
            if seconds < SECONDS:
                break
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        done = {"outcome": outcome, "errors": errors, "seconds": seconds}
        print(json.dumps(done | {"bytes": grown * 1024}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
