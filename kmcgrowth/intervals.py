"""95 % intervals of what a run or several replicates measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv, stdtrit

FloatArray = NDArray[np.float64]

LEVEL = 0.95
"""Coverage of every interval [dimensionless]."""

FEW = 30
"""Pooled counts below this get the exact Poisson interval instead of Student's [particles]."""


def poisson_interval(count: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Exact interval of the mean of a Poisson variable that was seen to be ``count``.

    Parameters
    ----------
    count : array of whole numbers [dimensionless]

    Returns
    -------
    lower, upper : arrays of the same shape [dimensionless]

    Notes
    -----
    Garwood, Biometrika 28, 437 (1936): lower = chi2(0.025; 2k)/2, upper = chi2(0.975; 2k + 2)/2, with
    half a chi-square quantile written as the inverse of the incomplete gamma function. Coverage is at least 95 %.
    """
    k = np.asarray(count, dtype=float)
    tail = 0.5 * (1.0 - LEVEL)
    lower = np.where(k > 0, gammaincinv(np.maximum(k, 1e-300), tail), 0.0)
    return np.asarray(lower), np.asarray(gammaincinv(k + 1.0, 1.0 - tail))


def student_interval(values: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Interval of the mean over the first axis by Student's t; values that are not finite are left out.

    Parameters
    ----------
    values : (replicate, ...) array [any unit]

    Returns
    -------
    lower, upper : (...) arrays [same unit]; NaN where fewer than two values are finite
    """
    x = np.asarray(values, dtype=float)
    known = np.isfinite(x)
    n = known.sum(axis=0)
    enough = n > 1
    m = np.where(enough, n, 2)
    mean = np.where(known, x, 0.0).sum(axis=0) / m
    spread = np.where(known, x - mean, 0.0)
    error = np.sqrt((spread**2).sum(axis=0) / (m - 1) / m)
    half = stdtrit(m - 1, 0.5 * (1.0 + LEVEL)) * error
    return np.where(enough, mean - half, np.nan), np.where(enough, mean + half, np.nan)


def sampling_errors(
    number: ArrayLike, mean: ArrayLike, m2: ArrayLike, m3: ArrayLike, m4: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Half widths of the intervals of the mean and of the relative standard deviation of independent particles.

    Parameters
    ----------
    number : particles [dimensionless]
    mean : mean diameter [nm]
    m2, m3, m4 : central moments of the diameter [nm^2, nm^3, nm^4]

    Returns
    -------
    of_mean, of_relative_std : half widths [nm], [dimensionless]; NaN below two particles

    Notes
    -----
    Delta method on s/m with Var(m) = m2/N, Var(s^2) = (m4 - m2^2)/N, Cov(m, s^2) = m3/N (Cramer, Mathematical
    Methods of Statistics, 27.7): Var(s/m) = [(m4 - m2^2)/(4 m2 m^2) - m3/m^3 + m2^2/m^4]/N; for a narrow
    Gaussian this is (s/m)^2/(2N). Student's t with N - 1 degrees of freedom takes the place of the normal quantile.
    """
    n, m, v, s, k = (np.asarray(x, dtype=float) for x in (number, mean, m2, m3, m4))
    enough = (n > 1) & np.isfinite(m)
    n_, m_ = np.where(enough, n, 2.0), np.where(enough, m, 1.0)
    v_, s_, k_ = np.where(enough, v, 0.0), np.where(enough, s, 0.0), np.where(enough, k, 0.0)
    t = stdtrit(n_ - 1.0, 0.5 * (1.0 + LEVEL))
    safe = np.where(v_ > 0, v_, 1.0)
    variance = np.where(v_ > 0, (k_ - v_**2) / (4.0 * safe * m_**2) - s_ / m_**3 + v_**2 / m_**4, 0.0)
    of_mean = t * np.sqrt(v_ / n_)
    of_relative = t * np.sqrt(np.maximum(variance, 0.0) / n_)
    return np.where(enough, of_mean, np.nan), np.where(enough, of_relative, np.nan)


def share_interval(born: ArrayLike, seeds: float) -> tuple[FloatArray, FloatArray]:
    """Interval of the mean number of particles born per initial seed.

    Parameters
    ----------
    born : (replicate, ...) particles born [dimensionless]
    seeds : initial seeds of one replicate [dimensionless]

    Returns
    -------
    lower, upper : (...) arrays [dimensionless]; NaN without seeds

    Notes
    -----
    Births are rare independent events at a rate that the mean-field concentration sets, so one replicate, fewer than
    ``FEW`` births in all, or replicates that all agree get the exact Poisson interval of the pooled count; otherwise
    Student's t over the replicates, which also covers a spread wider or narrower than Poisson's.
    """
    k = np.asarray(born, dtype=float)
    if not seeds > 0:
        nothing = np.full(k.shape[1:], np.nan)
        return nothing, nothing.copy()
    pooled = k.sum(axis=0)
    scale = 1.0 / (seeds * k.shape[0])
    lower, upper = (scale * bound for bound in poisson_interval(pooled))
    if k.shape[0] > 1:
        low_t, high_t = student_interval(k / seeds)
        use_t = (pooled >= FEW) & (k.std(axis=0) > 0)
        lower = np.where(use_t, np.maximum(low_t, 0.0), lower)
        upper = np.where(use_t, high_t, upper)
    return lower, upper
