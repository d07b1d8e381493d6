"""Devices: registered, given new tokens, taken over, dropped when they are gone; and what is pushed to them."""

import json

import pytest

from chalicelib.domain.devices import MAX_DEVICES, Device
from chalicelib.domain.notices import Grant, Notice, PersonalNotice, RewardNotice, SeasonResult
from chalicelib.errors import MalformedError, PushOffError, StoreUnavailableError, TokenError
from chalicelib.services.push import message_of
from tests.fake_dynamodb import Call, Once, conflict_on, throttle
from tests.fake_sns import APPLICATIONS, MAX_PUSH_BYTES, out_of_order, refuse
from tests.post import Post, letter
from tests.world import EPOCH, World

TOKEN = "token"


@pytest.fixture
def post() -> Post:
    return Post(World(push_applications=APPLICATIONS))


def register(
    post: Post, player_id: str, token: str = TOKEN, replaces: str | None = None, platform: str = "fcm"
) -> Device:
    return post.world.another_process().devices.register(player_id, platform, token, replaces)


def devices_of(post: Post, player_id: str) -> list[str]:
    return [device.device_id for device in post.world.services.devices.of_player(player_id)]


def tokens(post: Post) -> list[str]:
    return sorted(endpoint.token for endpoint in post.world.sns.endpoints.values())


def shown(post: Post, token: str) -> list[str]:
    [endpoint] = [each for each in post.world.sns.endpoints.values() if each.token == token]
    return endpoint.shown


def claims(post: Post) -> list[str]:
    return [item["player_id"]["S"] for item in post.world.items("players") if item["pk"]["S"].startswith("device#")]


def test_a_notice_is_pushed_to_every_device_of_its_player_once(post: Post) -> None:
    ada, bob = post.world.player("Ada"), post.world.player("Bob")
    for player_id, token in [(ada, "telephone"), (ada, "tablet"), (bob, "console")]:
        register(post, player_id, token)
    [text] = letter(post.world, ada)

    pushed = [post.deliver(text).pushed.sent for _ in range(2)]

    assert pushed == [2, 0]
    assert [shown(post, token) for token in ("telephone", "tablet", "console")] == [["Hello"], ["Hello"], []]


def test_the_same_token_is_the_same_device(post: Post) -> None:
    ada = post.world.player()

    first, second = register(post, ada), register(post, ada)

    assert first == second
    assert (devices_of(post, ada), tokens(post)) == ([first.device_id], ["token"])


def test_a_new_token_takes_the_place_of_the_old_one(post: Post) -> None:
    ada = post.world.player()
    old = register(post, ada, "old")

    new = register(post, ada, "new", replaces=old.device_id)

    assert new.endpoint == old.endpoint
    assert (devices_of(post, ada), tokens(post), claims(post)) == ([new.device_id], ["new"], [ada])


def test_a_new_token_that_has_its_device_already_makes_one_of_the_two(post: Post) -> None:
    ada = post.world.player()
    old, new = register(post, ada, "old"), register(post, ada, "new")

    again = register(post, ada, "new", replaces=old.device_id)

    assert (again.device_id, again.endpoint) == (new.device_id, new.endpoint)
    assert (devices_of(post, ada), tokens(post)) == ([new.device_id], ["new"])


def test_a_new_token_that_is_none_is_refused_and_the_device_keeps_its_old_one(post: Post) -> None:
    ada = post.world.player()
    old = register(post, ada, "old")
    post.world.sns.nonsense = {"nonsense"}

    for replaces in (None, old.device_id):
        with pytest.raises(MalformedError, match=r"body\.token: is none of fcm: .*hexadecimal"):
            register(post, ada, "nonsense", replaces=replaces)

    assert (devices_of(post, ada), tokens(post)) == ([old.device_id], ["old"])


def test_a_device_of_another_platform_is_not_replaced(post: Post) -> None:
    ada = post.world.player()
    other = register(post, ada, "other", platform="apns")
    for number in range(MAX_DEVICES):
        post.world.clock.advance(seconds=1)
        register(post, ada, f"{number}", replaces=other.device_id)

    assert len(devices_of(post, ada)) == MAX_DEVICES


def test_a_device_is_one_players_at_a_time(post: Post) -> None:
    ada, bob = post.world.player("Ada"), post.world.player("Bob")
    register(post, ada)

    register(post, bob)
    post.deliver(*letter(post.world, ada, title="For Ada alone"))

    assert (devices_of(post, ada), len(devices_of(post, bob)), claims(post)) == ([], 1, [bob])
    assert shown(post, "token") == []


@pytest.mark.parametrize("platform", APPLICATIONS)
def test_a_device_that_is_gone_is_dropped(post: Post, platform: str) -> None:
    ada = post.world.player()
    for token in ("gone", "deleted", "here"):
        register(post, ada, token, platform=platform)
    endpoints = {endpoint.token: (arn, endpoint) for arn, endpoint in post.world.sns.endpoints.items()}
    endpoints["gone"][1].enabled = False
    del post.world.sns.endpoints[endpoints["deleted"][0]]

    pushed = post.deliver(*letter(post.world, ada)).pushed

    assert (pushed.sent, pushed.dropped, pushed.failed) == (1, 2, 0)
    assert (len(devices_of(post, ada)), tokens(post), claims(post)) == (1, ["here"], [ada])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InvalidParameter", "Invalid parameter: Message too long"),
        ("PlatformApplicationDisabled", "Platform application is disabled"),
        ("Throttled", "Rate exceeded"),
        ("AuthorizationError", "not authorized"),
    ],
)
def test_a_device_outlives_what_is_not_its_fault(post: Post, code: str, words: str) -> None:
    ada = post.world.player()
    device = register(post, ada)
    post.world.sns.before.append(lambda operation: refuse(code, operation, words))

    pushed = post.deliver(*letter(post.world, ada)).pushed

    assert (pushed.dropped, pushed.failed) == (0, 1)
    assert devices_of(post, ada) == [device.device_id]


def test_a_device_that_is_gone_and_contended_is_dropped_another_time(post: Post) -> None:
    ada = post.world.player()
    register(post, ada)
    [endpoint] = post.world.sns.endpoints.values()
    endpoint.enabled = False
    post.world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("device#")))

    assert post.deliver(*letter(post.world, ada)).pushed.failed == 1
    assert post.deliver(*letter(post.world, ada, key="another")).pushed.dropped == 1


@pytest.mark.parametrize("picky", [False, True])
def test_a_device_that_comes_back_is_enabled_again(post: Post, picky: bool) -> None:
    ada = post.world.player()
    register(post, ada)
    [endpoint] = post.world.sns.endpoints.values()
    endpoint.enabled = False
    post.world.sns.picky = picky

    register(post, ada)

    assert endpoint.enabled


@pytest.mark.parametrize("disturb", ["sns", "database"])
def test_what_cannot_be_pushed_is_in_the_inbox_all_the_same(post: Post, disturb: str) -> None:
    ada = post.world.player()
    register(post, ada)
    if disturb == "sns":
        post.world.sns.before.append(out_of_order)
    else:
        post.world.before(Once(lambda call: call.operation == "Query", throttle))

    delivered = post.deliver(*letter(post.world, ada))

    assert (delivered.delivered, delivered.pushed.sent, delivered.pushed.failed) == (1, 0, 1)
    assert post.titles(ada) == ["Hello"]


def test_without_time_nothing_is_pushed(post: Post) -> None:
    ada = post.world.player()
    register(post, ada)

    [text] = letter(post.world, ada)

    delivered = post.delivery().deliver(text, lambda: 10_000)

    assert (delivered.delivered, delivered.pushed.sent, delivered.pushed.failed) == (1, 0, 1)


def test_the_oldest_makes_way_for_one_too_many(post: Post) -> None:
    ada = post.world.player()
    for number in range(MAX_DEVICES + 2):
        post.world.clock.advance(seconds=1)
        register(post, ada, f"{number:02}")

    assert len(devices_of(post, ada)) == len(claims(post)) == MAX_DEVICES
    assert tokens(post) == [f"{number:02}" for number in range(2, MAX_DEVICES + 2)]


@pytest.mark.parametrize("platform", APPLICATIONS)
def test_removing_is_for_good_and_again_no_error(post: Post, platform: str) -> None:
    ada, bob = post.world.player("Ada"), post.world.player("Bob")
    device = register(post, ada, platform=platform)

    post.world.services.devices.remove(bob, device.device_id)
    assert devices_of(post, ada) == [device.device_id]
    for _ in range(2):
        post.world.services.devices.remove(ada, device.device_id)

    assert (devices_of(post, ada), tokens(post), claims(post)) == ([], [], [])


def test_whoever_leaves_takes_the_devices_along_though_sns_was_out_of_order(post: Post) -> None:
    ada = post.world.player()
    register(post, ada, "telephone")
    register(post, ada, "tablet")
    post.world.sns.before.append(out_of_order)
    with pytest.raises(StoreUnavailableError):
        post.world.services.players.delete(ada)
    post.world.sns.before.clear()

    post.world.services.players.delete(ada)

    assert (tokens(post), post.world.items("players")) == ([], [])


def test_whoever_is_leaving_registers_nothing(post: Post) -> None:
    ada = post.world.player()
    post.world.services.players.delete(ada)

    with pytest.raises(TokenError):
        register(post, ada)

    assert (post.world.items("players"), tokens(post)) == ([], [])


@pytest.mark.parametrize("token", ["of Ada", "of Bob"])
def test_whoever_leaves_while_registering_leaves_no_endpoint_behind(post: Post, token: str) -> None:
    ada, bob = post.world.player("Ada"), post.world.player("Bob")
    register(post, bob, "of Bob")

    def leave(_: Call) -> None:
        post.world.another_process().players.delete(ada)

    post.world.before(Once(lambda call: call.operation == "TransactWriteItems", leave))

    with pytest.raises(TokenError):
        register(post, ada, token)

    assert (tokens(post), len(devices_of(post, bob))) == (["of Bob"], 1)


def test_two_players_who_register_the_same_device_at_once_end_with_one_owner(post: Post) -> None:
    ada, bob = post.world.player("Ada"), post.world.player("Bob")

    def overtake(_: Call) -> None:
        register(post, bob)

    post.world.before(Once(lambda call: call.operation == "TransactWriteItems", overtake))

    register(post, ada)

    assert (len(devices_of(post, ada)), devices_of(post, bob), claims(post)) == (1, [], [ada])


def test_a_busy_device_is_tried_again(post: Post) -> None:
    ada = post.world.player()
    post.world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("device#")))

    assert devices_of(post, ada) == [] != [register(post, ada)]


def test_platforms_that_are_not_configured_are_refused(post: Post) -> None:
    ada = post.world.player()

    with pytest.raises(MalformedError, match="expected one of apns, apns_sandbox, fcm"):
        register(post, ada, platform="pigeon")
    with pytest.raises(PushOffError, match="LAUREL_PUSH_APPLICATIONS"):
        register(Post(), ada)


def notice(content: SeasonResult | RewardNotice) -> Notice:
    return Notice("0" * 32, content, EPOCH)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (notice(SeasonResult("spring", "race", "all", "gold", "promoted", "platinum")), "promoted: platinum"),
        (notice(SeasonResult("spring", "race", "all", "gold", "stayed", "gold")), "You stay in gold."),
        (notice(SeasonResult("spring", "race", "all", "gold", "promoted")), "You finished the season in gold."),
        (notice(RewardNotice("r", "race", "all", (Grant("coins", 5),))), "5 coins"),
        (notice(RewardNotice("r", "race", "all", (Grant("coins", 5),), claimable=True)), "claim it"),
    ],
)
def test_a_push_says_in_words_what_happened(told: Notice, words: str) -> None:
    assert words in message_of(told)


@pytest.mark.parametrize("character", ["x", '"', "\x00", "😀"])
def test_a_push_of_many_grants_is_as_short_as_push_services_ask(character: str) -> None:
    grants = (Grant(character * 200, 10**9),) * 50

    texts = json.loads(message_of(notice(RewardNotice("r", "race", "all", grants))))

    assert all(len(text.encode()) <= MAX_PUSH_BYTES for text in texts.values())


@pytest.mark.parametrize("character", ["x", '"', "\x00", "😀"])
def test_a_push_is_as_short_as_push_services_ask(post: Post, character: str) -> None:
    ada = post.world.player()
    register(post, ada)
    notices = post.world.services.notices
    notices.publish(notices.draft(PersonalNotice(character * 100, character * 2000), [ada]))
    [text] = post.world.sns.texts

    assert post.deliver(text).pushed.sent == 1
    assert shown(post, "token") == [character * 100]
