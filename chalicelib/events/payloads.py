"""What operators' functions take and answer, as JSON: docs/reference/operations.md, which a test holds to it."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from chalicelib.domain.layouts import MAX_DIGITS, MAX_LANES, MAX_SLICES, MIN_DIGITS, Layout
from chalicelib.domain.turns import TurnState
from chalicelib.services.forms import File, Form
from chalicelib.services.rebuild import Options

BoardId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}\Z")]
PeriodName = Annotated[str, Meta(pattern=r"^(current|previous|all|[0-9]{8}T[0-9]{4}Z)\Z")]
PeriodOrLater = Annotated[str, Meta(pattern=r"^(current|previous|all|later|[0-9]{8}T[0-9]{4}Z)\Z")]
Seconds = Annotated[int, Meta(ge=1, le=900)]


class Request(Struct, forbid_unknown_fields=True):
    """What is asked of a function: fields nobody knows are an error, not a silence."""


class AuditRequest(Request):
    """Audit a board and period, or, without a board, name all that there are to audit."""

    board_id: BoardId | None = None
    period: PeriodName = "current"
    thorough: bool = True
    """Read the mark of each record too."""
    job_id: str | None = None
    """Go on with this job only: begin none when it has ended."""
    seconds: Seconds | None = None
    """Answer after so long at the latest, done or not."""


class RebuildRequest(Request):
    """Rebuild the rank index of a board and period, into the layout it has or another."""

    board_id: BoardId
    period: PeriodOrLater = "current"
    """"later": only set the layout of the periods that have not begun."""
    digits: Annotated[int, Meta(ge=MIN_DIGITS, le=MAX_DIGITS)] | None = None
    lanes: Annotated[int, Meta(ge=1, le=MAX_LANES)] | None = None
    slices: Annotated[int, Meta(ge=0, le=MAX_SLICES)] | None = None
    abort: bool = False
    job_id: str | None = None
    seconds: Seconds | None = None

    @property
    def options(self) -> Options:
        return Options(self.digits, self.lanes, self.slices)


class ExportRequest(Request):
    """Write the standings of a board and period to files."""

    board_id: BoardId
    period: PeriodName = "current"
    format: Form = Form.JSONL
    job_id: str | None = None
    seconds: Seconds | None = None


class AdviceRequest(Request):
    """Ask which layout suits a board."""

    board_id: BoardId
    period: PeriodName = "current"
    writes_per_second: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    """The peak to plan for; left out, it is estimated."""


class UpkeepRequest(Request):
    """Do what the schedule does."""

    anew: bool = False
    """Count games though they were counted less than a day ago."""
    seconds: Seconds | None = None


class SeasonsRequest(Request):
    """Turn the periods that are over: of all boards, of one, or one period."""

    board_id: BoardId | None = None
    period: PeriodName | None = None
    """Of that board: this one, though older ones wait."""
    seconds: Seconds | None = None


class JobView(Struct):
    job_id: str
    kind: str
    board_id: str
    period_id: str
    state: str
    phase: str
    done: int
    total: int
    message: str
    wait_seconds: float
    """How long the phase has to wait yet; 0: there is work to do."""
    busy: bool
    """Whether somebody else works on it right now."""


class TreeView(Struct):
    board_id: str
    period_id: str


class FoundView(Struct):
    """What an audit found so far."""

    records: int
    drift: int
    wrong_counters: int
    wrong_marks: int
    settled: int
    doubts: int
    complete: bool
    thorough: bool


class ExportView(Struct):
    """What an export wrote so far."""

    bucket: str
    manifest: str | None
    """The key of the manifest; None until the export is complete."""
    records: int
    changed: int
    files: list[File]


class AuditAnswer(Struct):
    trees: list[TreeView] | UnsetType = UNSET
    job: JobView | UnsetType = UNSET
    found: FoundView | UnsetType = UNSET


class RebuildAnswer(Struct):
    job: JobView | None
    old: Layout | UnsetType = UNSET
    fresh: Layout | UnsetType = UNSET
    layout: Layout | UnsetType = UNSET
    from_period: str | UnsetType = UNSET


class TurnView(Struct):
    """What has become of a period that is over."""

    state: TurnState
    ended_at: datetime
    frozen_at: datetime
    done_at: datetime | None
    records: int
    """How many are archived."""
    manifest: str | None
    """The key of the archive's manifest in the bucket of exports; None until there is one."""
    rewarded: int
    """Players who got rewards."""
    left: int
    """Players who would have, but had left."""


class KeptView(Struct):
    job: JobView | None
    """None: the turn is done."""
    turn: TurnView


class GamesView(Struct):
    """What a count of games has found so far."""

    looked_at: int
    stale: int
    deleted: int


class UpkeepAnswer(Struct):
    jobs: list[JobView]
    """Audits, rebuilds and exports."""
    copied: int
    """Tops that were copied anew."""
    retention: list[JobView]
    """Boards whose forgotten periods are swept: how many records were deleted."""
    games: GamesView | None
    """None where none were to be counted."""


class SeasonsAnswer(Struct):
    rollovers: list[KeptView]
    closings: list[JobView]
    """Rounds of seasons: how many players of theirs are done."""


class ExportAnswer(Struct):
    job: JobView
    export: ExportView
