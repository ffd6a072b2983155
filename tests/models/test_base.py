"""What the protocol's values say of themselves."""

import dataclasses
import re

from harness.models.base import TrainingSet


def test_a_training_set_documents_the_fields_that_it_has():
    documented = re.findall(r"^ {4,8}(\w+): ", TrainingSet.__doc__.split("Attributes:")[1], flags=re.MULTILINE)
    assert documented == [field.name for field in dataclasses.fields(TrainingSet)]
