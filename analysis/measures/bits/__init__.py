"""Bits: what decides where a head looks, by the information in its attention between patches.

Notation: S source patches, P patches, m images. Only ``measured`` may import anything else of the
package, and torch: the server divides stored attention with the other modules.
"""
