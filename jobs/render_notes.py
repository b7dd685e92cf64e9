"""Renders single notes in NSynth's layout: a training set of instruments."""

from __future__ import annotations

import time

import click

from pipeline.catalog.rendered_notes import render_notes
from pipeline.catalog.rendered_notes_plan import Grid
from pipeline.errors import UserError
from pipeline.progress import Counter, duration

POSITIVE = click.IntRange(min=1)


@click.command()
@click.argument("folder")
@click.option(
    "--train-font",
    "train_fonts",
    multiple=True,
    metavar="FILE.sf2",
    help="Plays train and valid; may stand again. Default: TimGM6mb, which pretty_midi ships.",
)
@click.option(
    "--test-font",
    metavar="FILE.sf2",
    help="Plays test. Default: FluidR3_GM, from Debian's package fluid-soundfont-gm.",
)
@click.option(
    "--pitches", metavar="N", default=2, show_default=True, type=POSITIVE, help="Every N-th pitch."
)
@click.option(
    "--velocities",
    metavar="N",
    default=1,
    show_default=True,
    type=POSITIVE,
    help="Every N-th of the velocities 25, 50, 75, 100, 127.",
)
@click.option(
    "--seed", default=0, show_default=True, help="Draws valid's instruments, test's notes."
)
@click.option("--processes", default=2, show_default=True, type=POSITIVE)
def main(
    folder: str,
    train_fonts: tuple[str, ...],
    test_font: str | None,
    pitches: int,
    velocities: int,
    seed: int,
    processes: int,
) -> None:
    """Renders single notes into FOLDER, as NSynth is on disk; run again, it goes on or is done.

    By default 12,502 notes of 184 instruments, 1.6 GB, in about seven minutes on two free cores.
    The sound fonts only render audio on this machine (TimGM6mb is GPL-2, FluidR3_GM MIT).
    """
    started = time.monotonic()
    try:
        report = render_notes(
            folder,
            grid=Grid(pitch_step=pitches, velocity_step=velocities, seed=seed),
            train_fonts=train_fonts,
            test_font=test_font,
            num_processes=processes,
            on_progress=Counter("render-notes", "notes"),
        )
    except UserError as error:
        raise click.ClickException(str(error)) from error
    click.echo("\n".join(report.lines()))
    click.echo(f"done in {duration(time.monotonic() - started)}")


if __name__ == "__main__":
    main()
