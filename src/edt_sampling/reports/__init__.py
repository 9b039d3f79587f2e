"""Tables and plots of a run, drawn from its store alone."""
