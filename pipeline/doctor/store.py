"""The workspace from the driver: files, conditional creation, a Delta commit; all deleted again.

The ledger's commits rest on one promise of the store: of several writers that create one key only
if it is not there, exactly one wins (If-None-Match: * on S3; a hard link on a local disk, as
deltalake's object store does it). A store that ignores the condition lets one job overwrite the
commit of another without a word.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from pipeline.doctor.finding import Finding, State
from pipeline.doctor.node_trial import DRIVERS_FILE, write_read_delete
from pipeline.errors import UserError
from pipeline.storage import FAULTS, Storage, absolute, is_local, join, local_path
from pipeline.store_faults import unreachable

WORKSPACE, CREATION, COMMIT = "workspace", "conditional put", "table commit"
CLEANED = "clean-up"
CREATORS = 6
ROUNDS = 4
ACCESS = (
    "give the account that Earmark runs as the right to list, read, write and delete there, on "
    "every machine; or name another place: --workspace URL"
)
REACH = (
    "check --workspace, workspace.endpoint_url, workspace.region and the network to the store; the "
    "credentials are those of the environment (AWS_ACCESS_KEY_ID ..., AWS_PROFILE, a role)"
)
ONE_WINNER = (
    "take a store that keeps conditional writes (S3 and most stores that speak it, of a recent "
    "version; on a network disk hard links): until then two jobs on this workspace can overwrite "
    "each other's commits"
)
NOT_THERE = (
    "nothing, if this is a new one: the first job makes it; else mend --workspace, or mount the "
    "folder"
)


@dataclass
class Trial:
    """The doctor's own folder in the workspace, that nothing else reads.

    Attributes:
        root_url: of the workspace.
        storage: how to reach it.
        folder_url: below it.
        content: of the file that the driver leaves for the nodes; empty until it is there.
    """

    root_url: str
    storage: Storage
    folder_url: str = ""
    content: str = ""
    _made: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root_url = absolute(self.root_url)
        self.folder_url = join(self.root_url, f".earmark-doctor-{uuid.uuid4().hex[:12]}")

    def check_files(self) -> list[Finding]:
        """Whether files can be written, read and deleted; leaves one for the nodes."""
        is_new = not self.storage.exists(self.root_url)
        if is_new and is_local(self.root_url):
            root = Path(local_path(self.root_url))
            self._made = [path for path in (root, *root.parents) if not path.exists()]
        url = join(self.folder_url, "try.txt")
        if wrong := write_read_delete(url, storage=self.storage):
            return [Finding(WORKSPACE, State.FAILED, f"{self.root_url}: {wrong}", ACCESS)]
        content = uuid.uuid4().hex
        self.storage.write(join(self.folder_url, DRIVERS_FILE), content.encode())
        self.content = content
        seen = f"{self.root_url}: written, read, deleted"
        if is_new:
            return [Finding(WORKSPACE, State.WARNING, f"{seen}; it was not there yet", NOT_THERE)]
        return [Finding(WORKSPACE, State.OK, seen)]

    def check_creation(self, create: Callable[[str, bytes], bool] | None = None) -> list[Finding]:
        """Whether exactly one of several creators of a key wins.

        Args:
            create: creates a file that must not be there, and says whether it did; None: the
                store's own way.
        """
        create = create or (lambda url, data: create_once(url, data, storage=self.storage))
        clear = 0
        for number in range(ROUNDS):
            url = join(self.folder_url, f"created-{number}.txt")
            with ThreadPool(CREATORS) as pool:
                won = pool.starmap(create, [(url, f"{i}".encode()) for i in range(CREATORS)])
            if create(url, b"one more"):
                won.append(True)
            if sum(won) > 1:
                seen = f"{sum(won)} of {CREATORS + 1} creators of one key won"
                return [Finding(CREATION, State.FAILED, seen, ONE_WINNER)]
            clear += sum(won)  # none, where the winner's answer was lost and it asked again
        if not clear:
            seen = f"no creator of a key won, of {CREATORS + 1}, in {ROUNDS} rounds"
            return [Finding(CREATION, State.FAILED, seen, ONE_WINNER)]
        seen = f"of {CREATORS + 1} creators of one key one won, in {clear} of {ROUNDS} rounds"
        return [Finding(CREATION, State.OK, seen)]

    def check_commit(self) -> list[Finding]:
        """Whether deltalake, which has its own way to the store, makes a table and reads it."""
        url = join(self.folder_url, "table")
        options = self.storage.delta_options(url)
        try:
            for number in range(2):
                write_deltalake(
                    url, pa.table({"n": [number]}), mode="append", storage_options=options
                )
            read = DeltaTable(url, storage_options=options)
            version, files = read.version(), len(read.file_uris())
        except (OSError, ValueError) as error:  # what deltalake raises for a store that refuses
            return [
                Finding(COMMIT, State.FAILED, unreachable(url, error).partition(". What")[0], REACH)
            ]
        if (version, files) != (1, 2):
            seen = f"2 commits gave version {version} with {files} files"
            return [Finding(COMMIT, State.FAILED, seen, ONE_WINNER)]
        return [Finding(COMMIT, State.OK, "a Delta table was made, committed to twice, and read")]

    def remove(self) -> list[Finding]:
        """Deletes all that the doctor has written; a finding where that did not work."""
        try:
            if is_local(self.folder_url):
                shutil.rmtree(local_path(self.folder_url), ignore_errors=True)
                self._remove_made()
            else:
                for entry in list(self.storage.walk(self.folder_url)):
                    self.storage.delete(entry.url)
            left = self.storage.exists(self.folder_url)
        except FileNotFoundError:
            return []
        except (UserError, *FAULTS):
            left = True
        remedy = f"delete {self.folder_url} yourself; nothing reads it"
        seen = "what the doctor wrote could not be deleted"
        return [Finding(CLEANED, State.WARNING, seen, remedy)] if left else []

    def _remove_made(self) -> None:
        """Folders that were not there before, as long as they are empty."""
        for path in self._made:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def create_once(url: str, data: bytes, *, storage: Storage) -> bool:
    """Creates a file that must not be there; whether this call did.

    Args:
        url: of the file.
        data: its content.
        storage: the workspace's.
    """
    fs, path = storage.filesystem(url)
    try:
        if is_local(url):
            own = Path(f"{path}.{uuid.uuid4().hex}")
            own.write_bytes(data)
            Path(path).hardlink_to(own)
        else:
            fs.pipe_file(path, data, mode="create")
    except FileExistsError:
        return False
    return True
