from datetime import timedelta
from threading import Thread

import pytest

from chalicelib.domain.avatars import MediaType
from chalicelib.store.clients import Clients
from chalicelib.store.media import MediaStore, PostForm


def form(region: str, monkeypatch: pytest.MonkeyPatch) -> PostForm:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    return MediaStore("media", Clients()).form("uploads/a/b/c", MediaType.PNG, timedelta(minutes=15))


def test_a_form_goes_to_the_region_of_its_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    assert form("eu-central-1", monkeypatch).url == "https://media.s3.eu-central-1.amazonaws.com/"


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_a_form_is_signed_as_every_region_takes_it(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = form(region, monkeypatch).fields

    assert fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert fields["x-amz-credential"].split("/")[2] == region


def test_a_form_goes_where_the_local_run_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4670")

    assert form("us-east-1", monkeypatch).url == "http://127.0.0.1:4670/media"


def test_threads_that_ask_at_once_share_a_client() -> None:
    made: list[object] = []
    others: list[Thread] = []

    def connect(_: str) -> object:
        """Give another thread the time to come in between, once."""
        made.append(object())
        if not others:
            others.append(Thread(target=clients.of, args=("sns",)))
            others[0].start()
            others[0].join(timeout=0.1)
        return made[-1]

    clients = Clients(connect)

    first = clients.of("sns")
    others[0].join()

    assert [first] == made == [clients.of("sns")]
