"""The bundled model's own training: corpus, tokenizer, model, loop."""
