"""Fits that papers make to what they measured: straight lines, exponentials, Arrhenius plots, with 95 % intervals.

Without errors of the points, their scatter is taken as equal and unknown and comes from the residuals, with Student's
t; errors that are given are taken as known, with the normal quantile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.intervals import LEVEL
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, K_B, MAX_EXPONENT, R

FloatArray = NDArray[np.float64]

FASTEST = 20.0
"""Rates up to this over the shortest step of time are searched; at it 2e-9 of a change is left after one step."""

SLOWEST = 1e-3
"""Rates down to this over the span of time are searched; an exponential so slow is a straight line within 1.3e-4."""


@dataclass(frozen=True)
class Estimate:
    """A fitted number.

    Attributes
    ----------
    value : best fit [unit of the number]
    error : standard error, linearised [same unit]
    lower, upper : ends of the 95 % interval [same unit]
    """

    value: float
    error: float
    lower: float
    upper: float

    def holds(self, value: float) -> bool:
        """Whether a value lies in the interval."""
        return self.lower <= value <= self.upper


@dataclass(frozen=True)
class StraightLine:
    """y = intercept + slope x.

    Attributes
    ----------
    slope : [unit of y over unit of x]
    intercept : [unit of y]
    r_squared : share of the (weighted) squares that the line explains; NaN where all y are equal [dimensionless]
    residual : standard deviation of the points about the line; in units of their errors where given [unit of y]
    number : points
    """

    slope: Estimate
    intercept: Estimate
    r_squared: float
    residual: float
    number: int

    def __call__(self, x: ArrayLike) -> FloatArray:
        """The line at x (...) [unit of y]."""
        return np.asarray(self.intercept.value + self.slope.value * np.asarray(x, dtype=float))


@dataclass(frozen=True)
class Exponential:
    """y = initial + change (1 - exp(-rate t)): a rise or, with a negative change, a decay.

    Attributes
    ----------
    rate : its interval is that of the profile likelihood; 0 or inf where the points set no end [1 / unit of t]
    initial, change : at t = 0, and from there to the plateau [unit of y]
    final : the plateau, initial + change [unit of y]
    r_squared : share of the (weighted) squares that the curve explains [dimensionless]
    residual : standard deviation of the points about the curve; in units of their errors where given [unit of y]
    number : points
    """

    rate: Estimate
    initial: Estimate
    change: Estimate
    final: Estimate
    r_squared: float
    residual: float
    number: int

    def __call__(self, t: ArrayLike) -> FloatArray:
        """The curve at times t (...) [unit of y]."""
        rise = -np.expm1(-self.rate.value * np.asarray(t, dtype=float))
        return np.asarray(self.initial.value + self.change.value * rise)


@dataclass(frozen=True)
class FirstOrderLine:
    """ln|final - y| = ln|change| - rate t.

    Attributes
    ----------
    rate : [1 / unit of t]
    change : final - y at t = 0, with its sign [unit of y]
    line : of ln|final - y| over t; its R^2 is what papers print
    """

    rate: Estimate
    change: Estimate
    line: StraightLine


@dataclass(frozen=True)
class ArrheniusFit:
    """k = prefactor exp(-E_a / (R T)).

    Attributes
    ----------
    energy_ev : E_a of one molecule [eV]
    energy_kj_per_mol : E_a of one mole [kJ/mol]
    ln_prefactor : natural logarithm of the prefactor in the unit of the rates [dimensionless]
    line : of ln k over 1/(k_B T), 1/eV
    """

    energy_ev: Estimate
    energy_kj_per_mol: Estimate
    ln_prefactor: Estimate
    line: StraightLine

    def __call__(self, temperature: ArrayLike) -> FloatArray:
        """Rates at temperatures (...) [K], in the unit of those fitted."""
        beta = ELEMENTARY_CHARGE / (K_B * np.asarray(temperature, dtype=float))
        return np.exp(self.ln_prefactor.value - self.energy_ev.value * beta)


def straight_line(x: ArrayLike, y: ArrayLike, *, error: ArrayLike | None = None) -> StraightLine:
    """Least squares of a line through points.

    Parameters
    ----------
    x, y : (k,) points, at least three without errors and two with [any units]
    error : (k,) or one standard error of y, taken as known; None takes it from the residuals [unit of y]

    Returns
    -------
    StraightLine

    Raises
    ------
    BadInput : too few points, numbers that are not finite, errors that are not positive, or a single value of x.

    Notes
    -----
    Draper and Smith, Applied Regression Analysis (1998), sections 1.2 to 1.4; the intervals are exact for Gaussian
    scatter.
    """
    x_, y_, w = _points("x", x, y, error, parameters=2)
    if not np.ptp(x_) > 1e-12 * float(np.abs(x_).max()):
        raise BadInput("x: all points have the same value; a line needs at least two.")
    # About the mean of x, slope and level have no correlation and the sums keep their digits.
    mean = float(w @ x_ / w.sum())
    from_mean = x_ - mean
    spread = float(w @ from_mean**2)
    level = float(w @ y_ / w.sum())
    slope = float(w @ (from_mean * (y_ - level))) / spread
    intercept = level - slope * mean
    left = y_ - level - slope * from_mean
    scale, factor, r_squared = _scatter(left, y_, w, parameters=2, known=error is not None)
    return StraightLine(
        _estimate(slope, scale / spread**0.5, factor),
        _estimate(intercept, scale * (1.0 / float(w.sum()) + mean**2 / spread) ** 0.5, factor),
        r_squared, _residual(left, w, 2), len(x_),
    )


def exponential(t: ArrayLike, y: ArrayLike, *, error: ArrayLike | None = None) -> Exponential:
    """Least squares of one exponential, y = A0 + dA (1 - exp(-k t)).

    Parameters
    ----------
    t : (k,) times, in any order, at least four without errors and three with [any unit]
    y : (k,) absorbance, amount or whatever follows the exponential [any unit]
    error : (k,) or one standard error of y, taken as known; None takes it from the residuals [unit of y]

    Returns
    -------
    Exponential

    Raises
    ------
    BadInput : too few points or different times, numbers that are not finite, or y that does not change.

    Notes
    -----
    At a given k both amplitudes are linear (Golub and Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)), which leaves one
    unknown. The interval of k holds what raises the sum of squares by no more than t^2 times its mean square (Bates and
    Watts, Nonlinear Regression Analysis (1988), section 6.1); those of the amplitudes are linearised.
    """
    from scipy.optimize import brentq, minimize_scalar

    t_, y_, w = _points("t", t, y, error, parameters=3)
    times = np.unique(t_)
    if len(times) < 3:
        raise BadInput(f"t: {len(times)} different times say nothing about an exponential; give at least three.")
    if not np.ptp(y_) > 1e-12 * float(np.abs(y_).max()):
        raise BadInput("y: all points have the same value, so there is no rate to be found.")
    span, start = float(times[-1] - times[0]), float(times[0])
    low, high = np.log(SLOWEST / span), np.log(FASTEST / float(np.diff(times).min()))

    def amplitudes(log_rate: float) -> tuple[float, float, FloatArray]:
        """Level at the first time, change from there to the plateau, and what is left of y."""
        rise = -np.expm1(-np.exp(log_rate) * (t_ - start))
        mean, level = float(w @ rise / w.sum()), float(w @ y_ / w.sum())
        off = rise - mean
        change = float(w @ (off * (y_ - level))) / float(w @ off**2)
        return level - change * mean, change, y_ - level - change * off

    def squares(log_rate: float) -> float:
        left = amplitudes(log_rate)[2]
        return float(w @ left**2)

    grid = np.linspace(low, high, max(int((high - low) * 8), 16))
    found = [squares(g) for g in grid]
    at = int(np.argmin(found))
    best = minimize_scalar(
        squares, bounds=(grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]), method="bounded",
        options={"xatol": 1e-11},
    )
    log_rate = float(best.x if best.fun <= found[at] else grid[at])
    begin, change, left = amplitudes(log_rate)
    rate = float(np.exp(log_rate))
    smallest = float(w @ left**2)
    scale, factor, r_squared = _scatter(left, y_, w, parameters=3, known=error is not None)
    # From the first time back to zero.
    growth = float(np.exp(min(rate * start, MAX_EXPONENT)))
    initial, change_at_zero = begin + change * (1.0 - growth), change * growth
    covariance = scale**2 * _inverse_information(t_, w, rate, change_at_zero)

    # Round-off of the smallest sum of squares would hide the root of points without scatter.
    limit = smallest + max((factor * scale) ** 2, 1e-20 * float(w @ y_**2))

    def over(log_k: float) -> float:
        return squares(log_k) - limit

    below = [g for g, s in zip(grid, found) if g < log_rate and s > limit]
    above = [g for g, s in zip(grid, found) if g > log_rate and s > limit]
    lower = float(np.exp(brentq(over, below[-1], log_rate, xtol=1e-12))) if below else 0.0
    upper = float(np.exp(brentq(over, log_rate, above[0], xtol=1e-12))) if above else float("inf")
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    of_final = max(float(covariance[0, 0] + covariance[1, 1] + 2 * covariance[0, 1]), 0.0) ** 0.5
    return Exponential(
        Estimate(rate, float(errors[2]), lower, upper), _estimate(initial, float(errors[0]), factor),
        _estimate(change_at_zero, float(errors[1]), factor), _estimate(initial + change_at_zero, of_final, factor),
        r_squared, _residual(left, w, 3), len(t_),
    )


def first_order_line(t: ArrayLike, y: ArrayLike, *, final: float) -> FirstOrderLine:
    """The linear form of a first-order rise or decay, ln|final - y| over t, each point with the same weight.

    Parameters
    ----------
    t : (k,) times, at least three [any unit]
    y : (k,) values, all on the same side of the plateau [any unit]
    final : the plateau, taken as exact [unit of y]

    Returns
    -------
    FirstOrderLine

    Raises
    ------
    BadInput : too few points, or one at or beyond the plateau; the sentence names its time.

    Notes
    -----
    10.1021/jacsau.3c00809 fits the conversion of InAs clusters so. Points near the plateau scatter more on this axis
    than others, and an error of the plateau bends the line: ``exponential`` is free of both.
    """
    t_, y_, _ = _points("t", t, y, None, parameters=2)
    if not np.isfinite(final):
        raise BadInput(f"final: {final} cannot be used; give the value that y goes to.")
    left = final - y_
    sign = 1.0 if np.median(left) > 0 else -1.0
    beyond = np.flatnonzero(sign * left <= 0)
    if len(beyond):
        raise BadInput(
            f"y: at t = {t_[beyond[0]]:g} it has reached the plateau {final:g}, where the logarithm ends; leave such "
            "points out or correct the plateau."
        )
    line = straight_line(t_, np.log(sign * left))
    k, b = line.slope, line.intercept
    size = float(np.exp(b.value))
    ends = sorted((sign * float(np.exp(b.lower)), sign * float(np.exp(b.upper))))
    return FirstOrderLine(
        Estimate(-k.value, k.error, -k.upper, -k.lower), Estimate(sign * size, size * b.error, ends[0], ends[1]), line
    )


def arrhenius_fit(temperature: ArrayLike, rate: ArrayLike, *, error: ArrayLike | None = None) -> ArrheniusFit:
    """Activation energy from rates at several temperatures, by a line of ln k over 1/T.

    Parameters
    ----------
    temperature : (k,) at least three, two with errors [K]
    rate : (k,) rate constants [any unit]
    error : (k,) or one standard error of the rates; None weights every ln k alike [unit of the rates]

    Returns
    -------
    ArrheniusFit

    Raises
    ------
    BadInput : as ``straight_line``, or a temperature or a rate that is not positive.
    """
    for name, values in (("temperature", temperature), ("rate", rate)):
        if not (np.asarray(values, dtype=float) > 0).all():
            raise BadInput(f"{name}: every one must be positive, temperatures in kelvin.")
    k = np.asarray(rate, dtype=float)
    beta = ELEMENTARY_CHARGE / (K_B * np.asarray(temperature, dtype=float))
    line = straight_line(beta, np.log(k), error=None if error is None else np.asarray(error, dtype=float) / k)
    s = line.slope
    energy = Estimate(-s.value, s.error, -s.upper, -s.lower)
    per_mole = 1e-3 * R * ELEMENTARY_CHARGE / K_B
    molar = Estimate(*(per_mole * v for v in (energy.value, energy.error, energy.lower, energy.upper)))
    return ArrheniusFit(energy, molar, line.intercept, line)


def _points(
    name: str, x: ArrayLike, y: ArrayLike, error: ArrayLike | None, *, parameters: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Points and their weights, 1 or 1/error^2."""
    x_, y_ = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x_.ndim != 1 or x_.shape != y_.shape:
        raise BadInput(f"{name}, y: shapes {x_.shape} and {y_.shape} differ; give one row of each, of the same length.")
    least = parameters + (error is None)
    if len(x_) < least:
        raise BadInput(f"{name}: {len(x_)} points are too few; this fit needs at least {least}.")
    if not (np.isfinite(x_).all() and np.isfinite(y_).all()):
        raise BadInput(f"{name}, y: a point is not finite; leave out what was not measured.")
    if error is None:
        return x_, y_, np.ones(len(x_))
    e = np.asarray(error, dtype=float)
    if e.shape not in ((), x_.shape) or not (np.isfinite(e).all() and (e > 0).all()):
        raise BadInput("error: give one positive standard error, or one for each point.")
    return x_, y_, np.broadcast_to(e**-2.0, x_.shape).copy()


def _scatter(
    left: FloatArray, y: FloatArray, w: FloatArray, *, parameters: int, known: bool
) -> tuple[float, float, float]:
    """Standard deviation of a point of weight one, quantile of the 95 % interval, and R^2."""
    from scipy.special import ndtri, stdtrit

    squares = float(w @ left**2)
    free = len(left) - parameters
    whole = float(w @ (y - float(w @ y / w.sum())) ** 2)
    r_squared = 1.0 - squares / whole if whole > 0 else float("nan")
    level = 0.5 * (1.0 + LEVEL)
    if known:
        return 1.0, float(ndtri(level)), r_squared
    return (squares / free) ** 0.5, float(stdtrit(free, level)), r_squared


def _residual(left: FloatArray, w: FloatArray, parameters: int) -> float:
    free = len(left) - parameters
    return float((w @ left**2 / free) ** 0.5) if free > 0 else float("nan")


def _estimate(value: float, error: float, factor: float) -> Estimate:
    return Estimate(value, error, value - factor * error, value + factor * error)


def _inverse_information(t: FloatArray, w: FloatArray, rate: float, change: float) -> NDArray[Any]:
    """Covariance of (initial, change, rate) for points of weight one with unit variance, linearised."""
    decay = np.exp(-rate * t)
    jacobian = np.stack([np.ones(len(t)), -np.expm1(-rate * t), change * t * decay], axis=1)
    size = np.sqrt((w[:, None] * jacobian**2).sum(axis=0))
    # Columns of equal length, so that the units of t and y do not decide what counts as singular.
    scaled = np.sqrt(w)[:, None] * jacobian / size
    return np.linalg.pinv(scaled.T @ scaled) / np.outer(size, size)


__all__ = [
    "ArrheniusFit", "Estimate", "Exponential", "FirstOrderLine", "StraightLine", "arrhenius_fit", "exponential",
    "first_order_line", "straight_line",
]
