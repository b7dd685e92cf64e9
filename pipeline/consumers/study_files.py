"""The folder of a study: tables, JSON, pictures and the page."""

from __future__ import annotations

import io

from pipeline.consumers.study_page import render_study
from pipeline.consumers.study_pictures import study_pictures
from pipeline.consumers.study_result import Study
from pipeline.errors import ConfigError
from pipeline.storage import Storage, join
from pipeline.tables.output import QueryFormat, write_result

PAGE = "study.html"


def check_folder(folder: str, *, storage: Storage) -> None:
    """Pictures of an earlier study would stand among those of this one.

    Raises:
        ConfigError: the folder holds files, or is one.
    """
    if not storage.exists(folder):
        return
    if not storage.is_dir(folder):
        raise ConfigError(f"{folder} is a file: give a folder for the study (--output)")
    if next(iter(storage.walk(folder)), None) is not None:
        raise ConfigError(f"{folder} holds files: give a new folder for the study (--output)")


def write_study(study: Study, *, folder: str, storage: Storage, figures: int) -> str:
    """Writes all files.

    Args:
        study: what was found.
        folder: path or URL; see `check_folder`.
        storage: how to reach it.
        figures: pictures of single subjects at most.

    Returns:
        Where the page is.
    """
    pictures = study_pictures(study, at_most=figures)
    files = {"study.json": study.to_json().encode()}
    for ending, kind in (("csv", QueryFormat.CSV), ("parquet", QueryFormat.PARQUET)):
        stream = io.BytesIO()
        write_result(study.to_table(), query_format=kind, output=stream)
        files[f"study.{ending}"] = stream.getvalue()
    for picture in pictures:
        files |= {f"{picture.name}.png": picture.png, f"{picture.name}.svg": picture.svg}
    for name, data in files.items():
        storage.write(join(folder, name), data)
    storage.write(join(folder, PAGE), render_study(study, pictures=pictures).encode())
    return join(folder, PAGE)
