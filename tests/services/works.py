"""Operators at work on a world: audits and rebuilds driven to their end, with pages small enough to be interrupted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from chalicelib.bootstrap.operations import Operations, build_operations
from chalicelib.config import Config, SigningKey
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobState
from chalicelib.domain.layouts import Layout
from chalicelib.domain.records import Submission
from chalicelib.services.audit import AuditState
from chalicelib.services.rebuild import Options
from chalicelib.services.rollcall import Pages
from chalicelib.services.upkeep import found
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from tests.expressions import Item
from tests.fake_s3 import FakeS3
from tests.tables import PREFIX
from tests.world import SECRET, Inline, World

GRACE = timedelta(seconds=70)
SMALL = Pages(counted=3, settled=3, nodes=4, exported=3, slices=40, lines=4)
BUCKET = f"{PREFIX}exports-123456789012"
_CONFIG = Config("test", PREFIX, (SigningKey("a", SECRET),), (), {}, GRACE, exports_bucket=BUCKET)


def never() -> bool:
    return False


def after_steps(count: int) -> Callable[[], bool]:
    """Return what lets a runner do so many steps."""
    left = iter(range(count))
    return lambda: next(left, None) is None


@dataclass
class Works:
    world: World
    board_id: str = "race"
    period_id: str = "all"
    pages: Pages = SMALL
    s3: FakeS3 = field(default_factory=lambda: FakeS3({BUCKET}))
    use: Operations = field(init=False)
    on_wait: Callable[[], object] = lambda: None
    on_pause: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.use = self.another_process()

    def another_process(self) -> Operations:
        clients = Clients(connect=lambda _: self.s3)
        return build_operations(_CONFIG, self.dynamo(), self.world.clock, self.pages, clients)

    def dynamo(self) -> Dynamo:
        return Dynamo(self.world.client, Inline(), self._paused)

    def _paused(self, seconds: float) -> None:
        del seconds
        self.on_pause()

    @property
    def board(self) -> Board:
        """The board as it is stored."""
        return self.another_process().boards.get(self.board_id)

    @property
    def layout(self) -> Layout:
        return self.board.layout(self.period_id)

    def audited(self, *, thorough: bool = True) -> AuditState:
        """Return what an audit finds, waits included."""
        job = self.use.upkeep.begin_audit(self.board, self.period_id, thorough=thorough)
        while job.state is JobState.RUNNING:
            job = self.use.upkeep.advance_audit(job, never)
            self.wait(job)
        assert job.state is JobState.DONE
        return found(job)

    def rebuilt(self, options: Options = Options()) -> Job:  # noqa: B008  # frozen
        """Return a rebuild that has ended, waits included."""
        return self.finished(self.use.rebuild.begin(self.board, self.period_id, options))

    def finished(self, job: Job) -> Job:
        while job.state is JobState.RUNNING:
            job = self.use.rebuild.advance(job, never)
            self.wait(job)
        return job

    def wait(self, job: Job) -> None:
        """Let the time pass that a job waits for."""
        if job.not_before is not None:
            self.on_wait()
            self.world.clock.instant = max(self.world.clock(), job.not_before)

    def rebuild_job(self) -> Job:
        job = self.use.rebuild.find(self.board_id, self.period_id)
        assert job is not None
        return job

    def nodes(self, generation: int) -> list[Item]:
        prefix = f"node#{self.board_id}#{self.period_id}#{generation}#"
        return [item for item in self.world.items("ranks") if item["pk"]["S"].startswith(prefix)]


def crowd(world: World, scores: list[int], subscores: list[int] | None = None, board_id: str = "race") -> list[str]:
    """Return the ids of new players with these scores, in order."""
    ids = [world.player(f"p{number}") for number in range(len(scores))]
    lines = [
        (player_id, Submission(board_id, score, subscores[number] if subscores else 0), f"first-{number}")
        for number, (player_id, score) in enumerate(zip(ids, scores, strict=True))
    ]
    for start in range(0, len(lines), 20):
        world.services.games.submit_many(lines[start : start + 20])
    return ids


def altered(item: Item, **attributes: Item) -> Item:
    return {**item, **attributes}


def put(world: World, item: Item) -> None:
    """Write an item to the ranks table as nobody should."""
    world.client._make_api_call("PutItem", {"TableName": f"{PREFIX}ranks", "Item": item})  # noqa: SLF001  # see above


def delete(world: World, item: Item) -> None:
    request = {"TableName": f"{PREFIX}ranks", "Key": {"pk": item["pk"]}}
    world.client._make_api_call("DeleteItem", request)  # noqa: SLF001  # as above
