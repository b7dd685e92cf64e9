"""Tags for other teams: one Parquet or CSV file a model version, with a data dictionary."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, load_job
from pipeline.config_export import ExportFormat, ExportJob
from pipeline.consumers.export import export
from pipeline.consumers.export_cells import Cells
from pipeline.consumers.export_columns import Shape


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("--out", "--output", "output", metavar="PATH", help="A folder, .parquet or .csv.")
@click.option("--format", "kind", type=click.Choice([*map(str, ExportFormat)]), help="Of files.")
@click.option("--shape", type=click.Choice([*map(str, Shape)]), help="A row a track, or a tag too.")
@click.option("--cells", type=click.Choice([*map(str, Cells)]), help="Of CSV: against formulas.")
@job_options
def main(
    models: tuple[str, ...],
    output: str | None,
    kind: str | None,
    shape: str | None,
    cells: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Writes the tracks, scores and decisions of each MODEL to a file; default: all current ones.

    A MODEL is a taxonomy, a model or its version, or a scoring id. Tracks without scores are rows
    with the reason. Beside FILE stand FILE.dictionary.json and FILE.dictionary.md.
    """
    config = load_job(
        ExportJob,
        default="export.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        export__models=models,
        export__output=output,
        export__format=kind,
        export__shape=shape,
        export__cells=cells,
    )
    for one in export(config):
        click.echo(one.line())
        if one.content.num_left_out:
            number = one.content.num_left_out
            click.echo(
                f"  {number:,} scored tracks are no longer in the catalog: left out", err=True
            )
        if one.content.num_guarded:
            number = one.content.num_guarded
            click.echo(f"  {number:,} cells begin with a quote now; see --cells", err=True)


if __name__ == "__main__":
    main()
