import copy

import numpy as np
import pytest
import torch
from torch import nn
from transformers import XLMRobertaConfig, XLMRobertaModel

from harness.engine.train import fit
from harness.engine.vocabulary import cut_down
from harness.spec import Training

READ = np.array([7, 40, 4, 7, 23])
ROWS = np.array([[4, 7, 23], [40, 7, 1]])  # 1 is padding


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = XLMRobertaConfig(
        vocab_size=50, max_position_embeddings=12, type_vocab_size=1, pad_token_id=1, **size,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return XLMRobertaModel(config, add_pooling_layer=False)


def trained(model, decay=0.1):
    """After a few steps towards nothing in particular."""
    ids, wanted = torch.from_numpy(ROWS), torch.randn(16, generator=torch.Generator().manual_seed(0))

    def losses(rows):
        states = model(ids[rows], attention_mask=(ids[rows] != 1).long()).last_hidden_state
        return ((states - wanted)[ids[rows] != 1] ** 2).sum()

    training = Training(learning_rate=1e-2, batch_size=2, steps=6, weight_decay=decay)
    return [point.value for point in fit(model, losses, np.array([3, 2]), np.array([3, 2]), training, 0, 100)]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_network_with_its_vocabulary_cut_down_learns_what_the_whole_one_learns(model, decay):
    whole, cut = copy.deepcopy(model), copy.deepcopy(model)
    curve = trained(whole, decay)
    with cut_down(cut, [READ]):
        assert trained(cut, decay) == pytest.approx(curve)
    ours, theirs = cut.state_dict(), whole.state_dict()
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-5, atol=1e-6)
    unread = np.setdiff1d(np.arange(50), [*READ, 1])
    before = model.get_input_embeddings().weight
    assert torch.equal(cut.get_input_embeddings().weight[unread], before[unread]) == (decay == 0)


def test_inside_the_optimiser_sees_the_rows_that_are_read_padding_and_one_more(model):
    net = nn.Sequential(copy.deepcopy(model))
    with cut_down(net, [READ, np.array([2])]):
        assert sum(p.numel() for p in net.parameters() if p.shape[-1] == 16 and p.shape[0] == len({*READ, 1, 2}) + 1)
        assert not any(p.shape == (50, 16) for p in net.parameters())
        with pytest.raises(IndexError):
            net(torch.tensor([[5]]))
    assert any(p.shape == (50, 16) for p in net.parameters())


def test_the_whole_table_is_back_after_an_error(model):
    net = copy.deepcopy(model)
    with pytest.raises(ZeroDivisionError), cut_down(net, [READ]):
        raise ZeroDivisionError
    assert torch.equal(net.get_input_embeddings().weight, model.get_input_embeddings().weight)


class Scaled(nn.Embedding):
    """A table that is more than its rows."""


def test_what_is_no_plain_table_stays(model):
    net = copy.deepcopy(model)
    net.set_input_embeddings(Scaled(50, 16))
    for untouched in (net, nn.Linear(3, 3)):
        with cut_down(untouched, [READ]):
            pass
    with cut_down(net, [READ]):
        assert type(net.get_input_embeddings()) is Scaled
