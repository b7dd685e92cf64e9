"""What a visitor has put aside while the server runs: a list of tracks, marks, a recap."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from pipeline.browse.recapping import RecapStep

NUM_DESKS = 200
"""Beyond it the one that was not used for longest is cleared."""
NUM_LISTED = 500


@dataclass
class Desk:
    """A visitor's.

    Attributes:
        listed: tracks of a playlist made by hand, in order.
        marks: tracks that are examples of a tag: has it, or has it not.
        is_marking: whether lists of tracks offer to mark them.
        recap: the last one that was begun.
    """

    listed: list[str] = field(default_factory=list)
    marks: dict[str, bool] = field(default_factory=dict)
    is_marking: bool = False
    recap: RecapStep | None = None

    def put(self, track_id: str) -> None:
        """Adds a track to the end of the list, once."""
        if track_id not in self.listed and len(self.listed) < NUM_LISTED:
            self.listed.append(track_id)

    def take(self, track_id: str) -> None:
        """Takes a track out of the list."""
        self.listed = [one for one in self.listed if one != track_id]

    def move(self, track_id: str, *, by: int) -> None:
        """Moves a track along the list; over an end it stays there."""
        if track_id in self.listed:
            place = self.listed.index(track_id)
            self.listed.insert(max(0, place + by), self.listed.pop(place))

    def mark(self, track_id: str, *, has_tag: bool | None) -> None:
        """Makes a track an example; None: it is none any more."""
        self.marks.pop(track_id, None)
        if has_tag is not None and len(self.marks) < NUM_LISTED:
            self.marks[track_id] = has_tag

    @property
    def positive(self) -> tuple[str, ...]:
        """Tracks that have the tag."""
        return tuple(track for track, has_tag in self.marks.items() if has_tag)

    @property
    def negative(self) -> tuple[str, ...]:
        """Tracks that have it not."""
        return tuple(track for track, has_tag in self.marks.items() if not has_tag)


class Desks:
    """The visitors' desks by the visitor's name, which only its browser knows."""

    def __init__(self) -> None:
        self._desks: OrderedDict[str, Desk] = OrderedDict()
        self._lock = threading.Lock()
        self._secret = secrets.token_bytes(32)

    def of(self, visitor: str) -> Desk:
        """The visitor's desk."""
        with self._lock:
            desk = self._desks.pop(visitor, None) or Desk()
            self._desks[visitor] = desk
            while len(self._desks) > NUM_DESKS:
                self._desks.popitem(last=False)
            return desk

    def form_key(self, visitor: str) -> str:
        """What a form of the visitor's pages carries, and another site cannot know."""
        return hmac.new(self._secret, visitor.encode(), "sha256").hexdigest()
