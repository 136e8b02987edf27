"""A stranger's exported agent is read as tensors: a file that holds anything else is refused and runs nothing."""

import contextlib
import io
import json
import zipfile

import pytest
import torch

from marl_sim.policies.program_file import loaded


class Doubles(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor([2.0]))

    def forward(self, x):
        return x * self.factor


class Trap:
    """Unpickled, it leaves a file behind."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return open, (self.place, "w")


@pytest.fixture
def sound(tmp_path):
    file = tmp_path / "play.pt2"
    torch.export.save(torch.export.export(Doubles(), (torch.zeros(2),)), file)
    return file


def rewritten(file, change):
    """The same archive with its members as `change(name, bytes)` gives them."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    bad = file.with_name("bad.pt2")
    with zipfile.ZipFile(bad, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("play/", "bad/", 1), change(name, data))
    return bad


def pickled(thing):
    out = io.BytesIO()
    torch.save(thing, out)
    return out.getvalue()


def trapped(place, how):
    def change(name, data):
        if how == "inputs" and name.endswith("sample_inputs/model.pt"):
            return pickled((Trap(place),))
        if how in ("weight", "opaque") and name.endswith("weights_config.json"):
            page = json.loads(data)
            one = page["config"]["factor"]
            one["use_pickle"] = how == "weight"
            if how == "opaque":
                one["path_name"] = "opaque_obj_0"
            return json.dumps(page)
        return pickled(Trap(place)) if how == "weight" and name.endswith("weights/weight_0") else data

    return change


def test_what_export_wrote_is_read(sound):
    assert loaded(sound)(torch.tensor([1.0, 3.0])).tolist() == [2.0, 6.0]


def test_torch_alone_would_run_what_a_file_holds(sound, tmp_path):
    """So that the next test does not pass for want of a danger."""
    bad, place = rewritten(sound, trapped(tmp_path / "ran", "weight")), tmp_path / "ran"
    with contextlib.suppress(Exception):  # what is opened is no tensor
        torch.export.load(str(bad))
    assert place.exists()


@pytest.mark.parametrize("how", ["weight", "inputs", "opaque"])
def test_pickles_are_refused_and_run_nothing(sound, tmp_path, how):
    bad = rewritten(sound, trapped(tmp_path / "ran", how))
    with pytest.raises(ValueError, match=r"pickled objects|tensors alone") as caught:
        loaded(bad)
    assert not (tmp_path / "ran").exists()
    assert "\n" not in str(caught.value)


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "play.pt2").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="holds no exported program"):
        loaded(tmp_path / "play.pt2")
    with pytest.raises(ValueError, match="holds no exported program"):
        loaded(tmp_path / "nowhere.pt2")
