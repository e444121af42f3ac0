"""`python -m tutor` is `docker-tutor`."""

from tutor.cli import main

raise SystemExit(main())
