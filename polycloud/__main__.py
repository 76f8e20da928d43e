"""``python -m polycloud`` is the command line."""

from polycloud.app.cli.main import main

if __name__ == "__main__":
    main()
