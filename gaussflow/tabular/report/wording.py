"""What each score is called, and what it means: the words of the reports."""

#: Per score its name for people, and what it means, with the score's ``details``.
TEXTS = {
    "detection": (
        "Detection",
        "How well the better of two classifiers tells synthetic rows from real ones "
        "(area under the ROC curve; 1 is the worst).",
    ),
    "shape": (
        "Column shapes",
        "How alike each column is distributed, on average.",
    ),
    "pairs": (
        "Pair trends",
        "How alike each pair of columns goes together, on average; few rows alone cost "
        "much of it, which is what real rows show.",
    ),
    "missing": (
        "Missing cells",
        "How alike the patterns of missing cells in a row are.",
    ),
    "utility": (
        "Utility",
        "How well a model fitted on synthetic rows predicts {target} of real ones "
        "({measure}), beside one fitted on real rows{flattered}.",
    ),
    "constraints": (
        "Logic kept",
        "Rows that keep all of {n_constraints} constraints.",
    ),
    "valid": (
        "Valid rows",
        "Rows with all numbers in the real range and all categories real.",
    ),
    "copies": (
        "Exact copies",
        "Synthetic rows that equal a training row in every cell: no more than unseen "
        "real rows do by chance.",
    ),
    "dcr_share": (
        "Closer to training",
        "Synthetic rows that lie closer to a training row than to an unseen real one; "
        "copies give 1.",
    ),
    "neighbours": (
        "Nearest neighbours",
        "Distance to the closest training row over that to the second closest (5 % "
        "quantile): near 0 where rows sit on single patients.",
    ),
    "membership": (
        "Membership, plain",
        "How well an attacker who holds the synthetic rows tells training rows from "
        "unseen ones, by distance alone (area under the ROC curve).",
    ),
    "membership_calibrated": (
        "Membership, calibrated",
        "The same by an attacker who also holds a sample of the population, the "
        "strongest of the attacks on rows alone.",
    ),
    "members_found": (
        "Members found",
        "Training rows that the calibrated attack finds where it takes 10 % of the "
        "unseen rows for members.",
    ),
    "likelihood": (
        "Likelihood attack",
        "How well the model's exact density tells training rows from unseen ones: only "
        "who holds the model itself can try.",
    ),
    "attributes": (
        "Attribute disclosure",
        "How often {which} guessed from the synthetic row most like it, beside the "
        "same from unseen real rows.",
    ),
    "combinations": (
        "Rare combinations",
        "Combinations of three columns held by one training row alone that come out, "
        "beside how many unseen real rows hold by chance.",
    ),
}


def title_of(score):
    """Return a score's name for people; its key, if it has no other."""
    return TEXTS[score.name][0] if score.name in TEXTS else score.name


def sentence_of(score):
    """Return what a score means."""
    if score.name not in TEXTS:
        return ""
    details = dict(score.details)
    if score.name == "utility":
        details["measure"] = (
            "R squared" if details["regression"] else "area under the ROC curve"
        )
        details["flattered"] = (
            "" if details["unseen"] else "; real rows are asked what they learned"
        )
    if score.name == "attributes":
        column, n = details["column"], details["n_columns"]
        if n == 1:
            details["which"] = f"{column} is"
        elif column is None:
            details["which"] = "a cell of a training row is"
        else:
            details["which"] = (
                f"{column} of a training row is, the worst of {n} columns,"
            )
    return TEXTS[score.name][1].format(**details)


def reason(n_same, n_columns, distance, distance_unseen, n_rare):
    """Say why a training row stands out."""
    if n_same == n_columns:
        why = "a synthetic row equals it in every cell"
    else:
        why = f"a synthetic row agrees in {n_same} of {n_columns} cells"
    why += (
        f", at distance {distance:.3g} (closest unseen real row {distance_unseen:.3g})"
    )
    if n_rare:
        why += f"; {n_rare} combination(s) that it alone holds come out"
    return why
