"""The command line of partwise: one module for each command or group of commands."""
