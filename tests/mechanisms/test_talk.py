"""Cheap talk: heard by whom it concerns, free, and binding nobody."""

import numpy as np
import pytest

import marl_sim as ms


@pytest.mark.parametrize("messages", [2, 5])
def test_a_player_hears_the_one_it_faces(table, messages):
    game = ms.Society(ms.PureCoordination(), ms.Talk(messages), n_agents=6, encode="index")
    t = table(game, num_envs=8)
    said = np.random.default_rng(0).integers(messages, size=(8, 6))
    step = t.step(talk=said)
    assert not step.reward.any()
    facing = t.sim.state["facing"]
    for world in range(8):
        assert t.sees("message", world).ravel().tolist() == said[world, facing[world]].tolist()
        assert t.sees("own_message", world).ravel().tolist() == said[world].tolist()


def test_players_who_sit_out_neither_speak_nor_hear(table):
    t = table(ms.Society(ms.PureCoordination(), ms.Talk(), n_agents=3))
    out = int(np.flatnonzero(t.sim.state["facing"][0] < 0)[0])
    assert not t.sim.acting[0, out]
    t.step(talk=1)
    assert t.sim.state["said"][0, out] == -1
    assert (t.sees("message")[out] == 0).all()


def test_messages_are_heard_by_givers_too():
    game = ms.Society(ms.PureCoordination(), ms.Gift(), ms.Talk(), n_agents=2)
    assert game.kinds == ("talk", "gift", "play")
    assert [slot.kind for slot in game.layout.slots if slot.name == "message"] == ["gift", "play"]


def test_wrong_options_are_refused(refused):
    refused(lambda: ms.Talk(1), "messages", "1", "at least 2")
    refused(lambda: ms.Talk(2.5), "messages", "2.5", "whole")
