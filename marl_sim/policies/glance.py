"""What is the same for all policies in a step, looked up once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .seats import Seats


class Glance:
    """One look at the table.

    kind       the kind of decision that everybody takes now, "" where some take none or another
    anything   whether every action is open to everybody
    target     whom decisions are about, ints [W * n], -1 for nobody; None in games that are not played in pairs
    faced      whether every decision is about somebody
    """

    def __init__(self, table: Seats):
        stage = table.stage
        first = int(stage[0]) if len(stage) else 0
        everybody = bool(table.acting.all()) and (len(table.stage_names) == 1 or bool((stage == first).all()))
        self.kind = table.kinds[int(table.kind_of_stage[first])] if everybody else ""
        self.anything = everybody and table.box is None and bool(table.legal.all())
        self.target = table.targets()
        self.faced = self.target is not None and bool((self.target >= 0).all())


class once:
    """A property that is found out once for each object. functools.cached_property with no lock, which costs more than
    what views hold, and which nobody needs: a view is one policy's own."""

    def __init__(self, find):
        self.find, self.__doc__ = find, find.__doc__
        self.name = find.__name__

    def __get__(self, view, owner=None):
        if view is None:
            return self
        found = view.__dict__[self.name] = self.find(view)
        return found
