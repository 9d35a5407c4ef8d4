"""Conditions as people write them, "age=60..80", to what ``sample`` takes."""

from difflib import get_close_matches

from gaussflow.cli.files import CommandError


def parse_conditions(texts, schema):
    """Return the conditions of the command line by column.

    Parameters
    ----------
    texts : list of str
        ``COLUMN=VALUE``, ``COLUMN=A,B`` or ``COLUMN=LOW..HIGH``.
    schema : Schema
        What the columns are: values get their type.

    Returns
    -------
    conditions : dict
        A value, a list of values or a (low, high) pair, None for no bound, by column.

    Examples
    --------
    >>> import pandas as pd
    >>> from gaussflow.cli.conditions import parse_conditions
    >>> from gaussflow.tabular import Schema
    >>> df = pd.DataFrame({"age": [61, 70, 82], "stage": ["I", "II", "I"]})
    >>> parse_conditions(["age=60..80", "stage=I,II"], Schema.infer(df))
    {'age': (60, 80), 'stage': ['I', 'II']}
    """
    conditions = {}
    for text in texts:
        column, value = _split(text, schema)
        if column.name in conditions:
            raise CommandError(
                f"--condition names {column.name!r} twice; write several values as "
                f'"{column.name}=A,B".'
            )
        conditions[column.name] = _parse(value, column, text)
    return conditions


def _split(text, schema):
    """Return the column that a condition names, and what follows its sign."""
    names = {str(column.name): column for column in schema}
    # A column's name may hold the sign itself.
    places = [k for k, sign in enumerate(text) if sign == "="]
    for place in reversed(places):
        if text[:place].strip() in names:
            return names[text[:place].strip()], text[place + 1 :].strip()
    if not places:
        raise CommandError(
            f"--condition must read COLUMN=VALUE, COLUMN=A,B or COLUMN=LOW..HIGH, got "
            f"{text!r}."
        )
    wrong = text[: places[0]].strip()
    lower = {name.lower(): name for name in names}
    meant = get_close_matches(wrong.lower(), lower, n=1)
    hint = f"Did you mean {lower[meant[0]]!r}? " if meant else ""
    raise CommandError(
        f"--condition {text!r}: {wrong!r} is not a column of the table. {hint}Columns: "
        f"{', '.join(names)}."
    )


def _parse(value, column, text):
    if not value:
        raise CommandError(f"--condition {text!r} has no value behind the sign '='.")
    # A level that is written so, or a value that only looks like a list.
    if column.levels is not None and not column.is_number:
        known = {str(level): level for level in column.levels}
        if value in known:
            return known[value]
        return [_level(v.strip(), known, column, text) for v in value.split(",")]
    if ".." in value:
        low, _, high = value.partition("..")
        return tuple(
            _number(end.strip(), column, text) if end.strip() else None
            for end in (low, high)
        )
    values = [_number(v.strip(), column, text) for v in value.split(",")]
    return values[0] if len(values) == 1 else values


def _level(value, known, column, text):
    if value in known:
        return known[value]
    alike = {str(level).lower(): level for level in known.values()}
    if column.kind == "boolean" and value.lower() in alike:
        return alike[value.lower()]
    raise CommandError(
        f"--condition {text!r}: {value!r} does not occur in {column.name!r}. Known: "
        f"{', '.join(list(known)[:10])}{', ...' if len(known) > 10 else ''}."
    )


def _number(value, column, text):
    """Return a number, or the text of a date, which pandas reads."""
    if column.kind == "datetime":
        return value
    try:
        number = float(value)
    except ValueError:
        raise CommandError(
            f"--condition {text!r}: {value!r} is no number, and {column.name!r} holds "
            "numbers."
        ) from None
    return int(number) if number.is_integer() and column.decimals == 0 else number
