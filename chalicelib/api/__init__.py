"""The routes: thin views that parse, make one service call and render. One module per resource."""

from chalicelib.api import admin, boards, games, main, players

RESOURCES = (main.api, games.api, players.api, boards.api, admin.api)
