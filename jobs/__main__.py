"""The command `earmark`: its verbs are the files beside this one."""

from __future__ import annotations

import click

from pipeline.commandline import Verbs
from pipeline.stages.submission_stop import stop_as_interrupt


@click.group(cls=Verbs)
@click.version_option(package_name="earmark")
def main() -> None:
    """Tags music catalogs in bulk: audio files in, tag tables out.

    The walk: catalog, models add, tag, publish, query. Each verb has --help.
    """
    stop_as_interrupt()


if __name__ == "__main__":
    main(prog_name="earmark")
