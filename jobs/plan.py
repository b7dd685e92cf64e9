"""Measures a sample, then says what features and tag will take on a described cluster."""

from __future__ import annotations

import click

from jobs.catalog import scan
from pipeline.commandline import is_configuration, job_options, json_option, load_job, tell
from pipeline.config import CatalogJob
from pipeline.config_plan import PlanJob
from pipeline.outlook import Outlook
from pipeline.references import with_bundles
from pipeline.stages.plan_run import plan_catalog
from pipeline.storage import absolute
from pipeline.telling import Form


@click.command()
@click.argument("source", required=False)
@click.option("--model", "models", multiple=True, help="A bundle; several: scoring.models.")
@click.option("--verb", "verbs", multiple=True, help="features or tag: sample.verbs.")
@click.option("--nodes", type=int, help="Machines of the cluster: cluster.nodes.")
@click.option("--cpus", type=int, help="Cores of each: cluster.cpus_per_node.")
@click.option("--price", type=float, help="Of a node an hour: cluster.node_price_per_hour.")
@json_option
@job_options
def main(
    source: str | None,
    models: tuple[str, ...],
    verbs: tuple[str, ...],
    nodes: int | None,
    cpus: int | None,
    price: float | None,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Says how long features and tag will take, what they store, and what limits them.

    SOURCE is scanned into the catalog first, as earmark catalog does; without it the catalog of
    the workspace is taken as it is. A later features or tag says what it took beside the estimate.
    """
    if is_configuration(source):
        conf, source = source, None
    config = load_job(
        PlanJob,
        default="plan.yaml",
        conf=conf,
        overrides=overrides,
        workspace=workspace,
        source=source,
        scoring__models=models,
        sample__verbs=verbs,
        cluster__nodes=nodes,
        cluster__cpus_per_node=cpus,
        cluster__node_price_per_hour=price,
    )
    tell(plan(config), form=form)


def plan(config: PlanJob) -> list[Outlook]:
    """The job itself."""
    where = "true"
    if config.source is not None:
        job = CatalogJob(workspace=config.workspace, source=config.source, scan=config.scan)
        click.echo("\n".join(scan(job, source=config.source).lines()), err=True)
        quoted = absolute(config.source).replace("'", "''")
        where = f"source_url = '{quoted}'"
    return plan_catalog(with_bundles(config), where=where)


if __name__ == "__main__":
    main()
