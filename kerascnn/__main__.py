"""`python -m kerascnn` is the command line."""

from kerascnn.cli.main import main

if __name__ == "__main__":
    main()
