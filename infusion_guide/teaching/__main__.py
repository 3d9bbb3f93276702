"""`make teach`, see command.py."""

import sys

from infusion_guide.teaching.command import main

sys.exit(main())
