"""Training: the rollout loop, run folders, options, and the runner of a study's conditions."""
