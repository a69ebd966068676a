"""The folder of a study: its state is the files in it, and nothing else."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from kmcgrowth.errors import BadInput
from kmcgrowth.files import atomic_path
from kmcgrowth.studies.points import Points
from kmcgrowth.studies.records import Records
from kmcgrowth.studies.study import Study, parse_study

LAYOUT = 1
"""Version of the layout of the folder."""

FOLDERS = ("points", "partial", "records", "running")


class Store:
    """The folder of a study.

    Parameters
    ----------
    folder : path; it need not exist yet

    Notes
    -----
    ``manifest.json`` holds the study and the recipe, ``points/ab/ab...-0.nc`` the datasets of the points by the first
    two digits of their names, ``partial/`` the state of long runs, ``records/`` one file of lines for each worker,
    which it alone appends to, ``running/`` what each worker is busy with and has not finished, and ``slurm/`` the
    jobs that were submitted and what they said.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.records = Records(self.folder / "records")

    # -- places ------------------------------------------------------------------------------------

    @property
    def running(self) -> Path:
        """Folder in which workers say what they are busy with."""
        return self.folder / "running"

    @property
    def manifest(self) -> Path:
        """File that says which study this is."""
        return self.folder / "manifest.json"

    def dataset(self, key: str, replicate: int) -> Path:
        """File of one result."""
        return self.folder / "points" / key[:2] / f"{key}-{replicate}.nc"

    def checkpoint(self, key: str, replicate: int) -> Path:
        """File of the state of one run that takes long."""
        return self.folder / "partial" / f"{key}-{replicate}.ckpt"

    # -- the study -----------------------------------------------------------------------------------

    def begin(self, study: Study, files: dict[str, str], seed: int) -> dict[str, Any]:
        """Make the folder, or hold the study against the one that is in it; its manifest.

        Raises
        ------
        BadInput
            If another recipe, seed or record is in the folder, or nothing can be written there.
        """
        fresh = {
            "layout": LAYOUT, "study": study.text, "recipe": study.recipe_text, "files": files, "seed": seed,
            "record": study.record, "title": study.title,
        }
        if not self.manifest.exists():
            self._make()
            if self._first(fresh):
                return fresh
        found = self.read_manifest()
        self._same(found, study, files)
        fresh["seed"] = found["seed"]
        if found != fresh:
            with atomic_path(self.manifest) as temporary:
                temporary.write_text(_text(fresh), encoding="utf-8")
        return fresh

    def _first(self, manifest: dict[str, Any]) -> bool:
        """Write the manifest if no other sweep has done so at this very moment."""
        draft = self.folder / f".manifest-{secrets.token_hex(6)}.json"
        try:
            draft.write_text(_text(manifest), encoding="utf-8")
            os.link(draft, self.manifest)
        except FileExistsError:
            return False
        except OSError:
            with atomic_path(self.manifest) as temporary:
                temporary.write_text(_text(manifest), encoding="utf-8")
        finally:
            draft.unlink(missing_ok=True)
        return True

    def _make(self) -> None:
        try:
            others = self.folder.is_dir() and {path.name for path in self.folder.iterdir()} - {*FOLDERS}
            if others and not all(name.startswith(".manifest-") for name in others):
                raise BadInput(f'"{self.folder}" holds other files and no study; give another folder with -o.')
            for name in FOLDERS:
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f'"{self.folder}" cannot be made: {error.strerror}; give another one with -o.') from None

    def _same(self, found: dict[str, Any], study: Study, files: dict[str, str]) -> None:
        advice = f'give the old one, or another folder than "{self.folder}".'
        if found["recipe"] != study.recipe_text or found["files"] != files:
            raise BadInput(f"the recipe of this study has changed since the folder was begun; {advice}")
        if study.seed is not None and study.seed != found["seed"]:
            raise BadInput(f"the study has seed {study.seed}, but the folder was begun with {found['seed']}; {advice}")
        if found["record"] != study.record:
            raise BadInput(f"the study records {study.record}, the folder was begun with {found['record']}; {advice}")

    def read_manifest(self) -> dict[str, Any]:
        """What ``manifest.json`` says.

        Raises
        ------
        BadInput
            If there is none, or it is damaged or of another layout.
        """
        try:
            found = json.loads(self.manifest.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BadInput(
                f'"{self.folder}" is not the folder of a study; give one that kmcgrowth sweep made.'
            ) from None
        except (OSError, ValueError) as error:
            raise BadInput(f'"{self.manifest}" cannot be read: {error}; run the sweep again with its study.') from None
        if not isinstance(found, dict) or found.get("layout") != LAYOUT:
            raise BadInput(f'"{self.folder}" was made by another version of kmcgrowth; give a new folder.')
        return found

    def open(self) -> tuple[Study, Points]:
        """The study that is in the folder, and its points."""
        found = self.read_manifest()
        study = parse_study_of(found)
        return study, Points(study, int(found["seed"]))


def parse_study_of(manifest: dict[str, Any]) -> Study:
    """The study of a manifest, with the recipe as it was when the folder was begun."""
    return parse_study(manifest["study"], recipe=manifest["recipe"], files=manifest["files"])


def _text(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, indent=1, ensure_ascii=False)


__all__ = ["Store", "parse_study_of"]
