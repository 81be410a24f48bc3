"""`python -m LNN.experiments`: list, run, table, plot, collect, search."""

from LNN.experiments.commands import main

if __name__ == "__main__":
    raise SystemExit(main())
