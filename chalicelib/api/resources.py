"""All resources, in the order in which they are described."""

from chalicelib.api import (
    admin,
    avatars,
    boards,
    devices,
    figures,
    games,
    incidents,
    main,
    notices,
    players,
    rewards,
    seasons,
    tournaments,
)

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
    tournaments.api,
    seasons.api,
    admin.api,
    incidents.api,
)
