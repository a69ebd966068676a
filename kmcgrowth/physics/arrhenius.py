"""Temperature laws: the Arrhenius rate and the straight line of an Arrhenius plot."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kmcgrowth.physics.constants import K_B, MAX_EXPONENT, Values


def rate(temperature: Values, value: Values, reference: Values, activation_energy: Values) -> Values:
    """Arrhenius law anchored at a reference temperature.

    k(T) = k_ref exp[-(E_a/k_B)(1/T - 1/T_ref)]. The same form serves as van 't Hoff law of a solubility
    (E_a is then the dissolution enthalpy) or of an equilibrium constant.

    Parameters
    ----------
    temperature : float or array [K], above zero
    value : the quantity at ``reference`` [any unit]
    reference : float [K]
    activation_energy : float [J per molecule]

    Returns
    -------
    float or array, in the unit of ``value``. The exponent is cut at +-700.

    Source: Arrhenius, Z. Phys. Chem. 4, 226 (1889).
    """
    exponent = -activation_energy / K_B * (1.0 / temperature - 1.0 / reference)
    return value * np.exp(np.maximum(np.minimum(exponent, MAX_EXPONENT), -MAX_EXPONENT))


class ArrheniusFit(NamedTuple):
    """Straight line of an Arrhenius plot.

    Attributes
    ----------
    value : rate at ``reference`` [unit of the rates]
    reference : temperature [K]
    activation_energy : [J per molecule]
    activation_energy_error : standard error from the scatter about the line (nan for two points)
        [J per molecule]
    """

    value: Values
    reference: Values
    activation_energy: Values
    activation_energy_error: Values


def fit(temperature: Values, rates: Values, *, reference: Values = None, weights: Values = None) -> ArrheniusFit:
    """Least-squares line through ln k against 1/T, in closed form.

    Parameters
    ----------
    temperature : (n,) array [K], at least two different ones
    rates : (n,) array, positive [any unit]
    reference : temperature at which the fitted rate is given [K]; by default the harmonic mean of
        ``temperature``, where value and slope are uncorrelated
    weights : (n,) array or None, 1/variance of ln k [dimensionless]

    Raises
    ------
    ValueError : fewer than two different temperatures, or a rate that is not positive.

    Source: weighted linear regression, e.g. Bevington and Robinson, Data Reduction and Error Analysis
    for the Physical Sciences, 3rd edition (2003), ch. 6.
    """
    n = len(temperature)
    w = np.ones(n) if weights is None else weights
    if n < 2 or np.max(temperature) == np.min(temperature):
        raise ValueError("an Arrhenius fit needs at least two different temperatures.")
    if not np.all(rates / rates[0] > 0.0):
        raise ValueError("an Arrhenius fit needs rates that are all positive.")
    inverse = 1.0 / temperature
    log_rate = np.log(rates / rates[0])
    total = np.sum(w)
    mean_inverse = np.sum(w * inverse) / total
    mean_log = np.sum(w * log_rate) / total
    spread = np.sum(w * (inverse - mean_inverse) ** 2)
    slope = np.sum(w * (inverse - mean_inverse) * (log_rate - mean_log)) / spread
    residual = log_rate - mean_log - slope * (inverse - mean_inverse)
    scatter = np.sum(w * residual**2) / (n - 2) if n > 2 else float("nan")
    at = 1.0 / mean_inverse if reference is None else reference
    value = rates[0] * np.exp(mean_log + slope * (1.0 / at - mean_inverse))
    return ArrheniusFit(value, at, -slope * K_B, K_B * np.sqrt(scatter / spread))
