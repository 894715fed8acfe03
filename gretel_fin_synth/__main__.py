"""``python -m gretel_fin_synth`` is the program ``gretel-fin-synth``."""

from gretel_fin_synth.cli import main

if __name__ == "__main__":
    main()
