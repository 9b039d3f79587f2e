"""How sure: what can be said of a mean over prompts, and of the difference between two.

The prompt is the unit of everything here. Outputs of one prompt resemble each other, so they are averaged first (or carried
along as columns) and prompts are resampled, permuted and counted; treating K outputs as K prompts would make errors too small.
"""
