from importlib.metadata import version

import gaussflow


def test_installed_version_is_the_package_s():
    assert version("gaussflow") == gaussflow.__version__
