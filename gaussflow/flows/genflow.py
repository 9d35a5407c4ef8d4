"""GenFlow: a list of invertible layers, fitted one after the other."""

import numpy as np
from sklearn.base import clone

from gaussflow._common.checks import Choice, Integer, Number, check_params
from gaussflow._common.seeds import as_generator, draw_seed
from gaussflow.flows.architectures import automatic
from gaussflow.flows.layer_list import LayerList
from gaussflow.flows.monitor import Monitor, stop_early
from gaussflow.flows.refinement import STARTS, Refined, refine_last, retrace_last
from gaussflow.layers.base import Layer
from gaussflow.marginals.ties import spread_ties
from gaussflow.persistence import Saved

DIRECTIONS = ("gaussianize", "generate")
#: Most rows that are held out, and most rows on which a flow that was judged
#: by held-out rows is fitted again with them.
MAX_HELD_OUT = 10_000
MAX_REFIT = 20_000
#: Rows, and samples, by which samples are matched to rows.
FINISH_ROWS = 20_000
#: Rows that an automatic choice of layers may look at.
CHOICE_POOL = 20_000


class GenFlow(Saved, Refined, LayerList, Layer):
    """Generative model by iterative Gaussianization: a list of layers.

    The layers carry the data to a standard normal, one after the other, without
    back-propagation; backwards, they turn noise into new rows. Density, latent
    rows and inverse are exact.

    Parameters
    ----------
    layers : "auto" or list of Layer, default="auto"
        The stack, from data to noise, or from noise to data in direction "generate".
        "auto" tries the stems of
        :func:`gaussflow.flows.architectures.stems` on held-out rows and follows the
        best one by gated iterations of rotations and marginal maps.
    direction : {"gaussianize", "generate"}, default="gaussianize"
        "gaussianize" fits the maps from data to noise, for the best density;
        "generate" carries ``n_gen_samples`` latent samples from noise to the
        data, for the best samples. Both are exactly invertible.
    n_gen_samples : int or None, default=None
        Latent samples carried in direction "generate"; None takes as many as
        there are rows, at least 2,000.
    validation_fraction : float, default=0.1
        Share of the rows held out for the loss curve and for stopping (at most
        10,000 rows). Up to 20,000 rows, the flow is then fitted again on all
        rows with the layers and iterations that the held-out rows chose. 0
        holds out none.
    refinement : "joint" or None, default=None
        "joint" improves the iterations of the last layer, a Linear, together after
        they were fitted one by one, from where they are and from a random start, and
        keeps what the held-out rows gain by: see :meth:`refine`, which does the same
        to a flow that is fitted already.
    warm_start : bool, default=False
        With True, ``fit`` keeps the layers that are fitted and goes on with
        those that were added after ``last_fitted_layer_``.
    dtype : numpy dtype, default=np.float64
        Precision of the arithmetic: float64 or float32.
    n_jobs : int or None, default=None
        Threads, over blocks of rows. Results do not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        Same seed, same flow.
    verbose : int, default=0
        Above 0, print one line per iteration.

    Attributes
    ----------
    layers_ : list of Layer
        The fitted layers, from data to noise ("gaussianize") or from noise to
        data ("generate").
    last_fitted_layer_ : int
        Index of the last fitted layer.
    n_layers_, n_iter_ : int
        Number of layers, and of iterations over all layers.
    loss_curve_ : list of dict
        One per layer or iteration: "layer", "iteration", "train" and "held_out"
        loss (mean negative log-likelihood, nats a row), "admitted" directions,
        "candidates", "seconds". Losses are None in direction "generate" and,
        for "held_out", without held-out rows.
    refinement_ : dict or None
        What the refinement did: "start", "stages" (steps under each penalty), the
        held-out "gain" in nats with its "standard_error", and whether it was
        "admitted".
    stem_scores_ : dict of str to float
        With layers="auto", the held-out log-likelihood of every stem tried.
    n_features_in_ : int
        Columns seen at fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X had names.

    References
    ----------
    V. Laparra, G. Camps-Valls, J. Malo (2011), "Iterative Gaussianization: from
    ICA to random rotations". B. Dai, U. Seljak (2021), "Sliced iterative
    normalizing flows". F. Draxler, L. Kuehmichel, A. Rousselot, J. Mueller,
    C. Schnoerr, U. Koethe (2023), "On the convergence rate of Gaussianization
    with random rotations".

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gaussflow import GenFlow
    >>> X, _ = make_moons(500, noise=0.1, random_state=0)
    >>> flow = GenFlow(random_state=0).fit(X)
    >>> flow.sample(3, random_state=0).shape
    (3, 2)
    >>> bool(abs(flow.inverse_transform(flow.transform(X)) - X).max() < 1e-8)
    True
    """

    _rules = {
        "direction": Choice(DIRECTIONS),
        "n_gen_samples": Integer(2, None, None),
        "validation_fraction": Number("[0, 1)"),
        "refinement": Choice(("joint",), None),
    }

    def __init__(
        self,
        layers="auto",
        *,
        direction="gaussianize",
        n_gen_samples=None,
        validation_fraction=0.1,
        refinement=None,
        warm_start=False,
        dtype=np.float64,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.layers = layers
        self.direction = direction
        self.n_gen_samples = n_gen_samples
        self.validation_fraction = validation_fraction
        self.refinement = refinement
        self.warm_start = warm_start
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    # -- fitting --------------------------------------------------------------

    def _fit_validated(self, X, rng=None):
        self._check_params()
        rng = as_generator(self.random_state) if rng is None else rng
        choice_rng, split_rng, latent_rng, layer_rng, ties_rng, joint_rng = rng.spawn(6)
        done = self._fitted_so_far()
        if self.spreads_ties:
            X = spread_ties(X, ties_rng)
        templates = self._templates(X, choice_rng, done)
        rngs = layer_rng.spawn(len(done) + len(templates))[len(done) :]
        seeds = [draw_seed(one) for one in (latent_rng, *rngs)]
        train, held_out = self._split(X, split_rng)
        monitor = Monitor(held_out, self.verbose)
        rows = None
        if self.refinement is not None and held_out is not None:
            # What is carried through the layers is overwritten.
            rows = train.copy(), held_out.copy()
        layers = self._fit_layers(train, done, templates, seeds, monitor)
        refined, self.refinement_ = None, None
        if rows is not None:
            refined, self.refinement_ = self._refine_jointly(layers, *rows, joint_rng)
        if held_out is not None and len(X) <= MAX_REFIT:
            stop_early(layers[len(done) :], templates, monitor, len(done))
            first = layers[len(done) :]
            layers = self._fit_layers(
                self._work(X), done, templates, seeds, None, first
            )
            if refined is not None:
                refined = retrace_last(
                    layers, self._work(X), self.refinement_, self.n_jobs
                )
        if refined is not None:
            layers[-1] = refined
        for layer in layers:
            layer.forget_search()
        earlier = self.loss_curve_ if done else []
        self.loss_curve_ = [*earlier, *monitor.curve]
        self.layers_ = layers
        self.last_fitted_layer_ = len(layers) - 1
        self.n_layers_ = len(layers)
        self.n_iter_ = sum(int(layer.n_iter_) for layer in layers)

    def _refine_jointly(self, layers, X, held_out, rng):
        """Return the last layer refined, or None where nothing is gained; a report."""
        settings = {"starts": STARTS, "n_iter": None, "rotations": True}
        settings["n_jobs"] = self.n_jobs
        return refine_last(layers, X, held_out, rng, settings)

    def fit_forward(self, X, rng, *, target=None, monitor=None, start=None):
        """Fit the flow as one layer of another flow.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Validated working rows, overwritten.
        rng : numpy.random.Generator
            Takes the place of ``random_state``.
        target : ndarray or None, default=None
            Not supported: a flow inside a flow fits toward the standard normal.
        monitor : Monitor or None, default=None
            Ignored.
        start : GenFlow or None, default=None
            Ignored.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
        log_det : ndarray of shape (n_samples,)
        """
        if target is not None:
            raise ValueError(
                'A GenFlow inside another cannot be fitted with direction="generate".'
                " Put its layers into the outer list instead."
            )
        self.n_features_in_ = X.shape[1]
        self._fit_validated(X, rng)
        return self.forward_and_log_det(X)

    @property
    def spreads_ties(self):
        """Whether rows to fit on have their often repeated values spread."""
        if isinstance(self.layers, str):
            return True
        facing = self.layers[-1 if self.direction == "generate" else 0]
        return facing.spreads_ties

    def _check_params(self):
        check_params(self)
        if isinstance(self.layers, str):
            if self.layers != "auto":
                raise ValueError(
                    f'layers must be "auto" or a list of layers, got {self.layers!r}.'
                )
        elif not isinstance(self.layers, (list, tuple)) or not all(
            isinstance(layer, Layer) for layer in self.layers
        ):
            raise TypeError(
                f'layers must be "auto" or a list of layers such as [Linear()], got '
                f"{self.layers!r}."
            )
        elif len(self.layers) == 0:
            raise ValueError('layers is empty: pass "auto" or at least one layer.')
        if self.refinement is not None:
            self._check_refinement()

    def _check_refinement(self):
        if self.direction != "gaussianize" or float(self.validation_fraction) == 0:
            raise ValueError(
                'refinement="joint" climbs the likelihood until held-out rows say stop:'
                ' it needs direction="gaussianize" and a validation_fraction above 0, '
                f"got {self.direction!r} and {self.validation_fraction!r}."
            )
        if not isinstance(self.layers, str) and not self.layers[-1].refinable:
            raise ValueError(
                'refinement="joint" improves the last layer, which must be a Linear, '
                f"got {self.layers[-1]!r}. Append Linear()."
            )

    def _fitted_so_far(self):
        """Layers that a warm start keeps."""
        if not self.warm_start or not hasattr(self, "layers_"):
            return []
        width = self.layers_[0].n_features_in_
        if width != self.n_features_in_:
            raise ValueError(
                f"X has {self.n_features_in_} features, but the layers that "
                f"warm_start=True keeps were fitted on {width}. Set warm_start=False "
                f"to fit them anew."
            )
        return list(self.layers_)

    def _templates(self, X, rng, done):
        """Unfitted layers that are to be fitted now."""
        if not isinstance(self.layers, str):
            given = self.layers[len(done) :]
            return [clone(layer) for layer in given]
        if done:
            return []
        pool = X
        if len(X) > CHOICE_POOL:
            pool = X[np.sort(rng.choice(len(X), CHOICE_POOL, replace=False))]
        layers, self.stem_scores_ = automatic(
            np.asarray(pool, dtype=np.float64),
            rng,
            direction=self.direction,
            n_jobs=self.n_jobs,
        )
        return [clone(layer) for layer in layers]

    def _split(self, X, rng):
        """Return working copies of the rows to fit on and of those held out."""
        n_held_out = min(int(self.validation_fraction * len(X)), MAX_HELD_OUT)
        if self.direction == "generate" or min(n_held_out, len(X) - n_held_out) < 2:
            return self._work(X), None
        chosen = np.zeros(len(X), dtype=bool)
        chosen[rng.choice(len(X), n_held_out, replace=False)] = True
        return self._work(X[~chosen], owned=True), self._work(X[chosen], owned=True)

    def _work(self, X, *, owned=False):
        """Return rows as working memory in the flow's precision, copied once."""
        dtype = self._working_dtype()
        return np.array(X, dtype=dtype, order="C", copy=None if owned else True)

    def _fit_layers(self, X, done, templates, seeds, monitor, first=None):
        """Fit copies of the templates after the layers that are done.

        ``first`` are the layers of an earlier pass over some of the rows.
        """
        target, steps = None, []
        if self.direction == "generate":
            target, X = X, self._latent(X, np.random.default_rng(seeds[0]))
            target, templates, steps = self._data_steps(target, done, templates, seeds)
        rows = X[:: max(len(X) // FINISH_ROWS, 1)].copy()
        log_det = np.zeros(len(X))
        for layer in done:
            X, added = layer.forward_and_log_det(X)
            log_det += added
            if monitor is not None:
                monitor.advance(layer.forward_and_log_det)
        layers = list(done)
        starts = first or [None] * len(templates)
        # Seeds of data steps, which are fitted by now, come after those of layers.
        seeds_of_layers = seeds[1 : 1 + len(templates)]
        jobs = zip(templates, starts, seeds_of_layers, strict=True)
        for template, start, seed in jobs:
            layer = self._fresh(template)
            if monitor is not None:
                monitor.start_layer(len(layers), float(np.mean(log_det)))
            rng = np.random.default_rng(seed)
            X, added = layer.fit_forward(
                X, rng, target=target, monitor=monitor, start=start
            )
            if monitor is not None:
                monitor.finish_layer(layer, X, added, target)
            log_det += added
            layers.append(layer)
        if target is None:
            self._finish(layers, rows, np.random.default_rng(seeds[0]))
        return [*layers, *steps]

    def _fresh(self, template):
        """Return an unfitted copy of a layer that works in as many threads."""
        return template.unfitted(self.n_jobs)

    def _data_steps(self, target, done, templates, seeds):
        """Fit the data steps that end a list from noise to data, the last one first.

        Returns the data as the layers before them see it, the templates of these
        layers, and the fitted steps.
        """
        if done and done[-1].data_step and templates:
            raise ValueError(
                "A layer cannot follow Inverse, which ends a list of direction "
                '"generate". Put it before, and fit with warm_start=False.'
            )
        templates, steps = list(templates), []
        while templates and templates[-1].data_step:
            step = self._fresh(templates.pop())
            rng = np.random.default_rng(seeds[1 + len(templates)])
            target = step.prepare(target, rng)
            steps.insert(0, step)
        return target, templates, steps

    def _finish(self, layers, rows, rng):
        """Let layers that match samples see what the layers after them generate."""
        for index in reversed(range(len(layers))):
            if not layers[index].finishes:
                continue
            reached, _ = self._chain(rows.copy(), layers[:index], "forward_and_log_det")
            n_samples = min(4 * len(rows), FINISH_ROWS)
            noise = rng.standard_normal((n_samples, rows.shape[1]))
            after = reversed(layers[index + 1 :])
            samples, _ = self._chain(
                noise.astype(rows.dtype), after, "inverse_and_log_det"
            )
            layers[index].finish(reached, samples, rng)

    def _latent(self, X, rng):
        n_gen = self.n_gen_samples
        if n_gen is None:
            n_gen = max(len(X), 2_000)
        return rng.standard_normal((int(n_gen), X.shape[1])).astype(X.dtype)

    def _working_dtype(self):
        message = f"dtype must be float64 or float32, got {self.dtype!r}."
        try:
            dtype = np.dtype(self.dtype)
        except TypeError as exc:
            raise ValueError(message) from exc
        if dtype not in (np.dtype("f8"), np.dtype("f4")):
            raise ValueError(message)
        return dtype

    # -- the map --------------------------------------------------------------

    def forward_and_log_det(self, X):
        """Return Z and log |det dZ/dX| of each row."""
        if self.direction == "generate":
            return self._chain(X, reversed(self.layers_), "inverse_and_log_det")
        return self._chain(X, self.layers_, "forward_and_log_det")

    def inverse_and_log_det(self, Z):
        """Return X and log |det dX/dZ| of each row."""
        if self.direction == "generate":
            return self._chain(Z, self.layers_, "forward_and_log_det")
        return self._chain(Z, reversed(self.layers_), "inverse_and_log_det")

    @staticmethod
    def _chain(X, layers, method):
        log_det = np.zeros(len(X))
        for layer in layers:
            X, added = getattr(layer, method)(X)
            log_det += added
        return X, log_det
