"""What a material file says of light: the bands of clusters, and how dots absorb and emit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from kmcgrowth.errors import BadInput

TRUST = ("read", "literature", "derived", "calibrated", "placeholder")
KINDS = ("peak", "shoulder")
FORMS = {"sigma": "sigma/cm^2 = prefactor (R/nm)^power", "epsilon": "epsilon/(L/mol/cm) = prefactor (d/nm)^power"}
FIRST = "first exciton"


@dataclass(frozen=True)
class Band:
    """A band of a cluster.

    Attributes
    ----------
    kind : "peak", a Gaussian over the photon energy, or "shoulder", a smooth step with its inflection at the wavelength
    wavelength : of the top, or of the inflection [nm]
    width : full width at half maximum, of the Gaussian whose integral the step is where it is a shoulder [eV]
    extinction : at the top, or beyond the step [L/(mol cm)]
    source, trust : as everywhere in a material
    """

    kind: Literal["peak", "shoulder"]
    wavelength: float
    width: float
    extinction: float
    source: str
    trust: str


@dataclass(frozen=True)
class ClusterEmission:
    """Light that a cluster gives back: wavelength [nm], full width at half maximum [eV], yield [dimensionless]."""

    wavelength: float
    width: float
    quantum_yield: float
    source: str
    trust: str


@dataclass(frozen=True)
class Cluster:
    """A cluster of known composition.

    Attributes
    ----------
    name : as in recipes
    atoms : element -> atoms, ligands apart
    bands : of absorption
    emission : or None where it is not known to emit
    source, trust : of the composition
    """

    name: str
    atoms: Mapping[str, int]
    bands: tuple[Band, ...]
    emission: ClusterEmission | None
    source: str
    trust: str


@dataclass(frozen=True)
class Transition:
    """A transition above the first.

    Attributes
    ----------
    name : "1P", ..., or "continuum", the energy from which on levels overlap
    ratio : confinement energy (transition less gap) over that of the first exciton [dimensionless]
    strength : integral over the energy over that of the first exciton [dimensionless]
    """

    name: str
    ratio: float
    strength: float


@dataclass(frozen=True)
class CrossSection:
    """A measured power law of the absorption cross section of a dot.

    Attributes
    ----------
    prefactor : of a dot with a radius of 1 nm [cm^2]
    power : of the radius [dimensionless]
    energy : photon energy, or None for the first exciton [eV]
    relative_std : spread of the diameters of the samples measured, or None [dimensionless]
    half_width_nm : half width at half maximum of their first peak on the red side, or None [nm]
    """

    prefactor: float
    power: float
    energy: float | None
    relative_std: float | None = None
    half_width_nm: float | None = None


@dataclass(frozen=True)
class Optics:
    """How dots of a material absorb and emit.

    Attributes
    ----------
    homogeneous_width : full width at half maximum of the first exciton of a single dot at 25 degC [eV]
    stokes_shift : first exciton in absorption less that in emission [eV]
    continuum_power : the continuum's absorption rises with the photon energy to this power [dimensionless]
    transitions : above the first
    continuum : from which confinement energy on levels overlap, over that of the first exciton [dimensionless]
    first : cross section at the first exciton
    high : cross section at an energy well above, which goes with the volume
    yield_diameter, yield_value : quantum yield at some diameters [nm], [dimensionless]
    """

    homogeneous_width: float
    stokes_shift: float
    continuum_power: float
    transitions: tuple[Transition, ...]
    continuum: float
    first: CrossSection
    high: CrossSection
    yield_diameter: tuple[float, ...]
    yield_value: tuple[float, ...]


@dataclass
class Provenance:
    """"section.key" -> source and trust, gathered while a file is read."""

    file: str
    source: dict[str, str] = field(default_factory=dict)
    trust: dict[str, str] = field(default_factory=dict)

    def take(self, key: str, entry: Mapping[str, Any]) -> tuple[str, str]:
        """Source and trust of an entry, which both must be there."""
        source, trust = entry.get("source"), entry.get("trust")
        if not isinstance(source, str) or not source.strip():
            raise BadInput(f"{self.file}: {key}: has no source; say where the value comes from.")
        if trust not in TRUST:
            raise BadInput(f"{self.file}: {key}: trust {trust!r} is not known; it is one of {', '.join(TRUST)}.")
        self.source[key], self.trust[key] = source, trust
        return source, trust


def read_optics(data: Mapping[str, Any], about: Provenance) -> Optics | None:
    """The optical part of a material file, or None where it has none.

    Raises
    ------
    BadInput : a value that is missing or makes no sense, with the file and the key.
    """
    for curve in data.get("sizing", ()):
        about.take(f"sizing.{curve['name']}", curve)
    for curve in data.get("absorption", ()):
        about.take(f"absorption.{curve['name']}", curve)
    if "optical" not in data:
        return None
    given = data["optical"]
    for key in given:
        about.take(f"optical.{key}", given[key])
    transitions = []
    for entry in data.get("transition", ()):
        about.take(f"transition.{entry['name']}", entry)
        ratio = _number(entry, "ratio", about, f"transition.{entry['name']}", above=1.0)
        transitions.append(Transition(entry["name"], ratio, float(entry["strength"])))
    yields = data["quantum_yield"]
    about.take("quantum_yield", yields)
    d, q = (tuple(float(x) for x in yields[key]) for key in ("diameter_nm", "value"))
    if len(d) != len(q) or not d or any(b <= a for a, b in pairwise(d)) or not all(0 <= x <= 1 for x in q):
        raise BadInput(f"{about.file}: quantum_yield: give rising diameters and as many yields from 0 to 1.")
    cross = [_cross_section(entry, about) for entry in data["absorption"]]
    first = [c for c in cross if c.energy is None]
    high = [c for c in cross if c.energy is not None]
    if len(first) != 1 or len(high) != 1:
        raise BadInput(f'{about.file}: absorption: give one law at = "{FIRST}" and one at an energy such as "3.1 eV".')
    return Optics(
        homogeneous_width=_quantity(given["homogeneous_width"]["value"], "eV", about, "optical.homogeneous_width"),
        stokes_shift=_quantity(given["stokes_shift"]["value"], "eV", about, "optical.stokes_shift", zero=True),
        continuum_power=float(given["continuum_power"]["value"]),
        transitions=tuple(t for t in transitions if t.strength > 0),
        continuum=next(t.ratio for t in transitions if t.name == "continuum"),
        first=first[0], high=high[0], yield_diameter=d, yield_value=q,
    )


def read_clusters(data: Mapping[str, Any], about: Provenance) -> dict[str, Cluster]:
    """The ``[cluster.NAME]`` tables of a material file.

    Raises
    ------
    BadInput : a value that is missing or makes no sense, with the file and the key.
    """
    found = {}
    for name, entry in data.get("cluster", {}).items():
        key = f"cluster.{name}"
        source, trust = about.take(key, entry)
        atoms = entry.get("atoms")
        if not isinstance(atoms, dict) or not all(isinstance(n, int) and n > 0 for n in atoms.values()):
            raise BadInput(f"{about.file}: {key}.atoms: give whole numbers of atoms, such as {{ In = 39 }}.")
        bands = tuple(_bands(entry.get("band", ()), about, key))
        light = None
        if "emission" in entry:
            e, at = entry["emission"], f"{key}.emission"
            light = ClusterEmission(
                _quantity(e["wavelength"], "nm", about, f"{at}.wavelength"),
                _quantity(e["width"], "eV", about, f"{at}.width"),
                _number(e, "quantum_yield", about, at, above=0.0, most=1.0), *about.take(at, e),
            )
        found[name] = Cluster(name, dict(atoms), bands, light, source, trust)
    return found


def _bands(entries: Any, about: Provenance, key: str) -> Iterator[Band]:
    for i, entry in enumerate(entries):
        at = f"{key}.band.{i}"
        source, trust = about.take(at, entry)
        if entry.get("kind") not in KINDS:
            raise BadInput(f'{about.file}: {at}.kind: {entry.get("kind")!r} is not known; it is "peak" or "shoulder".')
        yield Band(
            entry["kind"], _quantity(entry["wavelength"], "nm", about, f"{at}.wavelength"),
            _quantity(entry["width"], "eV", about, f"{at}.width"),
            _quantity(entry["extinction"], "L/mol/cm", about, f"{at}.extinction"), source, trust,
        )


def _cross_section(entry: Mapping[str, Any], about: Provenance) -> CrossSection:
    from kmcgrowth.physics.excitons import CROSS_SECTION_OF_EXTINCTION

    key = f"absorption.{entry['name']}"
    prefactor = _number(entry, "prefactor", about, key, above=0.0)
    power = _number(entry, "power", about, key, above=0.0)
    if entry.get("form") == FORMS["epsilon"]:
        prefactor *= CROSS_SECTION_OF_EXTINCTION * 2.0**power
    elif entry.get("form") != FORMS["sigma"]:
        raise BadInput(f'{about.file}: {key}.form: it is "{FORMS["sigma"]}" or "{FORMS["epsilon"]}".')
    if entry.get("at") != FIRST:
        return CrossSection(prefactor, power, _quantity(entry.get("at"), "eV", about, f"{key}.at"))
    samples = entry.get("samples", {})
    if len(samples) != 1 or not set(samples) <= {"relative_std", "half_width_nm"}:
        raise BadInput(f"{about.file}: {key}.samples: give relative_std or half_width_nm of the samples measured.")
    return CrossSection(prefactor, power, None, **{k: float(v) for k, v in samples.items()})


_UNITS = {"nm": ("m", 1e9), "eV": ("J", 1.0 / 1.602176634e-19), "L/mol/cm": ("m^2/mol", 10.0)}


def _quantity(given: Any, unit: str, about: Provenance, key: str, zero: bool = False) -> float:
    from kmcgrowth.units import quantity

    dimension, factor = _UNITS[unit]
    value = quantity(given, dimension, f"{about.file}: {key}") * factor
    if value < 0 or (value == 0 and not zero):
        raise BadInput(f'{about.file}: {key}: "{given}" is not above zero.')
    return value


def _number(
    entry: Mapping[str, Any], name: str, about: Provenance, key: str, *, above: float, most: float = float("inf")
) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not above < value <= most:
        raise BadInput(f"{about.file}: {key}.{name}: {value!r} cannot be used; give a number above {above:g}.")
    return float(value)
