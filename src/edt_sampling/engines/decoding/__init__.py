"""Decoding with any library that turns tokens into logits: what engines share."""
