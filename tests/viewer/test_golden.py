"""Each view looks as it did when it was last looked at.

Where it is meant to look otherwise: python tests/golden_frames.py, look at the pictures, and commit them.
"""

import golden_frames as golden
import numpy as np
import pytest
from drawn_moments import drawn, moment

MEAN, FAR, SHARE = 2.0, 48.0, 0.02  # another version of the font library moves edges of letters, and nothing else


def differs(one, other):
    """How a picture differs from the kept one, in words; "" where it does not."""
    if one.shape != other.shape:
        return f"its size is {other.shape}, not {one.shape}"
    apart = np.abs(one - other).max(-1)
    if apart.mean() > MEAN or (apart > FAR).mean() > SHARE:
        return f"{apart.mean():.2f} of 255 on average, {(apart > FAR).mean():.1%} of the pixels by more than {FAR:g}"
    return ""


@pytest.mark.parametrize("name", golden.FRAMES)
def test_a_view_looks_as_it_did(name):
    assert not differs(golden.held(name), golden.FRAMES[name]().array().astype(float)), name


def test_every_kept_frame_is_compared_and_no_two_pass_for_one_another():
    assert {path.stem for path in golden.FOLDER.glob("*.png")} == set(golden.FRAMES)
    assert differs(golden.held("public_goods"), golden.held("public_goods_settled"))
    kept = golden.held("society")
    assert differs(kept, drawn(moment("society", 25), (480, 320)).array().astype(float)), "the next stage is seen"
    missing = kept.copy()
    missing[100:150, 100:160] = 0
    assert differs(kept, missing)
