"""Tables and pages of a run, drawn from its findings alone."""
