"""All resources, in the order in which they are described."""

from chalicelib.api import admin, avatars, boards, devices, figures, games, main, notices, players, rewards

RESOURCES = (
    main.api,
    games.api,
    players.api,
    avatars.api,
    notices.api,
    devices.api,
    boards.api,
    figures.api,
    rewards.api,
    admin.api,
)
