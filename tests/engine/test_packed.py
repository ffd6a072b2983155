import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel

from harness.engine import packed
from harness.engine.packed import EAGER, PACKED, PackedLinear, pack


@pytest.fixture
def available():
    try:
        PackedLinear(nn.Linear(128, 128))
    except (AttributeError, NotImplementedError, RuntimeError):
        pytest.skip("this build of torch has no packed linear layers")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(128, 256), nn.GELU(), nn.Linear(256, 128, bias=False))
        self.head = nn.Linear(128, 3)

    def forward(self, rows):
        return self.head(self.inner(rows))


@pytest.mark.parametrize("shape", [(1, 128), (7, 128), (3, 5, 128), (0, 128), (2, 0, 128)])
def test_a_packed_network_gives_what_it_gave(available, monkeypatch, shape):
    monkeypatch.setattr(packed, "worthwhile", lambda dtype: True)
    net, rows = Net().eval(), torch.randn(shape)
    with torch.inference_mode():
        before = net(rows)
        assert pack(net) == PACKED
        after = net(rows)
    assert after.shape == before.shape
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-6)
    assert isinstance(net.inner[0], PackedLinear)
    assert type(net.head) is nn.Linear  # too narrow to gain


@pytest.mark.parametrize(("act", "fused"), [("gelu", True), ("gelu_new", False), ("relu", False)])
def test_the_gelu_of_a_block_becomes_part_of_its_layer(available, monkeypatch, act, fused):
    monkeypatch.setattr(packed, "worthwhile", lambda dtype: True)
    net, ids = bert(2, act), torch.randint(0, 50, (3, 9))
    with torch.inference_mode():
        before = net(ids).last_hidden_state
        pack(net)
        after = net(ids).last_hidden_state
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-5)
    assert isinstance(net.encoder.layer[0].intermediate.intermediate_act_fn, nn.Identity) == fused


def test_a_row_does_not_depend_on_the_others(available):
    layer = PackedLinear(nn.Linear(256, 256))
    rows = torch.randn(300, 256)
    with torch.inference_mode():
        together = layer(rows)
        alone = torch.cat([layer(row[None]) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


def test_where_it_is_no_faster_the_network_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(packed, "worthwhile", lambda dtype: False)
    net = Net()
    assert pack(net) == EAGER
    assert type(net.inner[0]) is nn.Linear


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_other_numbers_are_computed_by_torch(monkeypatch, dtype):
    monkeypatch.setattr(packed, "worthwhile", lambda dtype: True)
    net = Net()
    assert pack(net, dtype) == EAGER
    assert {parameter.dtype for parameter in net.parameters()} == {dtype}


def test_a_network_without_wide_layers_is_cast_as_a_whole():
    net = nn.Linear(16, 16)
    assert pack(net, torch.bfloat16) == EAGER
    assert net.weight.dtype == torch.bfloat16


def bert(layers=6, act="gelu"):
    torch.manual_seed(0)
    return BertModel(
        BertConfig(
            vocab_size=50, hidden_size=128, num_hidden_layers=layers, num_attention_heads=2, intermediate_size=256,
            hidden_act=act,
        )
    ).eval()  # fmt: skip


def test_products_of_few_bits_leave_less_error_than_a_network_of_few_bits(available):
    ids = torch.randint(0, 50, (8, 9))
    with torch.inference_mode():
        exact = bert()(ids).last_hidden_state
        whole = bert().to(torch.bfloat16)(ids).last_hidden_state
        net = bert()
        assert pack(net, torch.bfloat16) == PACKED
        ours = net(ids).last_hidden_state
    assert ours.dtype == torch.float32
    assert (ours - exact).norm() < 0.5 * (whole.float() - exact).norm() < 0.05 * exact.norm()


def test_a_build_without_it_is_no_error(monkeypatch):
    def missing(*_):
        raise NotImplementedError("no such operator\nwith a long list")

    monkeypatch.setattr(packed, "PackedLinear", missing)
    packed.worthwhile.cache_clear()
    assert not packed.worthwhile(torch.float32)
    packed.worthwhile.cache_clear()


def test_a_wrong_answer_is_found_out(monkeypatch):
    monkeypatch.setattr(packed, "PackedLinear", lambda linear, dtype: lambda rows: linear(rows) * 1.001)
    packed.worthwhile.cache_clear()
    assert not packed.worthwhile(torch.float32)
    packed.worthwhile.cache_clear()
