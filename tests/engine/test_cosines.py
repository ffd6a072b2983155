from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from harness.engine import cosines as module
from harness.engine import products
from harness.engine.cosines import cosines, hands, usable
from harness.engine.search import nearest, pooled_ranks
from harness.engine.similarity import aligned_ranks

NAMES = ["cosine", "margin", "csls"]


@pytest.fixture(params=["oneDNN", "torch"])
def backend(request, monkeypatch):
    """Both ways of computing, whatever this processor is."""
    if request.param == "torch":
        monkeypatch.setattr(module, "usable", lambda: False)
    elif not usable():
        pytest.skip("oneDNN takes no float32 products here")


def sides(n=130, width=96):
    draw = np.random.default_rng(0)
    meaning = draw.normal(size=(n, width)) + 0.5
    found = [meaning + draw.normal(size=(n, width)) for _ in range(2)]
    return [(side / np.linalg.norm(side, axis=1, keepdims=True)).astype(np.float32) for side in found]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tile", [7, 1024])
def test_every_cosine_is_that_of_its_two_vectors(backend, dtype, tile, monkeypatch):
    monkeypatch.setattr(module, "TILE", tile)
    queries, candidates = (side.astype(dtype) for side in sides())
    found = cosines(queries, candidates)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, queries.astype(np.float64) @ candidates.T.astype(np.float64), atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_none_of_a_side_are_no_cosines(backend, shape):
    queries, candidates = (np.zeros((n, 8), np.float32) for n in shape)
    assert cosines(queries, candidates).shape == shape


def test_what_is_read_only_or_not_in_one_piece_is_searched_too(backend, recwarn):
    queries, candidates = sides()
    expected = cosines(queries, candidates)
    queries.flags.writeable = False
    assert np.array_equal(cosines(queries, np.asfortranarray(candidates)), expected)
    assert not recwarn


@pytest.mark.parametrize("small", [0, 10**9])
def test_scores_do_not_depend_on_how_many_threads_search(backend, small, monkeypatch):
    """One thread or several, and several searches at once or one."""
    queries, candidates = sides()
    owner = np.arange(len(candidates)) % len(queries)
    monkeypatch.setattr(module, "TILE", 50)
    expected = (
        aligned_ranks(queries, candidates, NAMES),
        nearest(queries, candidates, 3),
        pooled_ranks(queries, candidates, owner),
    )
    monkeypatch.setattr(module, "SMALL", small)
    for count in (1, 3):
        monkeypatch.setattr(module, "cores", lambda count=count: count)
        with ThreadPoolExecutor(count) as pool:
            for found, near in pool.map(lambda _: aligned_ranks(queries, candidates, NAMES), range(4)):
                assert np.array_equal(near, expected[0][1])
                for name in NAMES:
                    assert np.array_equal(found[name], expected[0][0][name])
        assert all(map(np.array_equal, nearest(queries, candidates, 3), expected[1]))
        assert np.array_equal(pooled_ranks(queries, candidates, owner), expected[2])


@pytest.mark.parametrize("size", [1, 10**9])
def test_torch_has_its_threads_back_after_a_search(size):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with hands(size) as run:
            assert set(run(lambda _: torch.get_num_threads(), range(8))) == {1}
        assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as pool:  # new threads too
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


@pytest.fixture
def another_processor(tmp_path, monkeypatch):
    def choose(vendor):
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nvendor_id\t: {vendor}\n")
        monkeypatch.setattr(products, "CPUINFO", tmp_path / "cpuinfo")
        usable.cache_clear()

    yield choose
    usable.cache_clear()


def test_on_the_processors_of_mkls_maker_torch_computes(another_processor):
    another_processor("GenuineIntel")
    assert not usable()


def test_a_product_that_is_wrong_or_missing_is_not_used(another_processor, monkeypatch):
    another_processor("AuthenticAMD")
    monkeypatch.setattr(module, "_onednn", lambda left, right: (left @ right.T).bfloat16().float())
    assert not usable()
    usable.cache_clear()
    monkeypatch.setattr(module, "_onednn", lambda left, right: torch.ops.mkldnn._no_such_product(left, right))
    assert not usable()
