"""Makes a registered model the champion, if it is better than the one that is."""

from __future__ import annotations

import sys

import click

from pipeline.commandline import is_configuration, job_options, json_option, load_job, tell
from pipeline.config import dump
from pipeline.config_evaluation import PromoteJob
from pipeline.evaluation.judgement import Outcome
from pipeline.stages.promote import Promotion, promote
from pipeline.telling import Form
from pipeline.tracking import tracked


@click.command()
@click.argument("name", required=False)
@click.option("--version", type=int, help="The candidate; without it, the newest version.")
@click.option("--metric", help="That must be better: promotion.metric.")
@click.option("--split", type=click.Choice(["validation", "test"]), help="promotion.split.")
@click.option("--from", "source", type=click.Choice(["audio", "features"]), help="promotion.input.")
@click.option("--force", metavar="REASON", help="Promotes without judging: promotion.force.")
@json_option
@job_options
def main(
    name: str | None,
    version: int | None,
    metric: str | None,
    split: str | None,
    source: str | None,
    force: str | None,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Moves the alias `champion` of the registered model NAME to a version that is better.

    Better is what a paired bootstrap over the labelled tracks of the split says. Ends with exit
    code 1 if the version is not promoted.
    """
    config = load_job(
        PromoteJob,
        default="promote.yaml",
        conf=conf or (name if is_configuration(name) else None),
        overrides=overrides,
        workspace=workspace,
        promotion__model=None if is_configuration(name) else name,
        promotion__version=version,
        promotion__metric=metric,
        promotion__split=split,
        promotion__input=source,
        promotion__force=force,
    )
    click.echo(dump(config), err=True)
    promotion = judged(config)
    tell(promotion, form=form)
    sys.exit(1 if promotion.outcome is Outcome.KEPT else 0)


def judged(config: PromoteJob) -> Promotion:
    """The job itself, as a tracked run."""
    root_url = config.workspace.root_url
    with tracked(config, verb="promote", root_url=root_url, tracking=config.tracking) as run:
        promotion = promote(config, run_id=run.run_id)
        run.metrics(promotion.metrics())
        run.tag("promotion.outcome", str(promotion.outcome))
        run.text("promotion.txt", "\n".join(promotion.lines()))
    return promotion


if __name__ == "__main__":
    main()
