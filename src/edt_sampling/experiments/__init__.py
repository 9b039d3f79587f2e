"""Does it help on this model and task: recipe -> plan -> run -> store -> summary."""
