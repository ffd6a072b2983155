"""From examples to tokens, batches, outputs, spans and neighbours: arrays in, arrays out."""
