"""Failed tracks become open again, so that the next run does them anew."""

from __future__ import annotations

import click

from pipeline.commandline import job_options, json_option, load_job, tell
from pipeline.config import TablesJob
from pipeline.errors import ConfigError
from pipeline.tables.ledger import DESCRIPTORS_LEDGER, FEATURES_LEDGER, LEDGERS, RESULTS_LEDGER
from pipeline.tables.requeue import failures, known_reasons, requeue
from pipeline.tables.requeue_report import RequeueReport
from pipeline.tables.scorings import find_scorings, read_scorings
from pipeline.telling import Form

TABLES = {
    "features": (FEATURES_LEDGER,),
    "tag": (RESULTS_LEDGER,),
    "describe": (DESCRIPTORS_LEDGER,),
    "all": LEDGERS,
}


@click.command()
@click.option("--reason", "reasons", multiple=True, help="Why they failed; may be given again.")
@click.option("--verb", type=click.Choice(list(TABLES)), default="all", help="Done by this verb.")
@click.option("--scoring", help="Of tag: this scoring only, by its id or model.")
@click.option("--yes/--dry-run", help="Acts; without it, shows what would be done.")
@json_option
@job_options
def main(
    reasons: tuple[str, ...],
    verb: str,
    scoring: str | None,
    yes: bool,
    form: Form,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Opens failed tracks again: `earmark requeue --reason timed_out --reason fetch_failed --yes`.

    Their rows leave the ledger in one commit; `earmark verify` counts them as open until the same
    `features`, `tag` or `describe` has run again. Without --yes it only counts.
    """
    if not reasons:
        raise ConfigError("give --reason, for example --reason timed_out")
    named = known_reasons(reasons)
    config = load_job(
        TablesJob, default="tables.yaml", conf=conf, overrides=overrides, workspace=workspace
    )
    root_url, storage = config.workspace.root_url, config.workspace.storage
    memory_mb = config.query.memory_mb
    keys = None
    if scoring is not None:
        known = read_scorings(root_url, storage=storage)
        keys = [one.scoring_id for one in find_scorings(known, scoring)]
    ledgers = (RESULTS_LEDGER,) if keys else TABLES[verb]
    found = failures(
        root_url, storage=storage, memory_mb=memory_mb, ledgers=ledgers, keys=keys, reasons=named
    )
    reopened = None
    if yes:
        reopened = requeue(found, root_url=root_url, storage=storage, memory_mb=memory_mb)
    tell(RequeueReport(tuple(found), reopened), form=form)


if __name__ == "__main__":
    main()
