"""Where a result comes from: the attributes that every dataset carries, and their text for a reader."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from kmcgrowth.model.types import Model

if TYPE_CHECKING:
    import xarray as xr

SCHEMA_VERSION = 1
"""Version of the layout of the dataset."""

TRANSIENT = ("wall_seconds", "created", "host", "versions")
"""Attributes that differ between two runs that are the same in every other respect."""

_PACKAGES = ("numpy", "scipy", "xarray", "h5netcdf", "h5py", "pydantic", "pint")


def to_json(value: Any) -> str:
    """JSON text with sorted keys; numpy numbers and arrays become numbers and lists."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


@cache
def versions() -> dict[str, str]:
    """Versions of this package, of Python and of what computes with it; a package that is absent is left out."""
    found = {"python": platform.python_version()}
    for name in ("kmcgrowth", *_PACKAGES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if "kmcgrowth" not in found:
        import kmcgrowth

        found["kmcgrowth"] = str(getattr(kmcgrowth, "__version__", "not installed"))
    return found


def attributes(
    model: Model,
    *,
    recipe_text: str,
    files: Mapping[str, str],
    changes: Mapping[str, Any] | None,
    title: str,
    source: str | None,
    seed: int | None,
    bit_generator: Any,
    method: str,
    events: int,
    wall_seconds: float,
    complete: bool,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Attributes of a dataset, as plain text and numbers that netCDF can hold (see ``dataset.build``)."""
    found: dict[str, Any] = {
        "title": title,
        "source": source or "",
        "material": model.material,
        "method": method,
        "recipe": recipe_text,
        "recipe_files": to_json(dict(files)),
        "recipe_changes": to_json(dict(changes or {})),
        "bit_generator": bit_generator if isinstance(bit_generator, str) else to_json(bit_generator),
        "control_volume_mL": float(model.control_volume * 1e6),
        "unit_volume_nm3": float(model.unit_volume * 1e27),
        "initial_seeds": int(sum(p.number for p in model.seeds)),
        "events": int(events),
        "wall_seconds": float(wall_seconds),
        "complete": int(bool(complete)),
        "schema_version": SCHEMA_VERSION,
        "versions": to_json(versions()),
        "host": platform.node(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "notes": to_json([str(n) for n in notes]),
        "Conventions": "CF-1.11",
    }
    if seed is not None:
        # netCDF has no integers beyond 64 bits; a larger seed keeps its digits as text.
        found["seed"] = int(seed) if -(2**63) <= int(seed) < 2**63 else str(int(seed))
    return found


def provenance_text(dataset: xr.Dataset) -> str:
    """What made ``dataset``, for a reader: title, source, method, seed, versions, warnings and the recipe."""
    a = dataset.attrs
    done = "complete" if int(a.get("complete", 0)) else "incomplete"
    lines = [
        f"title      {a.get('title') or '(none)'}",
        f"source     {a.get('source') or '(none)'}",
        f"material   {a.get('material', '')}",
        f"method     {a.get('method', '')}, {done}",
        f"seed       {a.get('seed', '(none: the generator was given by the caller)')}",
        f"volume     {float(a.get('control_volume_mL', float('nan'))):.6g} mL simulated per replicate",
        f"events     {int(a.get('events', 0))} in {float(a.get('wall_seconds', 0.0)):.3g} s",
        f"created    {a.get('created', '')} on {a.get('host', '')}",
        "versions   " + ", ".join(f"{k} {v}" for k, v in sorted(_decode(a.get("versions"), {}).items())),
        f"schema     {a.get('schema_version', '')}",
    ]
    lines += [f"note       {note}" for note in _decode(a.get("notes"), [])]
    lines += [f"changed    {key} = {value}" for key, value in _decode(a.get("recipe_changes"), {}).items()]
    for name, text in _decode(a.get("recipe_files"), {}).items():
        lines.append(f"file       {name}, {len(str(text).splitlines())} lines")
    return "\n".join([*lines, "", "recipe:", "", str(a.get("recipe", "")).rstrip()]) + "\n"


def _decode(text: Any, default: Any) -> Any:
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return default
    return value if isinstance(value, type(default)) else default
