"""scikit-learn's own rules, on every estimator, with no check skipped.

Layers that only their own tests know are checked there. Of automatic flows, whose
choice of layers takes long, the checks run that fit few rows or none.
"""

import pytest
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)

from gaussflow import (
    BaggedGenFlow,
    ClassConditionalFlow,
    DensityOutlierDetector,
    GenFlow,
)
from gaussflow.layers import Elliptical, Linear, Radial, Triangular
from gaussflow.metrics import ClassifierFeatures

#: A cheap one of the layer that all automatic flows of narrow tables begin with.
MIXTURE = [Triangular(n_components=2, n_estimators=1)]
ESTIMATORS = [
    GenFlow([Linear(n_iter=1, rotation="identity"), *MIXTURE, Linear(n_iter=3)]),
    # The default carries 2,000 latent samples; checks have a hundred rows or so.
    GenFlow([*MIXTURE, Linear(n_iter=3)], direction="generate", n_gen_samples=100),
    Linear(n_iter=3),
    Elliptical(),
    Radial(),
    Triangular(),
    ClassConditionalFlow(GenFlow([Elliptical()])),
    BaggedGenFlow(GenFlow([Elliptical()]), n_estimators=2),
    DensityOutlierDetector(),
    ClassifierFeatures((32, 16), max_iter=40),
]

OF_THE_CHOICE = (
    "check_dict_unchanged",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_fit1d",
    "check_fit2d_1feature",
    "check_fit2d_1sample",
    "check_methods_subset_invariance",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
)


def run(estimator, check):
    """Run a check, which may not excuse itself."""
    try:
        check(estimator)
    except pytest.skip.Exception as exc:
        pytest.fail(f"the check was skipped: {exc}")
    except BaseException as exc:
        if type(exc).__name__ == "SkipTest":
            pytest.fail(f"the check was skipped: {exc}")
        raise


@parametrize_with_checks(ESTIMATORS)
def test_estimators_keep_scikit_learn_s_rules(estimator, check):
    run(estimator, check)


@pytest.mark.parametrize("name", OF_THE_CHOICE)
@pytest.mark.parametrize("direction", ["gaussianize", "generate"])
def test_an_automatic_flow_keeps_them_too(direction, name):
    flow = GenFlow(direction=direction)
    found = [
        (estimator, check)
        for estimator, check in estimator_checks_generator(flow)
        if getattr(check, "func", check).__name__ == name
    ]
    assert found
    for estimator, check in found:
        run(estimator, check)
