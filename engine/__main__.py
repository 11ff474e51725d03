"""``python -m engine`` is ``partwise``."""

from engine.cli.main import main

if __name__ == "__main__":
    main()
