"""Limits of what is computed in float32, inside other engines."""

HOTTEST = 1e30
"""A temperature above this one is taken as it: the inverse of ``contract.HOTTEST`` is 0 in float32, and -inf times 0 would be NaN."""
FAINTEST = -87.0
"""exp(FAINTEST) is the smallest normal float32: below it an exponential is slow, and weighs nothing."""
