"""What games are played with: games, the scores they end with, and tournaments."""

from chalicelib.bootstrap.foundation import Foundation
from chalicelib.services.games import Games
from chalicelib.services.scores import Scores
from chalicelib.services.settle import Settler
from chalicelib.services.tournaments import Tournaments
from chalicelib.store.participations import ParticipationStore


def build_games(base: Foundation, scores: Scores) -> Games:
    return Games(
        dynamo=base.dynamo,
        store=base.stores.games,
        players=base.stores.players,
        scores=scores,
        rules_by_mode=base.settings.game_rules_by_mode,
        clock=base.clock,
    )


def build_scores(base: Foundation, settler: Settler) -> Scores:
    return Scores(
        dynamo=base.dynamo,
        boards=base.boards,
        board_store=base.stores.boards,
        players=base.stores.players,
        participations=participations_of(base),
        records=base.stores.records,
        ranks=base.stores.ranks,
        reader=base.reader,
        settler=settler,
        clock=base.clock,
    )


def build_settler(base: Foundation) -> Settler:
    return Settler(base.dynamo, base.boards, base.stores.ranks)


def build_tournaments(base: Foundation) -> Tournaments:
    return Tournaments(
        dynamo=base.dynamo,
        boards=base.boards,
        board_store=base.stores.boards,
        store=participations_of(base),
        clock=base.clock,
        grace=base.settings.layout_grace,
    )


def participations_of(base: Foundation) -> ParticipationStore:
    return ParticipationStore(base.stores.players, base.settings.table("seasons"), base.dynamo)
