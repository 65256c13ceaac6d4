"""The commands: one file per noun, each function a command. `trunkline/cli.py` names them all."""
