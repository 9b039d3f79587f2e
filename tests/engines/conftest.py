"""Two small random models of different architectures, sharp enough to have confident steps, and a tokenizer for both."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

torch.set_num_threads(1)
END = "<|end|>"


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """Bytes as tokens, and an end token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={END: 0, **{c: i + 1 for i, c in enumerate(alphabet)}}, merges=[]))
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    inner.add_special_tokens([END])
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=END, pad_token=END)


def sharpened(model: PreTrainedModel, scale: float) -> PreTrainedModel:
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(scale)
    return model.eval()


def new_llama(seed: int = 0) -> PreTrainedModel:
    """Grouped queries: four heads over two of keys and values."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=257, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=256, eos_token_id=0, bos_token_id=None, pad_token_id=0, tie_word_embeddings=False,
    )  # fmt: skip
    return sharpened(LlamaForCausalLM(config), 25)


def new_gpt2(seed: int = 0) -> PreTrainedModel:
    """Learned absolute positions: a wrong position id changes everything."""
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=257, n_embd=64, n_layer=2, n_head=4, n_positions=256, eos_token_id=0, bos_token_id=0, tie_word_embeddings=False
    )
    return sharpened(GPT2LMHeadModel(config), 15)


@pytest.fixture(params=["llama", "gpt2"])
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    return {"llama": new_llama, "gpt2": new_gpt2}[request.param]()


@pytest.fixture
def llama() -> PreTrainedModel:
    return new_llama()
