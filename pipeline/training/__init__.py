"""Learning: tasks, the order of tracks, augmentation, recipes, and the loop. Pure torch."""
