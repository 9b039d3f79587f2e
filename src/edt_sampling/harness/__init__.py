"""lm-evaluation-harness: its generation tasks with our policies, and its policies beside each other on the same documents."""
