"""How good a model is: figures with intervals beside baselines, from the catalog's labels."""

from __future__ import annotations

import shutil

import click

from pipeline.commandline import job_options, load_job
from pipeline.config_evaluation import EvaluateJob
from pipeline.evaluation.verdict import give_verdict
from pipeline.evaluation.verdict_files import numbers
from pipeline.evaluation.verdict_text import verdict_text
from pipeline.references import with_bundles
from pipeline.stages.evaluate_catalog import catalog_subject, file_subject, write_verdict
from pipeline.taxonomy import TaskKind
from pipeline.tracking import tracked


@click.command()
@click.option("--model", "models", multiple=True, help="The bundle: scoring.models.")
@click.option("--split", help="evaluation.split: train, validation or test.")
@click.option("--dataset", help="Tracks of this data set only: evaluation.dataset.")
@click.option("--chunks", help="A track, all, or 16 as published: evaluation.chunks.")
@click.option("--from", "source", type=click.Choice(["audio", "features"]), help="scoring.input.")
@click.option("--probe", "probes", multiple=True, help="mfcc, or a bundle: evaluation.probes.")
@click.option("--scores", metavar="FILE", help="Saved scores instead of a model.")
@click.option("--labels", metavar="FILE", help="Their labels.")
@click.option("--tags", metavar="FILE", help="A tag a line, where the files do not name them.")
@click.option("--kind", type=click.Choice([str(k) for k in TaskKind]), help="Of saved scores.")
@click.option("--output", metavar="FOLDER", help="Default: ROOT/evaluations/NAME.")
@job_options
def main(
    models: tuple[str, ...],
    split: str | None,
    dataset: str | None,
    chunks: str | None,
    source: str | None,
    probes: tuple[str, ...],
    output: str | None,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
    **saved: str | None,
) -> None:
    """Judges a model on a split of the catalog, or saved scores (--scores with --labels).

    What has no scores yet is scored first. Saved ones are .npy (tracks x tags; labels: or a class a
    track), .csv or .parquet (a column a tag, and perhaps track_id, which joins them), or .parquet
    with lists in the columns scores and labels.
    """
    config = load_job(
        EvaluateJob,
        default="evaluate.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        scoring__models=models,
        scoring__input=source,
        evaluation__split=split,
        evaluation__dataset=dataset,
        evaluation__chunks=chunks,
        evaluation__probes=probes,
    )
    root_url, draws = config.workspace.root_url, config.evaluation
    with tracked(config, verb="evaluate", root_url=root_url, tracking=config.tracking) as run:
        if saved["scores"] or saved["labels"]:
            subject = file_subject(config, **saved)
        else:
            subject = catalog_subject(with_bundles(config), run_id=run.run_id)
        verdict = give_verdict(subject, num_resamples=draws.num_resamples, seed=draws.seed)
        run.metrics(numbers(verdict))
        written = write_verdict(config, verdict=verdict, folder=output, keep=run.file)
    click.echo(verdict_text(verdict, width=shutil.get_terminal_size((120, 40)).columns), nl=False)
    click.echo("\n".join(written))


if __name__ == "__main__":
    main()
