"""Maximum likelihood for all the parameters of a chain, with early stopping."""

import numpy as np
from scipy.optimize import minimize

#: Weights of the penalty on squared moves, in rows; and on their second
#: differences, from smooth maps to free ones, each started where the last ended.
#: Smoother maps generalise from fewer rows; held-out rows choose along the path.
#: Chosen by hand.
RIDGE = 8.0
ROUGHNESS = (256.0, 64.0, 16.0, 4.0)
#: Most steps under each weight, and steps without a better held-out likelihood: time
#: against what late steps gain. Chosen by hand.
MAX_ITER, PATIENCE = 150, 40
#: Largest move of a log slope, a factor of 55, and of an entry of a rotation's matrix:
#: bounds against overflow, chosen by hand.
MAX_MOVE = 4.0
#: Most evaluations of a map and its gradient, in all: under a minute.
MAX_WORK = 2.5e8


def train(chain, X, held_out, n_jobs=None):
    """Maximise the likelihood of rows along a path of ever weaker penalties.

    The chain starts at theta = 0; ``held_out`` rows say when to stop.

    Returns the theta that is best on the held-out rows, zeros where nothing was better;
    the list of steps under each penalty up to there; and the held-out rows' log
    densities there.
    """
    theta = np.zeros(chain.n_params)
    early_stopping = _EarlyStopping(chain, held_out, n_jobs)
    early_stopping(theta)
    budget = int(MAX_WORK / (max(chain.n_maps, 1) * (len(X) + 0.5 * len(held_out))))
    stages = []
    for roughness in ROUGHNESS if chain.n_params else ():
        steps = min(MAX_ITER, budget - sum(stages))
        if steps < 1:
            break
        early_stopping.start_stage()
        theta = maximise(chain, theta, X, roughness, steps, n_jobs, early_stopping)
        stages.append(early_stopping.n_steps)
        if not early_stopping.improved:
            break
    return (
        early_stopping.theta,
        early_stopping.stages(stages),
        early_stopping.log_density,
    )


def retrace(chain, X, stages, n_jobs=None):
    """Return theta after the same steps as :func:`train` took, on other rows."""
    theta = np.zeros(chain.n_params)
    for roughness, steps in zip(ROUGHNESS, stages, strict=False):
        theta = maximise(chain, theta, X, roughness, steps, n_jobs)
    return theta


def maximise(chain, theta, X, roughness, n_iter, n_jobs=None, early_stopping=None):
    """Take steps of L-BFGS (Liu and Nocedal, 1989) up the penalised likelihood."""

    def objective(theta):
        loss, gradient = chain.loss_and_gradient(theta, X, n_jobs)
        penalty, by_theta = chain.penalty(theta, RIDGE / len(X), roughness / len(X))
        return loss + penalty, gradient + by_theta

    if n_iter < 1:
        return theta
    return minimize(
        objective,
        theta,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-MAX_MOVE, MAX_MOVE)] * len(theta),
        callback=early_stopping,
        options={
            "maxiter": n_iter,
            "maxfun": 3 * n_iter,
            "maxcor": 20,
            "ftol": 1e-9,
            "gtol": 1e-7,
        },
    ).x


class _EarlyStopping:
    """Keep the theta at which the held-out rows are likeliest."""

    def __init__(self, chain, held_out, n_jobs):
        self.chain, self.held_out, self.n_jobs = chain, held_out, n_jobs
        self.best = -np.inf
        self.stage, self.n_steps, self.waited = -1, 0, 0
        self.improved = False

    def start_stage(self):
        self.stage, self.n_steps, self.waited = self.stage + 1, 0, 0
        self.improved = False

    def __call__(self, theta):
        if self.stage >= 0:
            self.n_steps += 1
        log_density = self.chain.log_density(theta, self.held_out, self.n_jobs)
        mean = float(np.mean(log_density))
        self.waited += 1
        if mean > self.best:
            self.best, self.theta, self.log_density = mean, theta.copy(), log_density
            self.best_at = (self.stage, self.n_steps)
            self.improved, self.waited = True, 0
        if self.waited == PATIENCE:
            raise StopIteration

    def stages(self, taken):
        """Return the steps under each penalty up to the best theta."""
        stage, steps = self.best_at
        return [*taken[: max(stage, 0)], steps] if stage >= 0 else []
