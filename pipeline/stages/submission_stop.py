"""What a job does when its cluster stops it: SIGTERM ends it as Ctrl-C does.

Ray's Jobs API sends SIGTERM to the driver and kills it after RAY_JOB_STOP_WAIT_TIME_S; Kubernetes
and `systemctl stop` do likewise. `ray.init` sets a handler of its own that ends the process by
SystemExit: what is done is committed then as well, but the tracked run counts as failed. It is
therefore set again once Ray is there.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType


def stop_as_interrupt() -> None:
    """From now on the first SIGTERM raises KeyboardInterrupt in the main thread.

    Those after it do nothing: they would break off the commit. In other threads, where Python
    takes no handlers, nothing changes.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
