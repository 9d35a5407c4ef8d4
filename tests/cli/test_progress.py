import io
import time

from gaussflow.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_to_a_terminal_only_and_wiped():
    seen, unseen = Terminal(), io.StringIO()
    for stream in (seen, unseen):
        with Progress(2, stream) as progress:
            progress.step("learning")
            time.sleep(0.4 if stream is seen else 0)
    assert unseen.getvalue() == ""
    assert "[#.] learning" in seen.getvalue()
    assert seen.getvalue().endswith("\r\033[K")
