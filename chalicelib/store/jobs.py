"""Jobs, in the ranks table: one item for each kind, board and period, replaced only by who read it last."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from chalicelib.domain.jobs import Job, JobKind, JobState
from chalicelib.store import keys
from chalicelib.store.dynamo import ConditionFailedError, Dynamo, Item, bind, translated
from chalicelib.store.typed import from_milliseconds, milliseconds, s, seconds

KEPT = timedelta(days=30)
"""How long a job is remembered after its last step."""

JobKey = tuple[JobKind, str, str]
"""Kind, board id and period id."""


class JobItem(Model):
    class Meta:
        pass

    pk = UnicodeAttribute(hash_key=True)
    kind = UnicodeAttribute()
    board_id = UnicodeAttribute()
    period_id = UnicodeAttribute()
    state = UnicodeAttribute()
    phase = UnicodeAttribute()
    cursor = UnicodeAttribute()
    done = NumberAttribute()
    total = NumberAttribute()
    message = UnicodeAttribute()
    started_at = NumberAttribute()
    not_before = NumberAttribute(null=True)
    runner = UnicodeAttribute()
    leased_until = NumberAttribute(null=True)
    revision = NumberAttribute()
    expires_at = NumberAttribute()


class JobStore:
    """Reads and conditional writes, one request each."""

    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo
        bind(JobItem, table, dynamo)

    def get(self, key: JobKey) -> Job | None:
        return self.get_many([key]).get(key)

    def get_many(self, wanted: Sequence[JobKey]) -> dict[JobKey, Job]:
        """Return the jobs that exist. One consistent request per 100."""
        requests: list[Item] = [{"pk": s(keys.job(*key))} for key in dict.fromkeys(wanted)]
        if not requests:
            return {}
        found = self._dynamo.batch_get({self.table: requests}, consistent=True)[self.table]
        jobs = [_job(JobItem.from_raw_data(item)) for item in found]
        return {(job.kind, job.board_id, job.period_id): job for job in jobs}

    def put(self, job: Job, before: Job | None) -> Job | None:
        """Store a job in place of ``before``; None when another one stands there by now."""
        item = _item(replace(job, revision=1 if before is None else before.revision + 1))
        try:
            with translated():
                item.save(JobItem.pk.does_not_exist() if before is None else JobItem.revision == before.revision)
        except ConditionFailedError:
            return None
        return _job(item)


def _item(job: Job) -> JobItem:
    last_step = job.leased_until or job.started_at
    return JobItem(
        keys.job(job.kind, job.board_id, job.period_id),
        kind=job.kind.value,
        board_id=job.board_id,
        period_id=job.period_id,
        state=job.state.value,
        phase=job.phase,
        cursor=job.cursor,
        done=job.done,
        total=job.total,
        message=job.message,
        started_at=milliseconds(job.started_at),
        not_before=job.not_before and milliseconds(job.not_before),
        runner=job.runner,
        leased_until=job.leased_until and milliseconds(job.leased_until),
        revision=job.revision,
        expires_at=seconds(last_step + KEPT),
    )


def _job(item: JobItem) -> Job:
    return Job(
        kind=JobKind(item.kind),
        board_id=item.board_id,
        period_id=item.period_id,
        state=JobState(item.state),
        phase=item.phase,
        cursor=item.cursor,
        done=int(item.done),
        total=int(item.total),
        message=item.message,
        started_at=from_milliseconds(item.started_at),
        not_before=from_milliseconds(item.not_before) if item.not_before else None,
        runner=item.runner,
        leased_until=from_milliseconds(item.leased_until) if item.leased_until else None,
        revision=int(item.revision),
    )
