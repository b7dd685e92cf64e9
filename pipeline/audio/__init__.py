"""From bytes to waves to mels: decoding, front ends, chunk arithmetic."""
