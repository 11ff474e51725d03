"""``python -m engine`` is ``partwise``."""

from engine.cli import main

if __name__ == "__main__":
    main()
