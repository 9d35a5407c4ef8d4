from gaussflow import cli


def files(folder):
    return sorted(p.name for p in folder.iterdir())


def refused(capsys, *argv):
    """Run, expect exit code 2 and one line on stderr; return that line."""
    assert cli.main(list(argv)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def lines(*texts):
    return "\n".join([*texts, ""]).encode()
