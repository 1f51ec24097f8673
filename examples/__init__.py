"""Worked examples: each a declaration, a map, the proof, and claims with numbers."""
