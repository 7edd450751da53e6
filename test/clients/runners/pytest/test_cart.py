import os

import pytest


class TestCart:
    def test_adds(self):
        print("running in " + os.environ.get("TRACEPARENT", ""))
        assert 1 + 1 == 2

    def test_totals(self):
        assert {"total": 41} == {"total": 42}

    @pytest.mark.skip(reason="no carrier yet")
    def test_ships(self):
        pass


@pytest.fixture
def payment():
    raise TypeError("cannot be loaded")


def test_pays(payment):
    pass
