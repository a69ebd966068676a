"""What every engine looks like from outside: a run that advances, and the counts it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from kmcgrowth.model.types import Model


@dataclass(frozen=True)
class Counts:
    """The flask at one moment, in numbers per control volume.

    Attributes
    ----------
    time : float [s]
    sizes : (k,) int64, sorted sizes that occur [formula units]
    seed, nucleated : (k,) particles of that size and origin (integers; expected counts from ``balance``)
    amounts : (species,) molecules, monomer first; never negative
    volume : float, control volume now, thermal expansion included [m^3]
    temperature : float [K]
    injected_volume : float, flask scale, at 25 degC [m^3]
    supersaturation : float, mean-field concentration over the flat solubility [dimensionless]
    matter : place -> (elements,) atoms; the places are solution, particles, debt (not positive),
        aliquot, lost, syringe; their sum never changes
    tallies : name -> number since t = 0: events, born, dissolved_seed, dissolved_nucleated,
        largest_debt, coalesced where particles do (pairs), and one ``lost:NAME`` per loss channel (molecules)
    bounds : (k, 2) smallest size that each of ``sizes`` stands for and the first above it, or None where every size
        stands for itself
    lattice : of a lattice, what it counts, and at some times the occupied ``site`` and ``seed`` of all atoms; else None
    """

    time: float
    sizes: NDArray[Any]
    seed: NDArray[Any]
    nucleated: NDArray[Any]
    amounts: NDArray[Any]
    volume: float
    temperature: float
    injected_volume: float
    supersaturation: float
    matter: dict[str, NDArray[Any]] = field(default_factory=dict)
    tallies: dict[str, float] = field(default_factory=dict)
    bounds: NDArray[Any] | None = None
    lattice: dict[str, Any] | None = None


class Run(Protocol):
    """One trajectory of a model under one engine."""

    model: Model
    events: int
    time: float
    """Time reached by the live state [s]; at least the last ``until``, up to one window more."""

    def advance(
        self, until: float, *, stop: Callable[[], bool] | None = None,
        progress: Callable[[float, int], None] | None = None,
    ) -> bool:
        """Move on so that ``counts`` shows the flask at ``until`` [s].

        ``stop`` is asked about ten times a second and, when it says so, ends the call at a place from
        which ``state`` continues to the same bytes; the answer is then False. ``progress(time, events)``
        is called as often.
        """

    def counts(self) -> Counts:
        """The flask at the last ``until`` reached (at t = 0 before the first call)."""

    def state(self) -> dict[str, Any]:
        """Everything needed to go on: numbers, strings, arrays and nested dicts of them."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a ``state`` of a run of the same model."""

    def change(self, model: Model) -> None:
        """From now on the schedules (temperature, syringes) of ``model`` hold."""
