"""The draw in one pass, in Triton's interpreter: token for token the one of two passes with the same noise."""

import math

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from oracle import DTYPES, SPECS, close, margins, policies, rows_of_every_kind
from waits import Waits

from edt_sampling.policies import policy
from edt_sampling.sampling import Filters, gumbel, reference
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.triton import gumbel_draw
from edt_sampling.sampling.triton_gumbel import BOUNDED, ROOM, SLACK, hottest, noise, staircases
from edt_sampling.sampling.triton_gumbel import gumbel as gumbel_tile
from edt_sampling.sampling.triton_tiles import tiles

SHAPES = [(8, 1), (8, 2), (8, 127), (60, 128), (8, 129), (8, 9_000), (3, 32_000), (1, 151_936), (1, 262_144)]
NOISE_MARGIN = 2e-6
HEIGHT_MARGIN = 1e-4
RANGES = ("fixed:temperature=0.05", "fixed:temperature=7", "edt:t0=5,theta=20", "edt:t0=0.6,theta=0.1", "udt:t0=3,theta=9")
"""b from 1/7 to 20, and temperatures far below their bound."""


@triton.jit
def _noise(keys, found, words, SIZE: tl.constexpr):
    row, tile = tl.program_id(0), tl.program_id(1)
    index = tile * SIZE + tl.arange(0, SIZE)
    tl.store(found + row * words + index, gumbel_tile(tl.load(keys + row), tile, SIZE), mask=index < words)


@triton.jit
def _noise_of(words, found, SIZE: tl.constexpr):
    index = tl.arange(0, SIZE)
    tl.store(found + index, noise((tl.load(words + index)).to(tl.uint32)))


def float32_noise(keys, like):
    """The kernel's noise of every word, ``[rows, vocab]``."""
    cut, found = tiles(like), torch.empty(like.shape)
    _noise[cut.grid](torch.from_numpy(keys.view(np.int64)), found, cut.words, SIZE=cut.size)
    return found


def keys(rows, seed=0):
    return gumbel.noise_keys(seed, np.arange(rows), 0, 1)[:, 0]


def two_passes(logits, temperature, noise):
    """The first of the highest (l - max) / T + g in float32, T below the coldest greedy."""
    inverse = temperature.clamp(1e-4, 1e30).reciprocal().float()
    height = (logits.float() - logits.float().amax(-1, keepdim=True)) * inverse[:, None] + noise
    return torch.where(temperature >= 1e-4, height.argmax(-1), logits.argmax(-1))


def held_against_two_passes(logits, specs, seed=0):
    """Exactly the tokens of two passes in float32; those of the oracle, but where two heights are closer than the margin."""
    rows, key = len(logits), keys(len(logits), seed)
    found = gumbel_draw(logits, policies(rows, like=logits, specs=specs), key=key)
    expected = gumbel.draw(logits.double().numpy(), policies(rows, specs=specs), key=key)
    close(found.temperature, expected.temperature, margins(logits), "temperature")
    close(found.entropy, expected.entropy, margins(logits), "entropy")
    assert found.probability.isnan().all()
    assert found.token.tolist() == two_passes(logits, found.temperature, float32_noise(key, logits)).tolist()
    x = logits.double().numpy()
    heights = (x - x.max(-1, keepdims=True)) / np.maximum(expected.temperature, 1e-4)[:, None] + gumbel.noise(key, vocab=x.shape[1])
    pair = np.take_along_axis(heights, np.stack([found.token.numpy(), expected.token], -1), -1)
    assert ((found.token.numpy() == expected.token) | (np.abs(pair[:, 0] - pair[:, 1]) < HEIGHT_MARGIN)).all()
    return (found.token.numpy() == expected.token).mean()


@pytest.mark.parametrize(("rows", "vocab"), SHAPES)
def test_every_size_and_kind_of_row(rows, vocab):
    assert held_against_two_passes(rows_of_every_kind(rows, vocab, seed=12), SPECS) > 0.98


@pytest.mark.parametrize("seed", range(4))
def test_every_range_of_temperatures(seed):
    assert held_against_two_passes(rows_of_every_kind(10, 700, seed=seed), RANGES, seed=seed) > 0.98


@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_half_precision_with_its_many_ties(dtype):
    held_against_two_passes(rows_of_every_kind(8, 4_200, dtype=dtype, seed=3), RANGES)


def test_noise_is_the_oracles_to_the_margin():
    """70 tiles, whose u come as near to 1 as 1e-6, and the ends of the range, where 1 - u is 2**-33 and float32's u would be 1."""
    key = keys(5, seed=4)
    away = float32_noise(key, torch.empty(5, 57_000)).double().numpy() - gumbel.noise(key, vocab=57_000)
    assert np.abs(away).max() < NOISE_MARGIN
    words = np.array([0, 1, 2, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 3, 2**32 - 2, 2**32 - 1, *np.arange(7) * 613_566_757], np.int64)
    found = torch.empty(16)
    _noise_of[(1,)](torch.from_numpy(words), found, SIZE=16)
    expected = [-math.log(-math.log1p(-(2**32 - w - 0.5) / 2**32) if w >= 2**31 else -math.log((w + 0.5) / 2**32)) for w in words.tolist()]
    assert found.tolist() == pytest.approx(expected, abs=NOISE_MARGIN, rel=0)


def staircase(logits, noise, least):
    """How many lines the rule keeps of one tile, those that no line of at least their slope passes by the slack at b0."""
    height = (logits - logits.max()) * least + noise
    passed = [np.any((logits >= x) & (height > y + SLACK.value)) for x, y in zip(logits, height, strict=True)]
    return len(logits) - sum(passed)


def test_a_tile_keeps_the_lines_that_no_other_has_passed():
    logits, key = rows_of_every_kind(14, 128, seed=5), keys(14)
    mixture = policies(14, like=logits, specs=["edt:t0=0.8,theta=0.2", "fixed:temperature=1.5"])
    lines, _ = staircases(logits, mixture, key=torch.from_numpy(key.view(np.int64)), cut=tiles(logits))
    there, g = logits.isfinite().numpy(), gumbel.noise(key, vocab=128)
    least = [1 / 0.8, 1 / 1.5] * 7
    expected = [staircase(logits[row].double().numpy()[there[row]], g[row][there[row]], least[row]) for row in range(14)]
    assert lines.count[:, 0].tolist() == expected
    assert 1 < np.mean(expected) < 6


def adversarial(vocab, key):
    """Logits that rise as the noise falls, so that more lines of a tile stay than it has room for."""
    g = gumbel.noise(key, vocab=vocab)
    logits = np.empty_like(g)
    for row in range(len(g)):
        logits[row, np.argsort(-g[row])] = np.log1p(np.arange(vocab)) * 0.5
    return torch.tensor(logits, dtype=torch.float32)


@pytest.mark.parametrize("vocab", [500, 9_000])
def test_a_tile_without_room_is_read_again_and_loses_nothing(vocab):
    key = keys(6)
    logits, specs = adversarial(vocab, key), [f"edt:t0=4,theta={theta}" for theta in (1, 5, 15, 30, 60, 90)]
    lines, _ = staircases(logits, policies(6, like=logits, specs=specs), key=torch.from_numpy(key.view(np.int64)), cut=tiles(logits))
    assert (lines.count[:, 0] == ROOM.value + 1).all(), "no overflow: the test shows nothing"
    held_against_two_passes(logits, specs)
    tokens = gumbel_draw(logits, policies(6, like=logits, specs=specs), key=key).token
    shallow = lines.places[torch.arange(6), 0]
    assert not (tokens[:, None] == shallow).any(-1).all(), "every winner was among the first lines: the test shows nothing"


def test_equal_heights_go_to_the_lower_index():
    """Two tokens of equal logits: whichever has more noise; with one logit far above the rest, the first of the best ones when greedy."""
    logits = torch.full((3, 5_000), -30.0)
    logits[:, [7, 4_900]] = 5.0
    found = gumbel_draw(logits, policies(3, like=logits, specs=["fixed:temperature=0"]), key=keys(3))
    assert found.token.tolist() == [7, 7, 7]
    g = gumbel.noise(keys(3), vocab=5_000)
    warm = gumbel_draw(logits, policies(3, like=logits, specs=["fixed:temperature=0.1"]), key=keys(3))
    assert warm.token.tolist() == [7 if row[7] > row[4_900] else 4_900 for row in g]


def test_a_row_at_fault_has_no_token_and_the_others_theirs():
    logits = rows_of_every_kind(5, 5_000, seed=10)
    fine = gumbel_draw(logits, policies(5, like=logits), key=keys(5))
    logits[1, 4500], logits[2, 3], logits[3, :] = torch.nan, torch.inf, -torch.inf
    found = gumbel_draw(logits, policies(5, like=logits), key=keys(5))
    assert found.token.tolist() == [int(fine.token[0]), -1, -1, -1, int(fine.token[4])]
    assert found.entropy.isnan().tolist() == found.temperature.isnan().tolist() == [False, True, True, True, False]


def test_no_policy_is_hotter_than_its_bound():
    rows = rows_of_every_kind(70, 60, seed=6).double()
    given = {"first_entropy": 3.0, "running_entropy": 0.5, "prompt_entropy": 9.0, "draft_entropy": 1.0, "kl": 0.4}
    for kind in BOUNDED:
        names = {"t0": 1.3, "theta": 0.4, "temperature": 1.3, "low": 0.2, "high": 1.3}
        one = kind(**{name: value for name, value in names.items() if name in kind.__dataclass_fields__})
        t = reference.temperature(rows.numpy(), reference.mixture([one] * 70), **{n: np.full(70, v) for n, v in given.items()})
        bound = hottest(backend.mixture([one] * 70, like=rows), like=rows)
        assert (t <= bound.numpy() * (1 + 1e-12)).all(), one
        assert (bound <= 1.3 * (1 + 1e-12)).all(), one


def test_a_batch_is_a_loop_over_its_rows():
    logits, key = rows_of_every_kind(5, 4_500, seed=11), keys(5)
    whole = gumbel_draw(logits, policies(5, like=logits), key=torch.from_numpy(key.view(np.int64)))
    for row in range(5):
        alone = gumbel_draw(logits[row : row + 1], backend.mixture([policy(SPECS[row])], like=logits), key=key[row : row + 1])
        assert alone.token.tolist() == [int(whole.token[row])]
        assert alone.temperature.tolist() == [float(whole.temperature[row])]


def test_the_host_never_waits_for_the_device():
    logits, key = rows_of_every_kind(8, 300), torch.arange(8)
    mixture = policies(8, like=logits)
    with Waits() as waits:
        gumbel_draw(logits, mixture, key=key)
    assert waits.found == []


def test_what_it_refuses():
    logits = torch.zeros(1, 4)

    def refused(spec, match, **options):
        with pytest.raises(ValueError, match=match):
            gumbel_draw(logits, policies(1, like=logits, specs=[spec]), **({"key": keys(1)} | options))

    refused("scheduled", "policy scheduled has no known upper bound, which a draw in one pass needs: use draw", scheduled=[1.0])
    refused("edt:t0=1,theta=1", "filters must be none in a draw in one pass.*got top_p", filters=Filters.parse("top_p=0.9"))
    refused("edt:t0=1,theta=1", "key must hold one number a row: it holds 2 numbers, logits 1 rows", key=keys(2))
    refused(
        "edt:t0=1,theta=1", "key must be uint64 of NumPy or int64 of torch, as gumbel.noise_keys makes them, got torch.float32", key=[0.5]
    )
    refused("instance-edt:t0=1,theta=1", "instance-edt needs first_entropy")
    with pytest.raises(ValueError, match="policies must be one a row: 2 policies, logits 1 rows"):
        gumbel_draw(logits, policies(2, like=logits), key=keys(1))
