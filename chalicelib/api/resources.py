"""All resources, in the order in which they are described."""

from chalicelib.api import admin, avatars, boards, figures, games, main, players

RESOURCES = (main.api, games.api, players.api, avatars.api, boards.api, figures.api, admin.api)
