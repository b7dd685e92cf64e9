"""What all verbs share on the command line: their options, their configuration file, their errors.

A verb is a file in jobs/ with a click command `main`. `earmark VERB`, `python -m jobs.VERB` and a
submitted Ray job run the same code. Named flags are shorthands for `--set section.key=value`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline import config
from pipeline.config_submit import SubmitConfig
from pipeline.errors import ConfigError, UserError
from pipeline.examples import epilog
from pipeline.telling import Form, Told, told

STOPPED = 130
"""Exit code after Ctrl-C or SIGTERM: 128 and the signal's number, as shells have it."""
REPOSITORY = Path(__file__).resolve().parent.parent

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
JobT = TypeVar("JobT", bound=config.Section)


def job_options(function: CommandT) -> CommandT:
    """Adds --conf, --set and --workspace, and says how a job ended that did not come to its end.

    UserError becomes a message and exit code 1, Ctrl-C the word `stopped`, what is done so far, and
    exit code 130. Click's own is 2, for a line that it cannot read.
    """

    @functools.wraps(function)
    def guarded(*args: object, **kwargs: object) -> object:
        try:
            return function(*args, **kwargs)
        except UserError as error:
            raise click.ClickException("\n".join([str(error), *_notes(error)])) from error
        except KeyboardInterrupt as stop:
            click.echo("\n".join(["stopped", *_notes(stop)]), err=True)
            raise click.exceptions.Exit(STOPPED) from stop

    options = [
        click.option("--conf", metavar="FILE", help="Configuration; default: conf/VERB.yaml."),
        click.option(
            "--set", "overrides", multiple=True, metavar="A.B=C", help="Lays a value over it."
        ),
        click.option(
            "--workspace", metavar="URL", help="Where the tables are: workspace.root_url."
        ),
    ]
    for option in reversed(options):
        guarded = option(guarded)
    return guarded  # type: ignore[return-value]


def json_option(function: CommandT) -> CommandT:
    """Adds --json, which is the argument `form`."""
    return click.option(
        "--json",
        "form",
        is_flag=True,
        callback=lambda _context, _option, given: Form.JSON if given else Form.TEXT,
        help="The answer as JSON; all else goes to stderr.",
    )(function)


def writing_options(function: CommandT) -> CommandT:
    """Adds --dry-run and --json, which are the arguments `dry_run` and `form`."""
    dry_run = click.option(
        "--dry-run", is_flag=True, help="Says what would be done, and writes nothing."
    )
    return dry_run(json_option(function))


def tell(answer: Told | Sequence[Told], *, form: Form) -> None:
    """Prints the answer of a verb to stdout."""
    click.echo(told(answer, form=form))


def _notes(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", []))


def load_job(
    kind: type[JobT],
    *,
    default: str,
    conf: str | None,
    overrides: tuple[str, ...],
    workspace: str | None,
    **shorthands: object,
) -> JobT:
    """The effective configuration of a verb.

    Args:
        kind: the job's model.
        default: file name in conf/ that is read without --conf.
        conf: --conf.
        overrides: --set, which stand over the shorthands.
        workspace: --workspace.
        shorthands: `section__key=value` of named flags; None is not given.
    """
    named = {"workspace__root_url": workspace} | shorthands
    flags = tuple(
        f"{name.replace('__', '.')}={_as_yaml(value)}"
        for name, value in named.items()
        if value is not None and value != ()
    )
    return config.load(kind, conf or _default_file(default), overrides=flags + overrides)


def load_cluster(
    conf: str | None,
    *,
    overrides: tuple[str, ...] = (),
    address: str | None,
    **shorthands: object,
) -> SubmitConfig:
    """`load_job` of the configuration of submit, which those verbs share that ask a cluster.

    Args:
        conf: a file; None: conf/submit.yaml.
        overrides: --set.
        address: --address.
        shorthands: as of load_job.
    """
    return load_job(
        SubmitConfig,
        default="submit.yaml",
        conf=conf,
        overrides=overrides,
        workspace=None,
        cluster__address=address,
        **shorthands,
    )


def is_configuration(argument: str | None) -> bool:
    """Whether a positional argument names a configuration: `python -m jobs.tag conf/tag.yaml`."""
    return argument is not None and argument.endswith((".yaml", ".yml"))


def _as_yaml(value: object) -> str:
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_quoted(str(item)) for item in value) + "]"
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _default_file(name: str) -> Path:
    """conf/NAME below the working directory, else beside the installed package."""
    here = Path("conf") / name
    if here.is_file():
        return here
    shipped = REPOSITORY / "conf" / name
    if shipped.is_file():
        return shipped
    raise ConfigError(f"there is no conf/{name} here; give --conf FILE")


class Verbs(click.Group):
    """A click group whose commands are the files in jobs/, imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the verbs."""
        jobs = importlib.import_module("jobs")
        names = [module.name for module in pkgutil.iter_modules(jobs.__path__)]
        return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the verbs by the first line of their files: nothing slow is imported for it."""
        folder = Path(importlib.import_module("jobs").__path__[0])
        rows = []
        for name in self.list_commands(ctx):
            tree = ast.parse((folder / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8"))
            rows.append((name, (ast.get_docstring(tree) or "").partition("\n")[0]))
        with formatter.section("Verbs"):
            formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The verb's command; None if there is no such verb."""
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"jobs.{name.replace('-', '_')}").main
        command.epilog = epilog(name)
        return command
