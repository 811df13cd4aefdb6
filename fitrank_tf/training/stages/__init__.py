"""The stages of a training run, one file each; `training.run` defines their order."""
