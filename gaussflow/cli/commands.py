"""What each command does. Every function returns whether the table passed."""

import json
import os
import sys
from pathlib import Path

from gaussflow._version import __version__
from gaussflow.cli.conditions import parse_conditions
from gaussflow.cli.files import CommandError, check_outputs, write_all
from gaussflow.cli.progress import Progress
from gaussflow.cli.tables import (
    check_reading,
    import_for,
    kinds_of,
    load_schema,
    read_table,
    table_content,
)
from gaussflow.cli.words import printable, reason


def synth(args):
    """Learn a table, sample, score against unseen rows, and write."""
    if args.rows is not None and args.rows < 1:
        raise CommandError(f"--rows must be at least 1, got {args.rows}.")
    for name in ("min_category_count", "min_leaf"):
        given = getattr(args, name)
        if given is not None and given < 1:
            option = name.replace("_", "-")
            raise CommandError(f"--{option} must be at least 1, got {given}.")
    _check_seed(args.seed)
    check_reading(args)
    share = _share(args.holdout)
    if share == 0 and (args.report or args.strict):
        raise CommandError(
            "--holdout 0 leaves no unseen rows, and without them no score is honest: "
            "leave out --report and --strict, or hold rows out."
        )
    sources = [args.table, args.schema, args.holdout if share is None else None]
    outputs = {"--out": args.out, "--report": args.report}
    check_outputs(outputs, args.force, sources)
    import_for(args.table, args.out, None if share is not None else args.holdout)
    with Progress(4) as progress:
        progress.step(f"reading {args.table}")
        schema = load_schema(args.schema)
        df = read_table(args.table, args, kinds_of(schema))
        if share is None:
            layout = df.attrs.get("layout")
            kinds = layout.kinds if layout else kinds_of(schema)
            train, unseen = df, read_table(args.holdout, args, kinds)
            _check_same_columns(train, unseen, args.holdout)
        else:
            train, unseen = _split(df, share, Path(args.table).name, args.seed)
        synthetic, reports, summary = _make(
            train,
            unseen,
            args.rows or len(df),
            title=Path(args.table).name,
            seed=args.seed,
            progress=progress,
            conditions=args.condition,
            schema=schema,
            kinds=_unlearned(df, args.table),
            constraints=args.constraint,
            target=args.target,
            min_category_count=args.min_category_count,
            min_leaf=args.min_leaf or "auto",
        )
    layout = df.attrs.get("layout")
    contents = {args.out: table_content(synthetic, args.out, args, layout)}
    if args.report:
        contents[args.report] = reports.page
    return _finish(contents, summary, args.strict, reports)


def demo(args):
    """Write a real table, its synthetic twin and their report."""
    _check_seed(args.seed)
    folder = Path(args.out_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise CommandError(f"cannot make the directory {folder}: {exc}") from exc
    paths = [str(folder / n) for n in ("patients.csv", "synthetic.csv", "report.html")]
    check_outputs({path: path for path in paths}, args.force)
    import_for()
    from gaussflow.datasets import load_breast_cancer_table

    df = load_breast_cancer_table()
    with Progress(3) as progress:
        train, unseen = _split(df, 0.25, "the table", args.seed)
        synthetic, reports, summary = _make(
            train,
            unseen,
            len(df),
            title="Breast cancer, 569 patients",
            seed=args.seed,
            progress=progress,
            target="diagnosis",
        )
    texts = [table_content(t, p) for t, p in zip((df, synthetic), paths, strict=False)]
    contents = dict(zip(paths, [*texts, reports.page], strict=True))
    return _finish(contents, summary, False, reports)


def report(args):
    """Judge a synthetic table, whatever made it."""
    _check_seed(args.seed)
    check_reading(args)
    sources = [args.real, args.synthetic, args.holdout, args.schema]
    check_outputs({"--out": args.out, "--json": args.json}, args.force, sources)
    import_for(args.real, args.synthetic, args.holdout)
    from gaussflow.tabular import Schema

    with Progress(3) as progress:
        progress.step("reading the tables")
        schema = load_schema(args.schema)
        real = read_table(args.real, args, kinds_of(schema))
        layout = real.attrs.get("layout")
        kinds = layout.kinds if layout else kinds_of(schema)
        synthetic = read_table(args.synthetic, args, kinds)
        unseen = read_table(args.holdout, args, kinds) if args.holdout else None
        for table, path in ((synthetic, args.synthetic), (unseen, args.holdout)):
            if table is not None:
                _check_same_columns(real, table, path)
        try:
            schema = Schema.infer(real) if schema is None else schema
            reports = _judge(
                real,
                unseen,
                synthetic,
                schema,
                title=Path(args.synthetic).name,
                seed=args.seed,
                progress=progress,
                target=args.target,
                constraints=args.constraint,
                sensitive=args.sensitive,
                known=args.known,
            )
        except ValueError as exc:
            raise CommandError(reason(exc)) from exc
    contents = {}
    if args.out:
        contents[args.out] = reports.page
    if args.json:
        contents[args.json] = reports.json
    return _finish(contents, reports.text, args.strict, reports)


def impute(args):
    """Fill the missing cells of a table."""
    _check_seed(args.seed)
    check_reading(args)
    check_outputs({"--out": args.out}, args.force, [args.table, args.schema])
    import_for(args.table, args.out)
    with Progress(3) as progress:
        progress.step(f"reading {args.table}")
        schema = load_schema(args.schema)
        df = read_table(args.table, args, kinds_of(schema))
        n_missing = int(df.isna().to_numpy().sum())
        if n_missing == 0:
            raise CommandError(
                f"{args.table} misses no cell. If it marks missing cells by a text, "
                "name it, for example --missing '?'."
            )
        progress.step("learning")
        synthesizer = _fit(
            df,
            args.table,
            schema=schema,
            constraints=args.constraint,
            target=args.target,
            random_state=args.seed,
        )
        progress.step("drawing the missing cells")
        try:
            filled = synthesizer.impute(df, random_state=args.seed)
        except ValueError as exc:
            raise CommandError(f"{args.table}: {reason(exc)}") from exc
    left = int(filled.isna().to_numpy().sum())
    summary = f"{n_missing - left} missing cells filled"
    if left:
        empty = [str(c) for c in filled if filled[c].isna().any()]
        summary += f", {left} left in columns that are not learned: {', '.join(empty)}"
    layout = df.attrs.get("layout")
    content = table_content(filled, args.out, args, layout, filled=True)
    return _finish({args.out: content}, summary)


def schema(args):
    """Say what the columns of a table are taken for."""
    check_reading(args)
    check_outputs({"--out": args.out}, args.force, [args.table])
    import_for(args.table)
    from gaussflow.tabular import Schema

    with Progress(2) as progress:
        progress.step(f"reading {args.table}")
        df = read_table(args.table, args)
        progress.step("looking for rules between columns")
        try:
            found = Schema.infer(df).public(df)
        except ValueError as exc:
            raise CommandError(f"{args.table}: {reason(exc)}") from exc
    text = json.dumps(found.to_dict(), indent=1, ensure_ascii=False) + "\n"
    return _finish({args.out: text} if args.out else {}, str(found))


class _Reports:
    """Both reports of a table: page, JSON, text and verdict."""

    def __init__(self, quality, privacy, title, seed):
        from gaussflow.tabular import html_report

        facts = [("seed", seed), ("gaussflow", __version__)]
        self.page = html_report(quality, privacy, title=title, facts=facts)
        both = {"quality": quality.to_dict(), "privacy": privacy.to_dict()}
        self.json = json.dumps(both, indent=1, ensure_ascii=False) + "\n"
        self.text = f"{quality}\n{privacy}"
        self.passed = quality.verdict == privacy.verdict == "pass"


def _make(
    train,
    unseen,
    n_rows,
    *,
    title,
    seed,
    progress,
    conditions=(),
    schema=None,
    kinds=None,
    constraints=(),
    target=None,
    min_category_count=5,
    min_leaf="auto",
):
    """Learn, sample and score; return the synthetic table, its reports, a summary."""
    progress.step(f"learning {len(train)} rows")
    synthesizer = _fit(
        train,
        title,
        schema=schema,
        kinds=kinds,
        constraints=constraints,
        target=target,
        min_category_count=min_category_count,
        min_leaf=min_leaf,
        random_state=seed,
    )
    schema = synthesizer.schema_
    progress.step(f"sampling {n_rows} rows")
    wanted = parse_conditions(conditions, schema)
    culprit = title
    try:
        scored = synthetic = synthesizer.sample(n_rows, random_state=seed)
        if wanted:
            culprit = "--condition"
            synthetic = synthesizer.sample(n_rows, conditions=wanted, random_state=seed)
    except ValueError as exc:
        raise CommandError(f"{culprit}: {reason(exc)}") from exc
    summary = f"{n_rows} synthetic rows, learned from {len(train)} rows"
    reports = None
    if unseen is not None:
        reports = _judge(
            train,
            unseen,
            scored,
            schema,
            title=title,
            seed=seed,
            progress=progress,
            target=target,
            synthesizer=synthesizer,
        )
        summary += f", scored against {len(unseen)} rows kept unseen\n{reports.text}"
        if wanted:
            summary += "\nscored: a sample without the conditions"
    else:
        summary += ", not scored: no rows were kept unseen"
    unlearned = [str(c.name) for c in schema.excluded()]
    if unlearned:
        summary += f"\nnot learned: {', '.join(unlearned)} (gaussflow schema says why)"
    rare = synthesizer.encoder_.suppressed_
    if rare:
        told = [f"{name} (of {found['rows']} rows)" for name, found in rare.items()]
        summary += (
            f"\nheld back, as too few rows hold them: values of {', '.join(told)}"
        )
    return synthetic, reports, summary


def _judge(
    train,
    unseen,
    synthetic,
    schema,
    *,
    title,
    seed,
    progress,
    target=None,
    constraints=(),
    sensitive=None,
    known=None,
    synthesizer=None,
):
    """Score a synthetic table; return both reports."""
    from gaussflow.tabular import PrivacyReport, QualityReport

    progress.step("scoring fidelity and privacy")
    train = train.set_axis(train.index + 1)  # as a reader counts the rows of a file
    privacy = PrivacyReport.compute(
        train,
        unseen,
        synthetic,
        schema,
        model=synthesizer,
        sensitive=sensitive,
        known=known,
        random_state=seed,
    )
    if synthesizer:
        privacy.suppressed = synthesizer.encoder_.suppressed_
    quality = QualityReport.compute(
        train, unseen, synthetic, schema, target, constraints=constraints,
        random_state=seed,
    )  # fmt: skip
    return _Reports(quality, privacy, title, seed)


def _fit(df, title, *, schema, kinds=None, **parameters):
    """Fit a synthesizer; what is wrong with the table is the user's."""
    from gaussflow.tabular import Schema, TabularSynthesizer

    try:
        schema = Schema.infer(df, kinds=kinds) if schema is None else schema
        return TabularSynthesizer(schema=schema, **parameters).fit(df)
    except (ValueError, TypeError) as exc:
        raise CommandError(f"{title}: {reason(exc)}") from exc


def _unlearned(df, title):
    """Return the kinds of keys and texts: some of the rows may not show them."""
    from gaussflow.tabular import Schema

    try:
        found = Schema.infer(df, constraints=False)
    except ValueError as exc:
        raise CommandError(f"{title}: {reason(exc)}") from exc
    return {c.name: c.kind for c in found if c.kind in ("identifier", "text")}


def _finish(contents, summary, strict=False, reports=None):
    """Write the files, say what was done, and return whether it passed."""
    write_all(contents)
    try:
        lines = [summary, *(f"wrote {path}" for path in contents)]
        print(printable("\n".join(lines)), flush=True)
    except BrokenPipeError:
        # The reader has seen enough, as in "| head"; what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return not strict or reports.passed


def _share(text):
    """Return --holdout as a share, None if it names a file."""
    try:
        share = float(text)
    except ValueError:
        return None
    if not 0.0 <= share < 1.0:
        raise CommandError(
            f"--holdout must lie between 0 and 1, or name a file, got {text}."
        )
    return share


def _split(df, share, title, seed):
    """Hold rows out; none for a share of 0."""
    if share == 0:
        return df, None
    from sklearn.model_selection import train_test_split

    n_holdout = round(share * len(df))
    if n_holdout < 2 or len(df) - n_holdout < 2:
        raise CommandError(
            f"{title} has {len(df)} rows, too few to hold out {share:.0%} of them. "
            "Give more rows or another --holdout."
        )
    train, unseen = train_test_split(df, test_size=n_holdout, random_state=seed)
    return train, unseen


def _check_same_columns(real, other, path):
    absent = [str(c) for c in real if c not in other.columns]
    extra = [str(c) for c in other if c not in real.columns]
    if absent or extra:
        raise CommandError(
            f"{path} has other columns than the real table: absent "
            f"{', '.join(absent) or 'none'}; unexpected {', '.join(extra) or 'none'}."
        )


def _check_seed(seed):
    if not 0 <= seed < 2**32:
        raise CommandError(f"--seed must lie between 0 and 2**32 - 1, got {seed}.")
