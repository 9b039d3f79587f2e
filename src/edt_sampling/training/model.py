"""The bundled model's architecture: a small Llama."""

from __future__ import annotations

from transformers import LlamaConfig, LlamaForCausalLM

CONTEXT = 1024
VOCABULARY = 4096


def new_model() -> LlamaForCausalLM:
    """5.8 million parameters, random: 6 layers of width 256, heads of 64 (the smallest that vLLM's kernels share with the rest)."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=256,
            intermediate_size=688,
            num_hidden_layers=6,
            num_attention_heads=4,
            num_key_value_heads=4,
            head_dim=64,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
            pad_token_id=0,
        )
    )
