"""The app on a DynamoDB behind a real connection, with microburst between them, which fails calls as it is told."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import botocore.session
from aiohttp import web
from botocore.config import Config as ClientConfig
from botocore.retries import standard
from botocore.retries.quota import RetryQuota
from microburst.app import make_app  # type: ignore[import-untyped]  # ships no types
from microburst.core.pipeline import Microburst  # type: ignore[import-untyped]  # the same

from chalicelib.bootstrap import serving
from chalicelib.bootstrap.following import build_following
from chalicelib.bootstrap.serving import Services
from chalicelib.config import Config, SigningKey
from chalicelib.services.followup import FollowUp
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo, connect
from local.children import Emulator
from tests.expressions import Item
from tests.fake_dynamodb import Call, FakeDynamoDB
from tests.stream import FakeQueue
from tests.tables import PREFIX, create_tables, tables
from tests.world import SECRET, HandClock, World

READ_TIMEOUT = 0.3
"""Seconds; deployed clients wait ten times as long."""
ATTEMPTS = 3
"""How often the client makes a call before it gives up."""
_HANGING_MS = 2_000
_PATIENCE_SECONDS = 60
_A_BYTE_A_SECOND = 0.001
_BATCH = 25
_CONFIG = Config("test", PREFIX, (SigningKey("a", SECRET),), (), {})

Rule = dict[str, Any]

THROTTLED: Rule = {"error": {"code": "ProvisionedThroughputExceededException"}}
BROKEN: Rule = {"error": {"code": "InternalServerError", "status": 500}}
HANGING: Rule = {"timeout_ms": _HANGING_MS}
CUT_BEFORE: Rule = {"reset": True}
CUT_AFTER: Rule = {"response": {"abort_bytes": 0}}
LATE: Rule = {"response": {"bandwidth_kbps": _A_BYTE_A_SECOND}}
TRUNCATED: Rule = {"response": {"truncate_frac": 0.5}}
CORRUPTED: Rule = {"response": {"corrupt_bytes": 1}}
AS_FAR_AS_AWS: Rule = {"latency": {"preset": "dynamodb"}}


class Proxy:
    """microburst, in a thread of its own, on a free port of this machine."""

    def __init__(self, upstream: str) -> None:
        self._microburst = Microburst(upstream)
        self._loop = asyncio.new_event_loop()
        self._runner = web.AppRunner(make_app(self._microburst), shutdown_timeout=0.1)
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.endpoint: str = self._called(self._started())

    def set_rules(self, *rules: Rule) -> None:
        self._called(self._replaced([{"service": "dynamodb", **rule} for rule in rules]))

    def fail(self, rule: Rule, *, after: int = 0, times: int = 1) -> None:
        """Let some calls pass, then have so many meet a fault; from then on all pass."""
        self.set_rules({"latency": 0, "times": after}, {**rule, "times": times})

    @property
    def fired(self) -> int:
        """Return how often the last rule has struck."""
        rules = self._microburst.engine.rules
        return int(rules[-1].fired_count) if rules else 0

    @property
    def requests(self) -> int:
        return int(self._microburst.requests_seen)

    def stop(self) -> None:
        try:
            self._called(self._stopped())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _started(self) -> str:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _stopped(self) -> None:
        await self._runner.cleanup()
        hanging = asyncio.all_tasks() - {asyncio.current_task()}
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)

    async def _replaced(self, rules: list[Rule]) -> None:
        self._microburst.engine.set_rules(rules)

    def _called(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)


class Impatient(botocore.session.Session):
    """Makes clients of one endpoint that wait shortly, for replies and between attempts."""

    endpoint = ""

    def create_client(self, *arguments: Any, config: ClientConfig, **named: Any) -> Any:  # type: ignore[override]  # as connect() asks
        impatient = config.merge(ClientConfig(read_timeout=READ_TIMEOUT, connect_timeout=READ_TIMEOUT))
        client = super().create_client(*arguments, **{**named, "config": impatient, "endpoint_url": self.endpoint})
        _shorten_pauses(client)
        return client


def _shorten_pauses(client: Any) -> None:
    """Try again by botocore's rule, but at once, and without the quota that many failures in a row would use up."""
    client.meta.events.unregister("needs-retry.dynamodb", unique_id="retry-config-dynamodb")
    handler = standard.RetryHandler(
        retry_policy=standard.RetryPolicy(
            retry_checker=standard.StandardRetryConditions(max_attempts=ATTEMPTS),
            retry_backoff=standard.ExponentialBackoff(random=lambda: 0.0),
        ),
        retry_event_adapter=standard.RetryEventAdapter(),
        retry_quota=_Unlimited(RetryQuota()),  # type: ignore[arg-type]  # it is a checker, whatever the stubs say
    )
    client.meta.events.register("needs-retry.dynamodb", handler.needs_retry, unique_id="retry-config-dynamodb")


class _Unlimited(standard.RetryQuotaChecker):
    def acquire_retry_quota(self, context: standard.RetryContext) -> bool:
        del context
        return True


@dataclass(slots=True)
class Wire:
    """An emulated DynamoDB, and the way to it through a proxy."""

    emulator: Emulator
    proxy: Proxy
    direct: Any
    _session: Impatient

    def dynamo(self) -> Dynamo:
        """Return a new connection through the proxy, made as the app makes its own."""
        dynamo = connect(self._session)
        dynamo.sleep = lambda _: None
        return dynamo

    def services(self, clock: HandClock) -> Services:
        return serving.build(_CONFIG, self.dynamo(), clock)

    def follower(self, clock: HandClock) -> FollowUp:
        clients = Clients({"sqs": FakeQueue()}.__getitem__)
        return build_following(_CONFIG, self.dynamo(), clients, clock).follow_up

    def hold(self, world: World) -> None:
        """Have the database hold what a world in memory holds, and nothing else."""
        self._write(
            {
                name: [{"DeleteRequest": {"Key": _key(name, item)}} for item in self._items(name)]
                for name in _KEYS_BY_TABLE
            }
        )
        self._write(
            {name: [{"PutRequest": {"Item": item}} for item in world.client.items(name)] for name in _KEYS_BY_TABLE}
        )

    def world(self, clock: HandClock) -> World:
        """Return a world in memory that holds what the database holds."""
        client = FakeDynamoDB(tables())
        for name in _KEYS_BY_TABLE:
            for item in self._items(name):
                client.perform(Call("PutItem", {"TableName": name, "Item": item}))
        return World(client=client, clock=HandClock(clock()))

    def _items(self, table: str) -> Iterator[Item]:
        for page in self.direct.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            yield from page["Items"]

    def _write(self, writes_by_table: dict[str, list[Item]]) -> None:
        pairs = [(table, write) for table, writes in writes_by_table.items() for write in writes]
        for start in range(0, len(pairs), _BATCH):
            wanted: dict[str, list[Item]] = {}
            for table, write in pairs[start : start + _BATCH]:
                wanted.setdefault(table, []).append(write)
            assert not self.direct.batch_write_item(RequestItems=wanted)["UnprocessedItems"]


@contextmanager
def running() -> Iterator[Wire]:
    """Start an emulated AWS and a proxy before it, with the app's tables; stop both in the end."""
    with Emulator(0, None) as emulator:
        proxy = Proxy(emulator.endpoint)
        try:
            direct = botocore.session.Session().create_client("dynamodb", endpoint_url=emulator.endpoint)
            create_tables(direct)
            # The proxy reads the description of the service when first asked for it, which takes it a while.
            warming: Any = botocore.session.Session().create_client("dynamodb", endpoint_url=proxy.endpoint)
            warming.list_tables()
            session = Impatient()
            session.endpoint = proxy.endpoint
            yield Wire(emulator, proxy, direct, session)
        finally:
            proxy.stop()


_KEYS_BY_TABLE = {each["TableName"]: [part["AttributeName"] for part in each["KeySchema"]] for each in tables()}


def _key(table: str, item: Item) -> Item:
    return {name: item[name] for name in _KEYS_BY_TABLE[table]}
