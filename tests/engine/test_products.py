import numpy as np
import pytest
import torch
from torch import nn

from harness.engine import products as module
from harness.engine.packed import EAGER
from harness.engine.products import ONEDNN, products, usable
from harness.engine.train import fit
from harness.spec import Training

WIDE, NARROW = nn.Linear(256, 128), nn.Linear(96, 256)
LEFT, RIGHT = (torch.randn(300, 300, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))


@pytest.fixture(autouse=True)
def afresh():
    usable.cache_clear()
    yield
    usable.cache_clear()


@pytest.fixture
def onednn(tmp_path, monkeypatch):
    """A processor that is said to gain, where this one's oneDNN computes in float32."""
    processor(tmp_path, monkeypatch, "AuthenticAMD")
    if not usable():
        pytest.skip("oneDNN takes no float32 products here")


def processor(tmp_path, monkeypatch, vendor):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nvendor_id\t: {vendor}\n")
    monkeypatch.setattr(module, "CPUINFO", tmp_path / "cpuinfo")


def test_products_are_equal_up_to_rounding_inside_and_torchs_own_outside(onednn):
    before = LEFT @ RIGHT
    with products(WIDE) as computed:
        inside = LEFT @ RIGHT
    assert computed == ONEDNN
    assert not torch.equal(inside, before)
    torch.testing.assert_close(inside, before, rtol=1e-5, atol=1e-4)
    assert torch.equal(LEFT @ RIGHT, before)


def test_the_switch_is_back_after_an_error(onednn):
    before = LEFT @ RIGHT
    with pytest.raises(ZeroDivisionError), products(WIDE):
        raise ZeroDivisionError
    assert torch.equal(LEFT @ RIGHT, before)
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize("net", [NARROW, nn.Linear(256, 128).double(), nn.Conv1d(256, 256, 3), nn.LayerNorm(256)])
def test_narrow_networks_compute_as_ever(net):
    before = LEFT @ RIGHT
    with products(net) as computed:
        assert torch.equal(LEFT @ RIGHT, before)
    assert computed == EAGER


def test_on_the_processors_of_mkls_maker_nothing_changes(tmp_path, monkeypatch):
    processor(tmp_path, monkeypatch, "GenuineIntel")
    with products(nn.Linear(256, 128)) as computed:
        pass
    assert computed == EAGER


@pytest.mark.parametrize("error", [0.0, 1e-3])
def test_products_of_fewer_bits_or_of_torchs_own_are_refused(error, tmp_path, monkeypatch):
    """A processor that takes bfloat16 for products, and one whose torch does not hand them to oneDNN."""
    processor(tmp_path, monkeypatch, "AuthenticAMD")
    monkeypatch.setattr(module, "_onednn", lambda: Rounded(error))
    assert not usable()


class Rounded:
    """Makes products wrong by this much of themselves while it is entered."""

    def __init__(self, error):
        self.error, self.product = error, torch.Tensor.__matmul__

    def __enter__(self):
        torch.Tensor.__matmul__ = lambda left, right: self.product(left, right) * (1 + self.error)

    def __exit__(self, *_):
        torch.Tensor.__matmul__ = self.product


def test_a_wide_network_trains_to_the_same_bits_and_to_torchs_own_up_to_rounding(onednn):
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(40, 256, generator=draw)

    def trained(*, onednn):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(256, 128), nn.Dropout(0.1), nn.Linear(128, 256))

        def losses(chosen):
            return ((net(rows[chosen]) - rows[chosen]) ** 2).mean(1).sum()

        ones = np.ones(len(rows), dtype=np.int64)
        with products(net if onednn else NARROW):
            fit(net, losses, ones, ones, Training(learning_rate=1e-3, batch_size=8, epochs=4), 0, 100)
        return net[0].weight.detach()

    one, two, eager = trained(onednn=True), trained(onednn=True), trained(onednn=False)
    assert torch.equal(one, two)
    torch.testing.assert_close(one, eager, rtol=1e-3, atol=1e-4)
