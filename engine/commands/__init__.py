"""What each command of ``partwise`` does; ``engine.cli`` says how it is called."""
