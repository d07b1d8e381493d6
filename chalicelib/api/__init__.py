"""The routes: thin views that parse, make one service call and render. One module per resource."""

from chalicelib.api import admin, boards, figures, games, main, players

RESOURCES = (main.api, games.api, players.api, boards.api, figures.api, admin.api)
