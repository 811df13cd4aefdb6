"""The stages of a training run, one file each; `training.run` has their order."""
