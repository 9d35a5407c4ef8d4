import pytest

from tests.tabular.frames import patients


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def table(here):
    patients(120).to_csv("patients.csv", index=False)
    return "patients.csv"
