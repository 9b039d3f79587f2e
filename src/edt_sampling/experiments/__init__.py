"""Does it help on this model and task: recipe -> stages -> store -> findings."""
