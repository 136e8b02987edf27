"""Convolutions for stacked lanes, for observations that are small pictures."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from .nets import affine, linear

KERNEL = 3


class Conv:
    """Layers of 3 x 3 convolutions with ReLU, stride 1, edges padded with 0; pictures [L, M, height * width * channels]
    row by row -> [L, M, height * width * last channels].

    A layer is a matrix product over the 3 x 3 patches, since torch has no convolution with kernels of their own for
    every lane that is fast on a CPU.
    """

    def __init__(self, image: tuple[int, int, int], channels: tuple[int, ...]) -> None:
        self.image = image
        self.layers = list(zip((image[2], *channels[:-1]), channels))
        self.shapes = [(i * KERNEL * KERNEL + 1, o) for i, o in self.layers]
        self.n_params = sum(a * b for a, b in self.shapes)
        self.outputs = image[0] * image[1] * channels[-1]

    def bounds(self) -> np.ndarray:
        return np.concatenate([np.full(a * b, (a - 1) ** -0.5) for a, b in self.shapes])

    def names(self) -> list[tuple[str, tuple[int, ...]]]:
        return [(str(k), shape) for k, shape in enumerate(self.shapes)]

    def forward(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        lanes, samples = x.shape[:2]
        height, width, _ = self.image
        x = x.reshape(lanes * samples, height, width, -1).permute(0, 3, 1, 2)
        start = 0
        for shape in self.shapes:
            matrix = params[:, start : start + shape[0] * shape[1]].unflatten(1, shape)
            start += shape[0] * shape[1]
            patches = nn.functional.unfold(x, KERNEL, padding=KERNEL // 2).transpose(1, 2)
            y = torch.relu(affine(patches.reshape(lanes, samples * height * width, -1), matrix))
            x = y.reshape(lanes * samples, height, width, -1).permute(0, 3, 1, 2)
        return x.permute(0, 2, 3, 1).reshape(lanes, samples, -1)

    def module(self, row: np.ndarray) -> nn.Module:
        """One network as plain torch modules: [..., height * width * channels] -> [..., outputs]."""
        start, parts = 0, []
        for (i, o), shape in zip(self.layers, self.shapes):
            matrix = torch.tensor(row[start : start + shape[0] * shape[1]]).reshape(shape)
            start += shape[0] * shape[1]
            flat, layer = linear(matrix), nn.Conv2d(i, o, KERNEL, padding=KERNEL // 2)
            with torch.no_grad():
                layer.weight.copy_(flat.weight.reshape(o, i, KERNEL, KERNEL))
                layer.bias.copy_(flat.bias)  # type: ignore[union-attr]
            parts += [layer, nn.ReLU()]
        return Pictures(self.image, nn.Sequential(*parts))


class Pictures(nn.Module):
    """Rows of numbers as pictures, through `layers`, as rows again."""

    def __init__(self, image: tuple[int, int, int], layers: nn.Sequential) -> None:
        super().__init__()
        self.height, self.width, self.channels = image
        self.layers = layers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lead = x.shape[:-1]
        x = x.reshape(-1, self.height, self.width, self.channels).permute(0, 3, 1, 2)
        return self.layers(x).permute(0, 2, 3, 1).reshape((*lead, -1))
