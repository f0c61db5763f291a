"""The maximum of a likelihood: of MBG/NBD for purchases, of Gamma-Gamma for spend. Needs scipy, the extra `fit`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

LEAST, MOST = 1e-4, 1e4
"""Between these r, a and b are looked for; a maximum at one of them is none."""
STEP = 1e-3
"""Of the numeric second derivative, in logarithms of the parameters: its error is least near a thousandth."""

Numbers = NDArray[np.float64]


class NoMaximum(ValueError):
    """The likelihood has no maximum between the bounds; the message names the parameter."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The parameters at the maximum."""

    parameters: dict[str, float]
    log_likelihood: float
    standard_errors: dict[str, float]
    """Of each parameter, from the curvature at the maximum; nan where it is flat."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Customers, those alike only once."""

    x: Numbers
    last: Numbers
    observed: Numbers
    weight: Numbers

    @staticmethod
    def of(rows: list[tuple[int, float, float]]) -> "Sample":
        """From (x, last, observed) of each customer."""
        found, counts = np.unique(np.array(rows, dtype=float), axis=0, return_counts=True)
        return Sample(found[:, 0], found[:, 1], found[:, 2], counts.astype(float))


def purchases_log_likelihood(sample: Sample, r: float, alpha: float, a: float, b: float) -> float:
    """The log-likelihood of MBG/NBD, without constants of the data."""
    x = sample.x
    still = betaln(a, b + x + 1) - (r + x) * np.log(alpha + sample.observed)
    gone = betaln(a + 1, b + x) - (r + x) * np.log(alpha + sample.last)
    each = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b) + np.logaddexp(still, gone)
    return float(sample.weight @ each)


def fit_purchases(sample: Sample) -> Fit:
    """The parameters r, alpha, a, b of MBG/NBD; alpha in days. Raises NoMaximum."""
    scale = max(float(sample.observed.mean()), 1.0)
    start = {"r": 0.5, "alpha": scale / 4, "a": 0.7, "b": 1.5}
    return _maximum(lambda **given: purchases_log_likelihood(sample, **given), start, ("r", "a", "b"))


def _alike(rows: list[tuple[int, float]]) -> tuple[Numbers, Numbers]:
    """Those alike only once, as columns, and how many there are of each."""
    found, counts = np.unique(np.array(rows, dtype=float), axis=0, return_counts=True)
    return found.T, counts.astype(float)


def spend_log_likelihood(
    count: Numbers, mean: Numbers, weight: Numbers, p: float, q: float, v: float
) -> float:
    """The log-likelihood of Gamma-Gamma, without constants of the data."""
    each = gammaln(p * count + q) - gammaln(p * count) - gammaln(q) + q * np.log(v)
    each += (p * count - 1) * np.log(mean) + p * count * np.log(count)
    return float(weight @ (each - (p * count + q) * np.log(count * mean + v)))


def fit_spend(rows: list[tuple[int, float]]) -> Fit:
    """The parameters p, q, v of Gamma-Gamma, of the customers' (number of purchase days, mean). Raises NoMaximum."""
    (count, mean), weight = _alike(rows)
    start = {"p": 4.0, "q": 3.5, "v": float(weight @ mean / weight.sum())}
    return _maximum(lambda **given: spend_log_likelihood(count, mean, weight, **given), start, ("p", "q"))


def expected(sample: Sample, days: float, r: float, alpha: float, a: float, b: float) -> Numbers:
    """Of each customer the number of purchase days to be expected in the next `days` days."""
    a = a if abs(a - 1) > NEAR_ONE else 1 + NEAR_ONE
    ahead = alpha + sample.observed + days
    series = hyp2f1(r + sample.x, b + sample.x + 1, a + b + sample.x, days / ahead)
    part = 1 - ((alpha + sample.observed) / ahead) ** (r + sample.x) * series
    found = (a + b + sample.x) / (a - 1) * part * alive(sample, r, alpha, a, b)
    return np.asarray(found, dtype=float)


NEAR_ONE = 1e-6
"""Closer to a = 1 more digits cancel out than a double has to spare; the error is of this size."""


def alive(sample: Sample, r: float, alpha: float, a: float, b: float) -> Numbers:
    """Of each customer the probability of buying again."""
    grown = (r + sample.x) * np.log((alpha + sample.observed) / (alpha + sample.last))
    return np.asarray(1 / (1 + a / (b + sample.x) * np.exp(np.minimum(grown, 700))), dtype=float)


def _maximum(likelihood: Callable[..., float], start: dict[str, float], bounded: tuple[str, ...]) -> Fit:
    names = list(start)

    def loss(logs: Numbers) -> float:
        return -likelihood(**dict(zip(names, np.exp(logs), strict=True)))

    limits = [(LEAST, MOST) if name in bounded else (1e-6, 1e9) for name in names]
    bounds = [(float(np.log(low)), float(np.log(high))) for low, high in limits]
    logs = np.log(list(start.values()))
    for method in ("L-BFGS-B", "Nelder-Mead", "L-BFGS-B"):
        logs = minimize(loss, logs, method=method, bounds=bounds, options=PATIENCE[method]).x
    for name, log, (low, high) in zip(names, logs, bounds, strict=True):
        if min(log - low, high - log) < AT_A_BOUND:
            raise NoMaximum(f"{name} runs off to {np.exp(log):.4g}")
    values = np.exp(logs)
    errors = values * _deviations(loss, logs)
    return Fit(
        dict(zip(names, map(float, values), strict=True)),
        -loss(logs),
        dict(zip(names, map(float, errors), strict=True)),
    )


PATIENCE: dict[str, dict[str, float]] = {
    "L-BFGS-B": {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-8},
    "Nelder-Mead": {"maxiter": 4000, "xatol": 1e-7, "fatol": 1e-7},
}
"""How far each method goes on: until the parameters have six digits, a log-likelihood of a million included."""
AT_A_BOUND = 0.01
"""In logarithms: a maximum within one per cent of a bound lies at it."""


def _deviations(loss: Callable[[Numbers], float], logs: Numbers) -> Numbers:
    """The standard errors of the logarithms, from the second derivatives by differences."""
    count, step = len(logs), STEP
    shifts = np.eye(count) * step
    hessian = np.zeros((count, count))
    for i in range(count):
        for j in range(i, count):
            up, down = shifts[i] + shifts[j], shifts[i] - shifts[j]
            around = loss(logs + up) - loss(logs + down) - loss(logs - down) + loss(logs - up)
            hessian[i, j] = hessian[j, i] = around / (4 * step * step)
    try:
        variances = np.diag(np.linalg.inv(hessian))
    except np.linalg.LinAlgError:
        return np.full(count, np.nan)
    return np.sqrt(np.where(variances > 0, variances, np.nan))
