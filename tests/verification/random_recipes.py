"""Random recipes: every table of a run file, with numbers from wide ranges that fit each other.

What makes two runs alike or different are pure numbers: matter supplied per seed matter, supply over exchange, capillary
length over radius, diffusion over surface, barrier over k_B T, time of conversion over duration. These are drawn, mostly
uniformly in the logarithm, and turned into a run file; so rates fit the duration, and something happens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, log, pi, sqrt
from random import Random
from typing import Any

import numpy as np
from verification.random_chemistry import Chemistry, Dice, random_chemistry, text

from kmcgrowth.materials import load_material
from kmcgrowth.physics.constants import K_B

MATERIALS = ("InAs", "InP", "CdSe", "Cd3P2")
PER_NM3 = 0.602214076
"""Molecules per nm^3 in 1 M."""

PARTICLES = 20_000
"""Seeds, or particles that should be born."""

ENCOUNTERING = 400_000
"""Monomers that make particles of two and more by meeting each other."""

Tree = dict[str, Any]


@dataclass
class Sketch:
    """What the tables of one recipe share.

    Attributes
    ----------
    dice : Dice
    course : "feed" (seeds and supply), "both" (nucleation too), "birth" (no seeds) or "closed" (seeds, no supply)
    unit : volume of a formula unit [nm^3]
    atoms : of the formula unit
    duration : [s]
    kelvin : temperature that constants are given at [K]
    flask : volume [mL]
    particles : seeds, or what should be born, per volume [M]
    radius : their mean, that at the end for newborn ones [nm]
    matter : formula units supplied per volume of the flask [M]
    supply : time in which they become monomer [s]
    length : capillary length [nm]
    diffusion : of the monomer [nm^2/s]
    flat : solubility [M]
    excess : about the largest supersaturation [dimensionless]
    """

    dice: Dice
    course: str
    unit: float = 0.0
    atoms: dict[str, int] = field(default_factory=dict)
    duration: float = 0.0
    kelvin: float = 0.0
    flask: float = 0.0
    particles: float = 0.0
    radius: float = 0.0
    matter: float = 0.0
    supply: float = 0.0
    length: float = 0.0
    diffusion: float = 0.0
    flat: float = 0.0
    excess: float = 1.0


def random_recipe(random: Random) -> Tree:
    """A recipe as the tree that its TOML text gives.

    Parameters
    ----------
    random : stream; only its ``random()`` is used
    """
    dice = Dice(random)
    s = Sketch(dice, dice.pick(("feed",) * 7 + ("birth",) * 5 + ("both",) * 5 + ("closed",) * 3))
    material = dice.pick(MATERIALS)
    known = load_material(material)
    s.unit, s.atoms = known.unit_volume * 1e27, dict(known.atoms)
    s.duration, s.kelvin, s.flask = dice.log(20.0, 4e4), dice.between(420.0, 620.0), dice.log(1.0, 100.0)
    tree: Tree = {"material": material, "flask": {"volume": text(s.flask, "mL"), "contents": {}}}
    if s.course == "birth":
        s.matter = dice.log(1e-3, 0.3)
        units = dice.log(150.0, 1500.0)
        s.particles, s.radius = s.matter / units, (3.0 * units * s.unit / (4.0 * pi)) ** (1.0 / 3.0)
    else:
        tree["seeds"] = _seeds(s)
    law = _law(s)
    chemistry = Chemistry(supplied={"monomer": 1})
    if s.course != "closed" and law != "explicit":
        chemistry = random_chemistry(
            dice, s.matter, s.duration * dice.log(0.01, 0.4), s.kelvin, s.atoms, clusters=law == "cluster"
        )
    tree["injection"] = []
    if s.course == "closed":
        tree["growth"] = _exchange(s, tree)
    else:
        delay = 0.0 if law == "explicit" else _supply(s, chemistry, tree)
        s.supply = sqrt(delay**2 + chemistry.tau**2)
        tree["growth"] = _growth(s, law)
        if law == "explicit":
            tree["flask"]["contents"]["monomer"] = text(s.matter, "M")
    tree["nucleation"] = _nucleation(s, law, chemistry)
    tree["species"], tree["reaction"] = chemistry.species, chemistry.reactions
    for name, concentration in chemistry.contents.items():
        tree["flask"]["contents"][name] = text(concentration, "M")
    _losses_and_sticking(s, chemistry, tree, law)
    _conditions(s, tree)
    units = ENCOUNTERING if law == "explicit" else round(PARTICLES * s.matter / s.particles)
    tree["simulation"] = {
        "particles": PARTICLES, "formula_units": units, "duration": text(s.duration, "s"), "snapshots": 3, "seed": 1,
    }
    return {key: value for key, value in tree.items() if value}


def _seeds(s: Sketch) -> list[Tree]:
    """One to three populations; sets the matter supplied to a multiple of theirs."""
    dice, made, mean = s.dice, [], dice_diameter(s.dice)
    held = dice.log(1e-3, 0.1)
    numbers, units, radii = [], [], []
    for _ in range(dice.pick((1, 1, 2, 3))):
        diameter = mean * dice.log(0.7, 1.4)
        width = dice.pick((0.0, dice.between(0.02, 0.25), dice.between(0.02, 0.25), dice.between(0.02, 0.25)))
        made.append({"diameter": text(diameter, "nm"), "relative_std": float(f"{width:.3g}"),
                     "shape": dice.pick(("normal", "lognormal"))})
        numbers.append(dice.log(0.2, 1.0))
        units.append(pi * diameter**3 * (1.0 + 3.0 * width**2) / (6.0 * s.unit))
        radii.append(0.5 * diameter)
    s.particles = held / float(np.average(units, weights=numbers))
    s.radius = float(np.average(radii, weights=numbers))
    s.matter = held * dice.log(0.3, 8.0)
    for population, number in zip(made, numbers, strict=True):
        population["concentration"] = text(1e3 * s.particles * number / sum(numbers), "mM")
    return made


def dice_diameter(dice: Dice) -> float:
    """Mean of all seeds [nm]."""
    return dice.log(2.0, 5.0)


def _law(s: Sketch) -> str:
    """The law of nucleation."""
    if s.course == "birth":
        return s.dice.pick(("classical", "classical", "power", "cluster", "explicit"))
    if s.course == "both":
        return s.dice.pick(("classical", "classical", "power", "cluster"))
    return "none"


def _supply(s: Sketch, chemistry: Chemistry, tree: Tree) -> float:
    """Put what is supplied into the flask or syringes; returns the time over which it comes [s]."""
    dice, last = s.dice, 0.0
    for name, units in chemistry.supplied.items():
        held = s.matter / len(chemistry.supplied) / units
        way = dice.pick(("flask", "flow", "flow", "schedule", "shots"))
        if way == "flask":
            tree["flask"]["contents"][name] = text(held, "M")
            continue
        volume = s.flask * dice.log(0.05, 1.0)
        syringe: Tree = {"volume": text(volume, "mL"), "contents": {name: text(held * s.flask / volume, "M")}}
        time = s.duration * dice.between(0.3, 1.1)
        if way == "flow":
            begin = s.duration * dice.pick((0.0, dice.between(0.0, 0.3)))
            syringe |= {"start": text(begin, "s"), "rate": text(60.0 * volume / time, "mL/min")}
        elif way == "schedule":
            edges, flows = np.cumsum([0.0, *(dice.between(0.1, 0.4) for _ in range(3))]), []
            for i in range(4):
                rate = dice.pick((0.0, dice.log(0.3, 2.0))) if i else dice.log(0.3, 2.0)
                flows.append([text(time * edges[i], "s"), text(60.0 * rate * volume / time, "mL/min")])
            # a last rate of zero would have to leave something in the syringe
            flows[-1][1] = text(60.0 * volume / time, "mL/min")
            syringe["rate"] = flows
        else:
            number = dice.pick((1, 1, 2, 3))
            syringe["volume"] = text(volume / number, "mL")
            for _ in range(number):
                shot = syringe | {"start": text(s.duration * dice.between(0.0, 0.4), "s")}
                if dice.chance(0.3):
                    shot["temperature"] = text(s.kelvin - 273.15 - dice.log(10.0, 60.0), "degC")
                    tree["flask"]["recovery_time"] = text(s.duration * dice.log(0.01, 0.1), "s")
                tree["injection"].append(shot)
            continue
        last = max(last, time)
        tree["injection"].append(syringe)
    return last


def _growth(s: Sketch, law: str) -> Tree:
    """Rates that can take up the supply; sets the capillary length, diffusion, solubility and supersaturation."""
    dice = s.dice
    instant = s.supply <= 0.0
    if instant:
        s.supply = s.duration * dice.log(0.03, 0.5)
    each = s.matter / (s.particles * s.supply)  # monomers per particle and second
    if law == "explicit":
        _explicit(s)
    elif s.course == "birth":
        s.length = dice.log(0.8, 2.2)
        barrier = 2.0 * pi / 3.0 * s.length**3 / s.unit
        s.excess = min(max(exp(sqrt(barrier / dice.log(8.0, 35.0))), 3.0), 300.0)
        if law == "cluster":
            s.excess = max(s.excess, 5.0)
        newborn = 1.3 * s.length / log(s.excess)
        s.flat = s.matter * dice.log(1e-6, 1e-3) * min(1.0, 30.0 / s.excess)
        s.diffusion = each / (4.0 * pi * newborn * s.flat * PER_NM3 * (s.excess - s.excess ** (1.0 / 1.3)))
    else:
        both = s.course == "both"
        focusing = dice.log(3.0, 100.0) if both else dice.log(0.05, 50.0)
        s.length = s.radius * (dice.log(0.4, 1.5) if both else dice.log(0.15, 2.0))
        held = s.matter * dice.log(1e-6, 1e-3)
        s.flat = min(held, 0.03 * s.matter / (exp(s.length / s.radius) + focusing * s.length / s.radius))
        s.diffusion = each / (4.0 * pi * s.length * focusing * s.flat * PER_NM3)
        s.excess = exp(s.length / s.radius) + focusing * s.length / s.radius
    return _growth_table(s, linear=s.course == "feed" and dice.chance(0.2))


def _explicit(s: Sketch) -> None:
    """A closed box of monomers that meet: some hundred encounters of each, and a barrier that a few pass in this time."""
    dice = s.dice
    s.length = dice.between(1.1, 1.6) * (s.unit / 0.0556) ** (1.0 / 3.0)
    first = (3.0 * s.unit / (4.0 * pi)) ** (1.0 / 3.0)
    barrier, monomer = 2.0 * pi / 3.0 * s.length**3 / s.unit, 2.0 * pi * first**2 * s.length / s.unit
    wanted = dice.between(3.5, 6.0)
    rest = lambda x: barrier / x**2 - monomer + x - wanted  # noqa: E731
    low, high = 0.3, 6.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rest(middle) > 0.0 else (low, middle)
    s.excess = exp(low)
    s.flat = s.matter / s.excess
    encounters = dice.log(60.0, 150.0)
    s.diffusion = encounters / (s.duration * 4.0 * pi * first * s.matter * PER_NM3)


def _exchange(s: Sketch, tree: Tree) -> Tree:
    """A closed flask: seeds that ripen, or grow from what is dissolved at the start, or dissolve."""
    dice = s.dice
    s.length = s.radius * dice.log(0.3, 1.5)
    edge = exp(s.length / s.radius)
    kind = dice.pick(("ripen", "grow", "dissolve"))
    if kind == "ripen":
        s.flat = s.matter * dice.log(1e-5, 1e-3) / edge
        pace = dice.log(0.5, 8.0)  # durations over r^3/(D v c_inf l_c)
        s.diffusion = pace * s.radius**3 / (s.duration * s.unit * s.flat * PER_NM3 * s.length)
    else:
        taken = dice.between(0.25, 0.6) * s.matter if kind == "grow" else dice.between(0.2, 0.4) * s.matter / 3.0
        s.flat = taken / edge if kind == "dissolve" else taken * dice.log(1e-3, 0.1) / edge
        s.diffusion = dice.log(2.0, 20.0) / (s.duration * 4.0 * pi * s.radius * s.particles * PER_NM3)
        if kind == "grow":
            tree["flask"]["contents"]["monomer"] = text(taken, "M")
    s.supply, s.excess = s.duration, edge
    return _growth_table(s, linear=dice.chance(0.2))


def _growth_table(s: Sketch, *, linear: bool) -> Tree:
    """[growth] with the rates of the sketch; a slow surface is made up for by faster diffusion."""
    dice, celsius = s.dice, text(s.kelvin - 273.15, "degC")
    surface: Any = "inf"
    if dice.chance(0.5):
        resistance = dice.log(0.03, 30.0)  # D/(k_s r)
        s.diffusion *= 1.0 + resistance
        rate = {"value": text(s.diffusion / (resistance * s.radius), "nm/s")}
        if dice.chance(0.5):
            rate |= {"at": celsius, "activation_energy": text(dice.between(0.1, 0.6), "eV")}
        if dice.chance(0.4):
            rate |= {"exponent": float(f"{dice.between(0.3, 2.0):.3g}"), "reference_diameter": text(2.0 * s.radius, "nm")}
        surface = rate
    gamma = 1e18 * s.length * K_B * s.kelvin / (2.0 * s.unit)
    table: Tree = {
        "diffusion": {"value": text(s.diffusion, "nm^2/s"), "at": celsius,
                      "activation_energy": text(dice.between(0.05, 0.3), "eV")},
        "solubility": {"value": text(1e6 * s.flat, "uM"), "at": celsius,
                       "activation_energy": text(dice.between(0.1, 0.8), "eV")},
        "surface_energy": text(gamma, "J/m^2"), "surface_rate": surface,
    }
    if dice.chance(0.35):
        table |= {"law": "talapin", "transfer_coefficient": float(f"{dice.between(0.2, 0.8):.3g}")}
    if linear:
        table["gibbs_thomson"] = "linear"
    return table


def _nucleation(s: Sketch, law: str, chemistry: Chemistry) -> Tree:
    """[nucleation] with constants that give about the particles wanted."""
    dice = s.dice
    if law in ("none", "explicit"):
        return {"law": law}
    wanted = s.particles * (1.0 if s.course == "birth" else dice.log(0.02, 3.0))
    if law == "cluster":
        assert chemistry.cluster is not None
        name, units = chemistry.cluster
        share = wanted * units / s.matter
        return {"law": law, "species": name, "rate": text(share / max(chemistry.tau, 1e-3), "/ s")}
    # in the first tenth of the supply, as particles then take it up
    rate = wanted * 6.02214076e26 / (s.supply * (0.1 if s.course == "birth" else 0.5))
    over = max(s.excess, 1.5)
    if law == "power":
        power = dice.between(2.0, 8.0)
        return {"law": law, "prefactor": text(rate / over**power, "/ m^3 / s"), "exponent": float(f"{power:.3g}")}
    barrier = 2.0 * pi / 3.0 * s.length**3 / s.unit / log(over) ** 2
    return {"law": law, "prefactor": text(rate * exp(min(barrier, 80.0)), "/ m^3 / s")}


def _losses_and_sticking(s: Sketch, chemistry: Chemistry, tree: Tree, law: str) -> None:
    """First-order losses, clusters that stick, and a ligand that binds monomer."""
    dice, contents = s.dice, tree["flask"]["contents"]
    capture = 4.0 * pi * s.diffusion * s.radius * s.particles * PER_NM3
    if isinstance(tree["growth"]["surface_rate"], dict):
        rate = float(tree["growth"]["surface_rate"]["value"].split()[0])
        capture /= 1.0 + s.diffusion / (rate * s.radius)
    if dice.chance(0.2):
        tree["loss"] = [{"name": "side reaction", "species": "monomer", "rate": text(capture * dice.log(0.01, 0.2), "/ s")}]
    if "A" in chemistry.species and dice.chance(0.25):
        tree.setdefault("loss", []).append({"species": "A", "rate": text(dice.log(0.05, 0.5) / chemistry.tau, "/ s")})
    if chemistry.cluster is not None and dice.chance(0.3):
        name, units = chemistry.cluster
        reach = s.radius + (3.0 * units * s.unit / (4.0 * pi)) ** (1.0 / 3.0)
        diffusion = dice.log(0.1, 3.0) / (chemistry.tau * 4.0 * pi * reach * s.particles * PER_NM3)
        tree["sticking"] = [{"species": name, "diffusion": text(2.0 * diffusion, "nm^2/s"), "probability": 0.5}]
    if law in ("none", "classical") and dice.chance(0.15):
        ligand = s.matter * dice.log(0.1, 3.0)
        binding, pace = dice.log(0.1, 5.0), capture * dice.log(0.1, 3.0)
        chemistry.species |= {"X": {"formula_units": 0}, "MX": {"formula_units": 1}}
        contents["X"] = text(ligand, "M")
        chemistry.reactions.append({
            "equation": "monomer + X <=> MX", "rate": text(pace / ligand, "/ M / s"),
            "equilibrium_constant": text(binding / ligand, "/ M"),
        })


def _conditions(s: Sketch, tree: Tree) -> None:
    """Temperature, thermal expansion and aliquots."""
    dice, celsius = s.dice, s.kelvin - 273.15
    tree["flask"]["temperature"] = text(celsius, "degC")
    if dice.chance(0.5):
        number = dice.pick((2, 3, 4))
        corners = [(i + dice.between(0.05, 0.95)) / number for i in range(number)]
        tree["flask"]["temperature"] = [
            [text(s.duration * t, "s"), text(celsius + dice.between(-25.0, 25.0), "degC")] for t in corners
        ]
    if dice.chance(0.3):
        tree["flask"]["expansion"] = "9e-4 / K"
    if dice.chance(0.3):
        tree["withdrawal"] = [
            {"time": text(s.duration * dice.between(0.1, 0.9), "s"), "volume": text(s.flask * dice.log(0.02, 0.2), "mL")}
            for _ in range(dice.pick((1, 2)))
        ]


def toml(tree: Tree) -> str:
    """The tree as the text of a recipe."""
    lines = [f"{key} = {_value(value)}" for key, value in tree.items() if not _is_table(value)]
    for key, value in tree.items():
        if isinstance(value, list) and _is_table(value):
            for part in value:
                lines += [f"[[{key}]]", *(f"{k} = {_value(v)}" for k, v in part.items())]
        elif key == "species":
            for name, part in value.items():
                lines += [f"[species.{name}]", *(f"{k} = {_value(v)}" for k, v in part.items())]
        elif isinstance(value, dict):
            lines += [f"[{key}]", *(f"{k} = {_value(v)}" for k, v in value.items())]
    return "\n".join(lines) + "\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
