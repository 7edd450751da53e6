import subprocess

import pytest


class TestCart:
    def test_adds(self):
        print(subprocess.check_output(["sh", "-c", 'echo "running in $TRACEPARENT"'], text=True))
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
