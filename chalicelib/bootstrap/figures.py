"""What is computed of boards and periods: thresholds, distributions, histories and turns."""

from chalicelib.bootstrap.foundation import Foundation
from chalicelib.services.distributions import Distributions
from chalicelib.services.history import History
from chalicelib.services.thresholds import Thresholds
from chalicelib.services.turns import Turns
from chalicelib.store.turns import TurnStore


def build_thresholds(base: Foundation) -> Thresholds:
    return Thresholds(base.dynamo, base.boards, base.stores.records, base.stores.ranks, base.reader)


def build_distributions(base: Foundation) -> Distributions:
    return Distributions(base.boards, base.stores.ranks, base.reader)


def build_history(base: Foundation) -> History:
    return History(base.boards, base.stores.records, base.reader)


def build_turns(base: Foundation) -> Turns:
    return Turns(TurnStore(base.settings.table("seasons"), base.dynamo), base.clock, base.settings.layout_grace)
