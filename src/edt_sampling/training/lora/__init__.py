"""LoRA fine-tuning of any causal language model on any task that has a train split."""
