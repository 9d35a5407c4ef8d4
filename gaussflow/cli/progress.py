"""A line on stderr that says what is going on, where somebody looks on."""

import sys
import threading
import time

#: Seconds between two pictures of the line.
TICK = 0.15
TURNING = "|/-\\"


class Progress:
    """Show the steps of a command, with their time, while they run.

    Nothing is written unless ``stream`` is a terminal, and nothing stays.

    Parameters
    ----------
    n_steps : int
        Steps of the command.
    stream : file or None, default=None
        Where to write; None takes stderr.

    Examples
    --------
    >>> from gaussflow.cli.progress import Progress
    >>> with Progress(2) as progress:
    ...     progress.step("learning")
    ...     progress.step("sampling")
    """

    def __init__(self, n_steps, stream=None):
        self.n_steps = n_steps
        self.stream = sys.stderr if stream is None else stream
        self.shown = bool(getattr(self.stream, "isatty", lambda: False)())
        self.done, self.text, self.start = 0, "", time.monotonic()
        self.finished = threading.Event()
        self.thread = threading.Thread(target=self._turn, daemon=True)

    def step(self, text):
        """Say which step begins."""
        self.done, self.text, self.start = self.done + 1, text, time.monotonic()

    def __enter__(self):
        """Begin to show."""
        if self.shown:
            self.thread.start()
        return self

    def __exit__(self, *exc):
        """Wipe the line."""
        if self.shown:
            self.finished.set()
            self.thread.join()
            self.stream.write("\r\033[K")
            self.stream.flush()

    def _turn(self):
        turn = 0
        while not self.finished.wait(TICK):
            bar = "#" * self.done + "." * (self.n_steps - self.done)
            seconds = time.monotonic() - self.start
            sign = TURNING[turn % len(TURNING)]
            self.stream.write(f"\r\033[K[{bar}] {self.text} {sign} {seconds:.0f} s")
            self.stream.flush()
            turn += 1
