"""The off-switch game: what the robot believes, what its action is worth, who has the switch in hand."""

from __future__ import annotations

import numpy as np
from pygame import Rect

from ...core.game import Game
from ...games.off_switch import OffSwitch
from ..canvas import Canvas
from ..layout import Places
from ..nodes import names, nodes
from ..palette import blend
from ..scene import Scene
from . import GameView, shows

POINTS = 121
COLOURS = {"belief": "talk", "if allowed": "just", "if switched off": "unjust"}  # those of deeds


@shows(OffSwitch)
class OffSwitchView(GameView):
    """Robot, switch and human above; below the robot's belief of the worth U, what it would believe once allowed or
    switched off (the posterior, by the human's model), and U itself once the round is over."""

    def __init__(self, game: Game) -> None:
        super().__init__(game)
        self._believed: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def draw(self, canvas: Canvas, box: Rect, scene: Scene, progress: float) -> None:
        upper = Rect(box.x, box.y, box.w, round(box.h * 0.46))
        lower = Rect(box.x, upper.bottom, box.w, box.bottom - upper.bottom)
        self._people(canvas, upper, scene)
        self._belief(canvas, lower.inflate(-canvas.u(16), -canvas.u(8)), scene)

    def place_of(self, agent: int) -> Rect | None:
        rects = getattr(self, "_rects", None)
        return rects[agent] if rects else None

    # ------------------------------------------------------------ robot, switch, human

    def _people(self, canvas: Canvas, box: Rect, scene: Scene) -> None:
        theme = canvas.theme
        radius = min(canvas.u(40), box.h * 0.25, box.w * 0.09)
        y = box.y + box.h * 0.46
        robot, human = (box.x + box.w * 0.2, y), (box.x + box.w * 0.8, y)
        switch = (box.centerx, y)
        waiting = bool(scene.now["waiting"][0]) and not scene.over
        done = {deed.agent: deed.word for deed in scene.chronicle.of_round}
        canvas.line((robot[0] + radius * 1.25, y), (switch[0] - radius, y), theme.accent if waiting else theme.line, 3)
        canvas.line((switch[0] + radius, y), (human[0] - radius * 1.25, y), theme.accent if waiting else theme.line, 3)
        places = Places(np.array([robot, human][: self.game.n_agents]), radius, True)
        self._rects = nodes(canvas, scene, places, box)
        names(canvas, scene, places, box)
        if self.game.n_agents == 1:
            self._drawn_human(canvas, human, radius, box)
        self._switch(canvas, switch, radius, done, scene)
        for who, (x, _) in ((0, robot), (1, human)):
            if who in done:
                canvas.pill(done[who], (x, y - radius * 1.5), 12, theme.ink, theme.paper, box.w * 0.3)

    def _drawn_human(self, canvas: Canvas, spot: tuple[float, float], radius: float, box: Rect) -> None:
        """A human that is a rule of the game."""
        theme, model = canvas.theme, self.game.dilemma.human  # type: ignore[attr-defined]
        canvas.disc(spot, radius, theme.edge)
        canvas.disc(spot, radius - 2, theme.sunk)
        wide = round(radius * 1.7)
        inside = Rect(round(spot[0] - wide / 2), round(spot[1] - radius / 2), wide, round(radius))
        canvas.text(model, inside, 11, theme.soft, align="centre", shrink=6)
        name = Rect(round(spot[0]) - round(box.w * 0.14), round(spot[1] + radius * 1.12), round(box.w * 0.28),
                    canvas.u(18))  # fmt: skip
        canvas.text("human, by rule", name, 12, theme.soft, align="centre", shrink=8)

    def _switch(self, canvas: Canvas, spot: tuple[float, float], radius: float, done: dict, scene: Scene) -> None:
        """A lever that is up while the action may run, and down once somebody has switched it off."""
        theme = canvas.theme
        off = "off" in done.values() or "switch off" in done.values()
        runs = "act" in done.values() or "allow" in done.values()
        if done.get(0) == "wait" and 1 not in done and self.game.n_agents == 1 and self._answered(scene):
            runs, off = self._ran(scene), not self._ran(scene)
        plate = Rect(0, 0, round(radius * 1.5), round(radius * 2.0))
        plate.center = round(spot[0]), round(spot[1])
        canvas.note("switch", "switch", plate)
        canvas.box(plate, theme.panel, 10, theme.edge)
        slot = plate.inflate(-round(radius * 1.0), -round(radius * 0.7))
        canvas.box(slot, theme.sunk, 8, theme.line)
        colour = theme.deed("defect") if off else theme.deed("cooperate") if runs else theme.edge
        knob = Rect(0, 0, round(radius * 0.95), round(radius * 0.42))
        knob.center = (plate.centerx, slot.bottom if off else slot.top if runs else slot.centery)
        canvas.box(knob, colour, 6)
        below = Rect(plate.x - plate.w, plate.bottom + canvas.u(3), plate.w * 3, canvas.u(18))
        canvas.text("off" if off else "runs" if runs else "open", below, 12, theme.ink, True, "centre", 8)

    def _answered(self, scene: Scene) -> bool:
        return bool(scene.chronicle.deeds)

    def _ran(self, scene: Scene) -> bool:
        """Whether the drawn human let it run: then the utility was paid (a worth of exactly 0 pays none)."""
        return bool(scene.chronicle.last["utility"][0] != 0)

    # ------------------------------------------------------------ the belief

    def _belief(self, canvas: Canvas, box: Rect, scene: Scene) -> None:
        """What is believed changes with the case alone, so it is drawn once for each; what happened is marked on it."""
        state = scene.before if scene.chronicle.deeds and scene.before is not None else scene.now
        case = int(state["case"][0])
        if case not in self._believed:
            self._believed[case] = self._curves(self.game.dilemma, case)  # type: ignore[attr-defined]
        u, prior, allowed = self._believed[case]
        legend = Rect(box.x, box.y + canvas.u(18), box.w, canvas.u(16))
        chart = Rect(box.x, legend.bottom + canvas.u(4), box.w, box.bottom - legend.bottom - canvas.u(24))
        inside = chart.inflate(-canvas.u(16), -canvas.u(14))
        canvas.keep(f"belief {box}", (id(self), case), box, lambda: self._draw_curves(
            canvas, box, legend, chart, inside, u, {"belief": prior, "if allowed": prior * allowed,
                                                    "if switched off": prior * (1 - allowed)}))  # fmt: skip
        self._marks(canvas, inside, chart, float(u[0]), float(u[-1]), state, bool(scene.chronicle.deeds))

    def _draw_curves(
        self, canvas: Canvas, box: Rect, legend: Rect, chart: Rect, inside: Rect, u: np.ndarray,
        densities: dict[str, np.ndarray],
    ) -> None:  # fmt: skip
        """How likely each worth is held before and after an answer; those that cannot come about are left out."""
        theme = canvas.theme
        title = "What the robot believes its action is worth"
        canvas.text(title, Rect(box.x, box.y, box.w, canvas.u(18)), 12, theme.soft, shrink=8)
        canvas.box(chart, theme.panel, 8, theme.line)
        least = 1e-9 * densities["belief"].sum()
        curves = {words: _normal(y) for words, y in densities.items() if y.sum() > least}
        top = max(float(y.max()) for y in curves.values())
        across = inside.x + (u - u[0]) / (u[-1] - u[0]) * inside.w
        x = legend.x
        for words, y in curves.items():
            colour = theme.deed(COLOURS[words])
            points = np.column_stack([across, inside.bottom - y / top * inside.h * 0.94])
            if words == "belief":
                area = [(inside.x, inside.bottom), *points.tolist(), (inside.right, inside.bottom)]
                canvas.polygon(area, blend(theme.panel, colour, 0.28))
            canvas.curve(points, colour, 1.6 * canvas.zoom)
            canvas.disc((x + canvas.u(5), legend.centery), canvas.u(4), colour)
            rect = canvas.text(words, Rect(x + canvas.u(13), legend.y, legend.right - x, legend.h), 11, theme.soft)
            x = rect.right + canvas.u(16)

    def _marks(
        self, canvas: Canvas, inside: Rect, chart: Rect, low: float, high: float, state: dict, told: bool
    ) -> None:
        """The axis: 0, and once something was done what the action was really worth."""
        theme = canvas.theme
        marks = [(0.0, "0", theme.soft)]
        if told:
            worth = float(state["worth"][0])
            marks.append((worth, f"U = {worth:.2f}", theme.ink))
        for value, words, colour in marks:
            x = round(inside.x + (min(max(value, low), high) - low) / (high - low) * inside.w)
            canvas.line((x, chart.y + 2), (x, chart.bottom - 2), colour, 2 if colour == theme.ink else 1)
            label = Rect(0, chart.bottom + canvas.u(2), canvas.u(80), canvas.u(16))
            label.centerx = x
            label.clamp_ip(Rect(chart.x, label.y, chart.w, label.h))
            if (
                words != "0"
                or not told
                or abs(value - float(state["worth"][0])) * inside.w / (high - low) > canvas.u(50)
            ):
                canvas.text(words, label, 11, colour, words != "0", "centre", 8)

    def _curves(self, part: OffSwitch, case: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Worths [POINTS], how likely the robot holds each, and how likely the human it believes in allows each."""
        mu, sigma, beta = (float(row[case]) for row in part.believed)
        if part.belief == "gaussian" and sigma > 0:
            u = np.linspace(mu - 3.2 * sigma, mu + 3.2 * sigma, POINTS)
            u = np.linspace(min(u[0], -0.3 * sigma), max(u[-1], 0.3 * sigma), POINTS)
            prior = np.exp(-0.5 * ((u - mu) / sigma) ** 2)
        else:
            values, weights = part.outcomes if part.belief != "gaussian" else (np.array([mu]), np.ones(1))
            span = float(np.ptp(values)) or max(1.0, abs(float(values[0])))
            u = np.linspace(min(values.min(), 0) - span * 0.2, max(values.max(), 0) + span * 0.2, POINTS)
            thick = span * 0.02  # atoms are drawn as narrow peaks
            prior = (weights * np.exp(-0.5 * ((u[:, None] - values) / thick) ** 2)).sum(1)
        return u, prior, allows(part, u, mu, sigma, beta)


def allows(part: OffSwitch, u: np.ndarray, mu: float, sigma: float, beta: float) -> np.ndarray:
    """How likely the human lets an action of worth u run; an agent is taken for one who replies best."""
    from scipy.special import expit, ndtr

    right = (u >= (-part.press if part.human == "agent" else 0)).astype(float)
    if part.human == "boltzmann" and beta > 0:
        return expit(u / beta)
    if part.human == "probit" and part.scale > 0:
        return ndtr(u / part.scale)
    if part.human == "error":
        return np.where(u >= 0, 1 - part.epsilon, part.epsilon)
    if part.human == "two-type":
        return np.where(u >= 0, part.p_plus, 1 - part.p_minus)
    if part.human == "bayesian" and part.scale > 0 and sigma > 0:
        return ndtr((u + mu * part.scale**2 / sigma**2) / part.scale)
    return right


def _normal(y: np.ndarray) -> np.ndarray:
    return y / (y.sum() or 1.0)
