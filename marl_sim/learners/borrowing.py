"""Arrays on loan, for compiled loops: counting who refers to an array takes as long as a small product of it."""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array


def _lend(context: Any, builder: ir.IRBuilder, kind: types.Type, value: ir.Value) -> ir.Value:
    if isinstance(kind, types.Array):
        array = make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        for place, each in enumerate(kind):
            lent = _lend(context, builder, each, builder.extract_value(value, place))
            value = builder.insert_value(value, lent, place)
    return value


@intrinsic
def _borrowed(typing, owned):
    def codegen(context, builder, signature, arguments):
        return _lend(context, builder, owned, arguments[0])

    return owned(owned), codegen


def _plain(owned: Any) -> Any:
    return owned


borrowed = _plain if numba.config.DISABLE_JIT else _borrowed
"""The same array, or tuple of arrays and numbers, whatever is in it; the caller's own must outlive it."""
