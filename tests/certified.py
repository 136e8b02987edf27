"""Certificates read by tests: their words, and their inequalities evaluated anew from the options."""

import ast
from fractions import Fraction as F

GAIN = "what both could gain over the equilibrium > 0"


def words(certificate):
    """A certificate's text in one line."""
    return " ".join(str(certificate).split())


def namespace(game):
    """The options of a game by their plain names, exactly."""
    found = {"n_agents": game.n_agents}
    part = game.dilemma
    for name in (*type(part).__dataclass_fields__, "endowment", "levels", "threshold"):
        value = getattr(part, name, None)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = F(str(value))
    return found


def evaluated(claim, names):
    """(left, right) of a claim that is an inequality of options; None of one in other words."""
    left, right = (
        claim.replace(" >= ", " > ").replace(" <= ", " > ").replace(" < ", " > ").replace(" = ", " > ").split(" > ")
    )
    sides = []
    for side in (left, right):
        try:
            tree = ast.parse(side, mode="eval")
        except SyntaxError:
            return None
        if {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - names.keys():
            return None
        sides.append(eval(compile(_exact(tree), "claim", "eval"), {"F": F}, dict(names)))
    return tuple(sides)


def holds(left, relation, right):
    """Whether an inequality is true."""
    return {">": left > right, ">=": left >= right, "=": left == right, "<=": left <= right, "<": left < right}[
        relation
    ]


def _exact(tree):
    """Whole numbers as Fractions, so that 1 / 4 is exact."""

    class Exactly(ast.NodeTransformer):
        def visit_Constant(self, node):
            return ast.copy_location(ast.Call(ast.Name("F", ast.Load()), [node], []), node)

    return ast.fix_missing_locations(Exactly().visit(tree))
