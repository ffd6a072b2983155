import subprocess
import sys

import pytest

from harness.errors import HarnessError
from harness.registry import Registry


def test_unknown_names_raise_with_the_nearest_known_one():
    things = Registry[int]("thing", "harness.nothing")
    things.add("retrieval")(1)
    with pytest.raises(HarnessError, match="unknown thing 'retreival': did you mean 'retrieval'"):
        things["retreival"]


def test_a_second_registration_raises():
    things = Registry[type]("thing", "harness.nothing")

    class One:
        pass

    class Two:
        pass

    things.add("x")(One)
    things.add("x")(One)
    with pytest.raises(HarnessError, match="registered twice"):
        things.add("x")(Two)


def test_what_is_not_asked_for_is_not_imported():
    code = (
        "import sys; from harness.models.base import MODELS; "
        "assert 'tiny' in MODELS and 'encoder' in list(MODELS); "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
