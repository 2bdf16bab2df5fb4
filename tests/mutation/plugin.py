"""What makes a mutant's short run of pytest quick; loaded by `[tool.mutmut]` in `pyproject.toml`.

Each run is a fork of a process that has loaded this and collected the tests.
"""

import torch._dynamo  # noqa: F401  what torch would import at its first optimizer, in every fork
from hypothesis import Phase, settings

# A counterexample is enough: nobody looks at the smallest one.
settings.register_profile("mutants", phases=(Phase.explicit, Phase.generate))
settings.load_profile("mutants")
