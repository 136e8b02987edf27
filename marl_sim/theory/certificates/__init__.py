"""Certificates: which dilemma a game is, by which inequalities between its options, and what theory says of it.

`registry` has `certify` and `certificate_of`; the other modules certify one family of games each. All read options and
none plays a game.
"""
