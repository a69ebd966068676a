"""One leap in plain Python: the definition that the compiled leaps are held to.

A leap goes from whole numbers to whole numbers over a time in which every particle may exchange many monomers:

1. The *expected course* from the counts at the start, sizes of particles included, gives the concentration c(t) and how
   often every channel is expected to happen. The mean field has a course of its own, and births are thinned under it.
2. Dissolved molecules are followed in whole numbers. Of those there, each stays with the probability of surviving all
   channels that take it; of those that arrive, with the one that makes the expectation come out; the others go to
   the channels by their shares.
3. Every particle is a birth-death chain of its own under c(t).
4. What the chains took up together and what the pool gave (item 2) differ, for a pool would have answered to the
   fluctuations of the chains. A pool that is hardly touched in the step keeps the difference; one that turns over hands
   it to the particles in proportion to their capture; in between they share it so that the noise stays what it is.

For a fast pool item 4 is the conditional law: attachments of independent Poisson numbers, given their sum, are
multinomial with the shares of the capture. For rates that do not change in the step the leap is exact in all but the
correlation of the pool at the end with the number of detachments, one over the number of turnovers of the pool. The
compiled kernel replaces a chain by draws with its mean, variance and skewness where it holds many events.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.model.types import MONOMER, FloatArray, IntArray, Model
from kmcgrowth.physics.nucleation import NEWBORN_SURVIVAL
from kmcgrowth.reactor.twin_laws import newborn_units, nucleation_rate, reads_mean_field


@dataclass
class Flask:
    """State between two leaps.

    Attributes
    ----------
    time : float [s]
    sizes : formula units of the particles
    amounts : (species,) molecules, a negative monomer count is a debt
    mean : (species,) molecules of the mean field
    syringes : (syringes, species) molecules left
    volume : float [m^3]
    left : (syringes,) volume left in the syringes [m^3]
    born, dissolved, released, captured : numbers since the start
    """

    time: float
    sizes: list[int]
    amounts: IntArray
    mean: FloatArray
    syringes: IntArray
    volume: float
    left: FloatArray
    born: int = 0
    dissolved: int = 0
    released: int = 0
    captured: int = 0

    @classmethod
    def of(cls, model: Model, rng: np.random.Generator) -> Flask:
        """The start of a model at constant temperature, whose reactions take one molecule of one species.

        Raises
        ------
        BadInput
            For other models.
        """
        plain = all(list(r.reactants.values()) == [1] and r.orders == {next(iter(r.reactants)): 1.0}
                    for r in model.reactions)
        if not plain or np.ptp(model.temperature.value) > 0.0 or model.nucleation.law == "explicit":
            raise BadInput("the plain leap knows first-order reactions at constant temperature only.")
        content = np.array([[s.contents.get(i, 0) for i in range(len(model.species))] for s in model.syringes])
        return cls(
            0.0, [int(n) for n in model.draw_seeds(rng)], np.array(model.initial), np.array(model.initial, dtype=float),
            content.reshape(-1, len(model.species)).astype(np.int64), model.control_volume,
            np.array([s.volume for s in model.syringes]),
        )


def leap(model: Model, flask: Flask, tau: float, rng: np.random.Generator) -> Flask:
    """Take one leap of ``tau`` [s] in which no flow changes."""
    step = _Step(model, flask, tau)
    births = step.draw_births(rng)
    rest, net, sticks = step.exchange(births, rng)
    sizes = list(flask.sizes)
    change, dissolved = 0, 0

    def stick(before: bool) -> None:
        for s, process in enumerate(model.sticking):
            number = int(rng.binomial(sticks[s], 0.5)) if before else int(sticks[s])
            sticks[s] -= number
            weight = np.array([step.stick[s][n] for n in sizes])
            for _ in range(number):
                sizes[int(rng.choice(len(sizes), p=weight / weight.sum()))] += process.units

    stick(True)
    grown: list[int] = []
    for n, born in [(n, flask.time) for n in sizes] + [(units, t) for t, units in births]:
        end = step.chain(n, born, rng)
        change += end - n
        dissolved += end == 0
        grown += [end] if end else []
    sizes = grown
    stick(False)
    kept = step.kept(net - change, net + 2 * step.released, int(rest[MONOMER]), rng)
    net -= kept
    rest[MONOMER] += kept + step.spread(sizes, net - change, rng)
    return Flask(
        flask.time + tau, sizes, rest, step.mean_end, flask.syringes - step.injected, step.volume(flask.time + tau),
        flask.left - step.flow * tau, flask.born + len(births), flask.dissolved + dissolved,
        flask.released + step.released, flask.captured + net + step.released,
    )


class _Step:
    """What a leap knows ahead of it, and its draws."""

    def __init__(self, model: Model, flask: Flask, tau: float) -> None:
        self.model, self.flask, self.tau = model, flask, tau
        self.start, self.end = flask.time, flask.time + tau
        self.temperature = float(model.temperature(self.start))
        top = 4 * max([64, *flask.sizes])
        self.attach, self.detach = model.tables(self.temperature, top)
        self.stick = [process.table(self.temperature, top) for process in model.sticking]
        self.constant = [reaction.rate(self.temperature) for reaction in model.reactions]
        law = model.nucleation
        self.cluster = law.rate(self.temperature) if law.law == "cluster" else 0.0
        self.flow = np.array([0.0 if s.shot or self.start < s.start or left <= 0.0 else s.rate(self.start)
                              for s, left in zip(model.syringes, flask.left, strict=True)])
        self.species, self.channels = len(model.species), len(model.reactions) + len(model.sticking) + 3
        turnovers = tau * sum(self.attach[n] for n in flask.sizes) / flask.volume + tau * sum(self.constant)
        self.times = np.linspace(self.start, self.end, max(128, int(2.0 * turnovers)) + 1)
        self.volumes = np.array([self.volume(t) for t in self.times])
        course = self._follow(flask.mean, self._feed(), births=True)
        self.mean, self.mean_end = np.maximum(course[:, MONOMER], 0.0) / self.volumes, course[-1, : self.species]
        share = np.minimum(self.flow * tau / np.where(flask.left > 0.0, flask.left, 1.0), 1.0)
        self.share, expected = share, (share[:, None] * flask.syringes).sum(axis=0)
        course = self._follow(np.maximum(flask.amounts, 0).astype(float), expected / tau, births=False)
        self.c = np.maximum(course[:, MONOMER], 0.0) / self.volumes
        middle = self.species + self.channels
        sizes = np.maximum(course[:, middle + 2 :], 2.0)
        self.capture = course[:, middle] + self._rates(sizes)[0].sum(axis=1)
        self.sticking = [np.interp(sizes, np.arange(top + 1), table).sum(axis=1) for table in self.stick]
        self.end_amounts, self.extents = course[-1, : self.species], course[-1, self.species : middle]
        self.expected = expected + self._made(self.extents)
        self.born_course = course[:, middle - 3]
        self.release, self.top = float(self.extents[-1]), float(self.c.max())

    # -- the expected course ---------------------------------------------------------------------------

    def volume(self, t: float) -> float:
        """Control volume at ``t`` [m^3]."""
        return self.flask.volume + float(np.sum(self.flow)) * (t - self.start)

    def _feed(self) -> FloatArray:
        """Molecules that enter the mean field per second [1/s]."""
        feed = np.zeros(len(self.model.species))
        for syringe, flow in zip(self.model.syringes, self.flow, strict=True):
            for species, molecules in syringe.contents.items():
                feed[species] += molecules * flow / syringe.volume
        return feed

    def _made(self, extents: FloatArray) -> FloatArray:
        """Molecules that reactions make."""
        made = np.zeros(self.species)
        for r, reaction in enumerate(self.model.reactions):
            for species, number in reaction.products.items():
                made[species] += number * extents[r]
        return made

    def _rates(self, sizes: FloatArray) -> tuple[FloatArray, FloatArray]:
        n = np.arange(self.attach.size)
        return np.interp(sizes, n, self.attach), np.interp(sizes, n, self.detach)

    def births(self, c: float, t: float) -> tuple[float, float]:
        """Births per second [1/s] and their mean formula units under a mean-field concentration [1/m^3]."""
        if not reads_mean_field(self.model) or c <= 0.0:
            return 0.0, 2.0
        rate = nucleation_rate(self.model, c, self.temperature) * self.volume(t) / NEWBORN_SURVIVAL
        units = newborn_units(self.model, c, self.temperature) if rate > 0.0 else 2.0
        return rate, min(units, self.attach.size - 1.0)

    def _follow(self, amounts: FloatArray, feed: FloatArray, *, births: bool) -> FloatArray:
        """Course (times, amounts ... sizes) of the mean field with ``births``, or of the expectation from the counts.

        The columns are amounts, extents (reactions, sticking, cluster births, attachment, release), capture and
        release of the newborn, sizes. The drain of the births is always that of the mean field, which goes first.
        """
        model, species = self.model, self.species
        end = species + self.channels + 2

        def derivative(t: float, x: FloatArray) -> FloatArray:
            out = np.zeros_like(x)
            volume, sizes = self.volume(t), np.maximum(x[end:], 2.0)
            attach, detach = self._rates(sizes)
            c = max(x[MONOMER], 0.0) / volume
            out[:species] = feed
            for r, reaction in enumerate(model.reactions):
                source = next(iter(reaction.reactants))
                rate = self.constant[r] * x[source]
                out[source] -= rate
                for product, number in reaction.products.items():
                    out[product] += number * rate
                out[species + r] = rate
            for s, process in enumerate(model.sticking):
                rates = np.interp(sizes, np.arange(self.attach.size), self.stick[s]) * x[process.species] / volume
                out[process.species] -= rates.sum()
                out[species + len(model.reactions) + s] = rates.sum()
                out[end:] += process.units * rates
            if self.cluster:
                rate = self.cluster * x[model.nucleation.cluster]
                out[model.nucleation.cluster] -= rate
                out[species + self.channels - 3] = rate
            mean = c if births else float(np.interp(t, self.times, self.mean))
            rate, units = self.births(mean, t)
            out[end - 2], out[end - 1] = (rate * table for table in self._rates(np.array(units)))
            capture, release = attach.sum() + x[end - 2], detach.sum() + x[end - 1]
            out[species + self.channels - 2], out[species + self.channels - 1] = capture * c, release
            out[MONOMER] += release - capture * c - rate * units
            out[end:] += np.where(x[end:] > 2.0, attach * c - detach, 0.0)
            return out

        x = np.concatenate([amounts, np.zeros(self.channels + 2), np.array(self.flask.sizes, dtype=float)])
        found, h = [x], self.times[1] - self.times[0]
        for t in self.times[:-1]:
            # the classical Runge-Kutta method
            k1 = derivative(t, x)
            k2 = derivative(t + 0.5 * h, x + 0.5 * h * k1)
            k3 = derivative(t + 0.5 * h, x + 0.5 * h * k2)
            k4 = derivative(t + h, x + h * k3)
            x = x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
            found.append(x)
        return np.array(found)

    def hazard(self, species: int, start: float) -> float:
        """Integrated rate at which a molecule leaves its species between ``start`` [s] and the end [dimensionless]."""
        model = self.model
        rate = np.full(self.times.size, self.cluster if species == model.nucleation.cluster else 0.0)
        rate += sum(k for k, r in zip(self.constant, model.reactions, strict=True) if species in r.reactants)
        for s, process in enumerate(model.sticking):
            if process.species == species:
                rate += self.sticking[s] / self.volumes
        if species == MONOMER:
            rate += self.capture / self.volumes
        area = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(self.times))])
        return float(area[-1] - np.interp(start, self.times, area))

    # -- draws -------------------------------------------------------------------------------------------

    def draw_births(self, rng: np.random.Generator) -> list[tuple[float, int]]:
        """Times [s] and formula units of the particles born by a law that reads the mean field."""

        def rate(t: float) -> tuple[float, float]:
            return self.births(float(np.interp(t, self.times, self.mean)), t)

        top = 1.05 * max(rate(t)[0] for t in self.times) if reads_mean_field(self.model) else 0.0
        found: list[tuple[float, int]] = []
        t = self.start
        while top > 0.0 and (t := t + rng.exponential() / top) < self.end:
            now, units = rate(t)
            if rng.random() * top < now:
                found.append((t, math.floor(units + rng.random())))
        return found

    def exchange(
        self, births: list[tuple[float, int]], rng: np.random.Generator
    ) -> tuple[IntArray, int, IntArray]:
        """What is left of every species, what the particles gain from the pool, and the clusters that stick.

        Births from a cluster are appended to ``births``.
        """
        model, flask = self.model, self.flask
        leave = [rng.binomial(row.sum(), p) for row, p in zip(flask.syringes, self.share, strict=True)]
        self.injected = np.array(
            [rng.multivariate_hypergeometric(row, k) for row, k in zip(flask.syringes, leave, strict=True)],
            dtype=np.int64,
        ).reshape(flask.syringes.shape)
        arrived = self.injected.sum(axis=0)
        self.released = int(rng.poisson(self.release))
        arrived[MONOMER] += self.released
        expected = self.expected.copy()
        expected[MONOMER] += self.release
        drain = self._drained()
        rest: IntArray = np.zeros(self.species, dtype=np.int64)
        sticks: IntArray = np.zeros(len(model.sticking), dtype=np.int64)
        taken_births = list(births)
        captured = 0
        for species in self._downstream():
            held, survive = max(int(flask.amounts[species]), 0), math.exp(-self.hazard(species, self.start))
            late = 1.0
            if expected[species] > 0.0:
                late = self.end_amounts[species] + (drain if species == MONOMER else 0.0) - survive * held
                late = min(max(late / expected[species], 0.0), 1.0)
            if species == MONOMER:
                self.books = held * survive * (1.0 - survive) + self.released * late
            stay = int(rng.binomial(held, survive)) + int(rng.binomial(arrived[species], late))
            out = held + int(arrived[species]) - stay
            ways = self._ways(species)
            if not sum(ways.values()) > 0.0:
                rest[species] = stay + out
                continue
            rest[species] = stay
            weight = np.array(list(ways.values()))
            for way, number in zip(ways, rng.multinomial(out, weight / weight.sum()), strict=True):
                kind, i = way
                if kind == "reaction":
                    for product, molecules in model.reactions[i].products.items():
                        arrived[product] += molecules * int(number)
                elif kind == "stick":
                    sticks[i] = number
                elif kind == "birth":
                    units = int(model.formula_units[model.nucleation.cluster])
                    shares = rng.random(int(number)) * self.born_course[-1]
                    births += [(float(t), units) for t in np.interp(shares, self.born_course, self.times)]
                else:
                    captured = int(number)
        takers = [(self.start, max(-int(flask.amounts[MONOMER]), 0)), *taken_births]
        for t, units in takers:
            free = int(rng.binomial(units, math.exp(-self.hazard(MONOMER, t)))) if units else 0
            captured -= units - free
            rest[MONOMER] -= free
        # neither side goes below zero as long as the other has some
        short = min(captured, 0)
        captured, rest[MONOMER] = captured - short, rest[MONOMER] + short
        moved = min(max(-int(rest[MONOMER]), 0), captured)
        return rest + moved * (np.arange(self.species) == MONOMER), captured - moved - self.released, sticks

    def kept(self, mismatch: int, gross: int, rest: int, rng: np.random.Generator) -> int:
        """Monomers of the ``mismatch`` that stay in a pool of ``rest``, after ``gross`` attachments and detachments.

        With the variances v by the books and u = gross of the chains the share w solves (1 - w)^2 v + w^2 u = v.
        """
        if gross <= 0 or self.books <= 0.0:
            return 0
        share = min(2.0 * self.books / (self.books + gross), 1.0)
        return min(max(math.floor(share * mismatch + rng.random()), -max(rest, 0)), gross - self.released)

    def _drained(self) -> float:
        """Monomers that are expected to be missing at the end because births took them [dimensionless]."""
        if not reads_mean_field(self.model):
            return 0.0
        rates = [self.births(c, t) for c, t in zip(self.mean, self.times, strict=True)]
        lost = [rate * n * math.exp(-self.hazard(MONOMER, t)) for (rate, n), t in zip(rates, self.times, strict=True)]
        return float(np.trapezoid(lost, self.times))

    def _ways(self, species: int) -> dict[tuple[str, int], float]:
        """Channels out of a species, with how often each is expected."""
        model, first = self.model, len(self.model.reactions)
        ways = {("reaction", i): float(self.extents[i])
                for i, r in enumerate(model.reactions) if species in r.reactants}
        ways |= {("stick", s): float(self.extents[first + s])
                 for s, p in enumerate(model.sticking) if p.species == species}
        if self.cluster and species == model.nucleation.cluster:
            ways["birth", 0] = float(self.extents[-3])
        if species == MONOMER:
            ways["attach", 0] = float(self.extents[-2])
        return ways

    def _downstream(self) -> list[int]:
        """Species, each before what it becomes; the monomer last."""
        order: list[int] = []

        def visit(species: int) -> None:
            if species not in order:
                for reaction in self.model.reactions:
                    if species in reaction.products and species not in reaction.reactants:
                        visit(next(iter(reaction.reactants)))
                order.append(species)

        for species in [*range(1, self.species), MONOMER]:
            visit(species)
        return order

    def chain(self, n: int, t: float, rng: np.random.Generator) -> int:
        """Size at the end of a particle of ``n`` units at ``t``, event by event under c(t); 0 if it dissolves."""
        cells = self.times.size - 1
        while True:
            top = self.attach[n] * self.top + self.detach[n]
            if top <= 0.0 or (t := t + rng.exponential() / top) >= self.end:
                return n
            x = rng.random() * top
            k = min(int((t - self.start) / self.tau * cells), cells - 1)
            c = 0.5 * (self.c[k] + self.c[k + 1])
            if x < self.detach[n]:
                n -= 1
                if n < 2:
                    return 0
            elif x < self.detach[n] + self.attach[n] * c:
                n += 1

    def spread(self, sizes: list[int], units: int, rng: np.random.Generator) -> int:
        """Hand ``units`` out (take them if negative) in proportion to the capture; returns what finds no place."""
        sign = 1 if units > 0 else -1
        while units:
            weight = np.array([self.attach[n] if sign > 0 or n > 2 else 0.0 for n in sizes])
            if not weight.sum() > 0.0:
                break
            sizes[int(rng.choice(len(sizes), p=weight / weight.sum()))] += sign
            units -= sign
        return units
