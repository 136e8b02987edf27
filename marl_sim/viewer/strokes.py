"""Compiled drawing: smooth lines and triangles by the hundred, and a picture's colours as an array.

pygame draws one smooth line in about 20 microseconds, and a crowd's picture has two hundred of them. The signatures are
given so that nothing is compiled in a call: the compiler may hold on to its arguments, and a surface whose pixels are
held cannot be drawn on otherwise.
"""

from __future__ import annotations

from math import ceil, floor, sqrt
from typing import Any

import numba
import numpy as np

from ..core.kernels import kernel


def pixels_of(surface: Any) -> np.ndarray:
    """A 32 bit surface's pixels, uint32 [height, width], 0xRRGGBB; it is locked for as long as they are held."""
    wide, high = surface.get_size()
    return np.frombuffer(surface.get_buffer(), np.uint32).reshape(high, wide)


@kernel
def _lay(pixels, y, x, red, green, blue, share):
    """Lay a colour on a pixel so thick, from 0 to 1."""
    under, part = pixels[y, x], int(share * 256)
    r, g, b = int(under >> 16) & 255, int(under >> 8) & 255, int(under) & 255
    r += ((red - r) * part) >> 8
    g += ((green - g) * part) >> 8
    b += ((blue - b) * part) >> 8
    pixels[y, x] = np.uint32((r << 16) | (g << 8) | b)


@numba.njit("void(uint32[:,::1], float64[:,::1], int64[:,::1])", cache=True, nogil=True)
def draw_lines(pixels, lines, colours):
    """Lines with round ends. lines float64 [S, 5]: from x, y to x, y, and how thick; colours int64 [S, 3].

    A pixel is covered by how near its centre, at whole coordinates, lies to the line.
    """
    high, wide = pixels.shape
    for s in range(lines.shape[0]):
        x0, y0, x1, y1, thick = lines[s]
        red, green, blue = colours[s]
        full = np.uint32((red << 16) | (green << 8) | blue)
        reach = max(thick, 1.0) / 2 + 0.5
        length = sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2)
        ux, uy = ((x1 - x0) / length, (y1 - y0) / length) if length > 0 else (1.0, 0.0)
        level = abs(uy) < 1e-9
        slope, half = (0.0, 0.0) if level else (ux / uy, reach / abs(uy))
        first, last = max(0.0, min(x0, x1) - reach), min(wide - 1.0, max(x0, x1) + reach)
        for y in range(int(max(0.0, ceil(min(y0, y1) - reach))), int(min(high - 1.0, max(y0, y1) + reach)) + 1):
            left, right = first, last
            if not level:  # where this row enters and leaves the band around the line
                middle = x0 + (y - y0) * slope
                left, right = max(left, middle - half), min(right, middle + half)
            begin = ceil(left)
            along = (begin - x0) * ux + (y - y0) * uy
            side = (y - y0) * ux - (begin - x0) * uy
            for x in range(begin, floor(right) + 1):
                away = abs(side)
                if along < 0 or along > length:
                    beyond = -along if along < 0 else along - length
                    away = sqrt(away * away + beyond * beyond)
                if away <= reach - 1:
                    pixels[y, x] = full
                elif away < reach:
                    _lay(pixels, y, x, red, green, blue, reach - away)
                along += ux
                side -= uy


@numba.njit("void(uint32[:,::1], float64[:,:,::1], int64[:,::1])", cache=True, nogil=True)
def draw_triangles(pixels, corners, colours):
    """Full triangles. corners float64 [T, 3, 2]; colours int64 [T, 3]."""
    high, wide = pixels.shape
    for t in range(corners.shape[0]):
        (ax, ay), (bx, by), (cx, cy) = corners[t]
        red, green, blue = colours[t]
        turn = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if turn == 0:
            continue
        if turn < 0:
            bx, by, cx, cy = cx, cy, bx, by
        ab, bc, ca = sqrt((bx - ax) ** 2 + (by - ay) ** 2), sqrt((cx - bx) ** 2 + (cy - by) ** 2), sqrt(
            (ax - cx) ** 2 + (ay - cy) ** 2)  # fmt: skip
        for y in range(max(0, floor(min(ay, by, cy))), min(high - 1, ceil(max(ay, by, cy))) + 1):
            for x in range(max(0, floor(min(ax, bx, cx))), min(wide - 1, ceil(max(ax, bx, cx))) + 1):
                inside = min(((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / ab,
                             ((cx - bx) * (y - by) - (cy - by) * (x - bx)) / bc,
                             ((ax - cx) * (y - cy) - (ay - cy) * (x - cx)) / ca) + 0.5  # fmt: skip
                if inside > 0:
                    _lay(pixels, y, x, red, green, blue, min(1.0, inside))


@numba.njit("void(uint32[::1], uint8[::1])", cache=True, nogil=True)
def unpack(pixels, out):
    """Pixels uint32 [P] as red, green and blue, uint8 [3 P]."""
    for i in range(pixels.size):
        pixel = pixels[i]
        out[3 * i] = (pixel >> 16) & 255
        out[3 * i + 1] = (pixel >> 8) & 255
        out[3 * i + 2] = pixel & 255
