"""What a person sees of a run: its losses as they fall, on the terminal and for TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from vae.errors import OptionError
from vae.progress import progress_bar

#: Size of the plot [characters]; each holds 2 x 4 dots of the Braille patterns.
_WIDTH: Final = 64
_HEIGHT: Final = 10
#: Braille dot of each column and row of a character (Unicode 0x2800 block).
_DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
#: Points of the training curve that are drawn, at most: two a character.
_POINTS: Final = 2 * _WIDTH

Curve = Sequence[tuple[float, float]]


def draw_curves(training: Curve, held_out: Curve, total: int) -> Text:
    """Draw two loss curves, (update, loss) each, with characters.

    The training loss is dim, the held-out loss bright. The highest losses, those of the first updates, are cut off at
    the top, so that the rest of the run fills the plot.
    """
    losses = sorted(loss for _, loss in (*training, *held_out))
    if not losses:
        return Text("No loss yet")
    low, high = losses[0], losses[int(0.95 * (len(losses) - 1))]
    span = (high - low) or 1.0
    cells = [[(0, False)] * _WIDTH for _ in range(_HEIGHT)]
    for curve, bright in ((training, False), (held_out, True)):
        for update, loss in curve:
            x = min(int(update / max(total, 1) * 2 * _WIDTH), 2 * _WIDTH - 1)
            y = min(max(int((high - loss) / span * (4 * _HEIGHT - 1)), 0), 4 * _HEIGHT - 1)
            dots, lit = cells[y // 4][x // 2]
            cells[y // 4][x // 2] = dots | _DOTS[x % 2][y % 4], lit or bright
    text = Text()
    for number, row in enumerate(cells):
        scale = f"{high:10.1f} " if number == 0 else f"{low:10.1f} " if number == _HEIGHT - 1 else " " * 11
        text.append(scale, style="dim")
        for dots, lit in row:
            text.append(chr(0x2800 + dots) if dots else " ", style="bold cyan" if lit else "dim")
        text.append("\n")
    text.append(f"{'':11}loss of a spectrum, median, in nats: training (dim), held out (bright)", style="dim")
    return text


class Monitor:
    """Shows a run while it lasts; made by `monitor`.

    Parameters
    ----------
    total : int
        Updates of the run.
    progress : rich.progress.Progress
    live : rich.live.Live, optional
        The display on a terminal.
    console : rich.console.Console, optional
        Where lines go that are not a terminal's.
    writer : SummaryWriter, optional
        Of TensorBoard.
    """

    def __init__(
        self, total: int, progress: Any, live: Live | None = None, console: Console | None = None, writer: Any = None
    ) -> None:
        self._total, self._progress, self._live, self._console, self._writer = total, progress, live, console, writer
        self._task = progress.add_task("Training", total=total)
        self._every = max(1, total // _POINTS)
        self._training: list[tuple[float, float]] = []
        self._held_out: list[tuple[float, float]] = []

    def start(self, update: int, history: Sequence[Mapping[str, float]]) -> None:
        """Go on from an update, with what was seen before it."""
        self._training = [(entry["update"], entry["training"]) for entry in history if "training" in entry]
        self._held_out = [(entry["update"], entry["median"]) for entry in history]
        self._progress.update(self._task, completed=update)

    def trained(self, update: int, loss: float) -> None:
        """Take in the loss of a batch."""
        self._progress.update(self._task, completed=update)
        if update % self._every == 0:
            self._training.append((update, loss))
            self._redraw()
            if self._writer is not None:
                self._writer.add_scalar("loss/training_batch", loss, update)

    def evaluated(self, entry: Mapping[str, float]) -> None:
        """Take in an entry of the history."""
        self._held_out.append((entry["update"], entry["median"]))
        self._redraw()
        if self._writer is not None:
            for name in ("training", "median", "trimmed_mean", "mean", "kl"):
                group = "loss" if name == "training" else "held_out"
                self._writer.add_scalar(f"{group}/{name}", entry[name], entry["update"])
            self._writer.flush()
        if self._console is not None:
            task = self._progress.tasks[0]
            speed = f"{task.speed:.3g} updates/s" if task.speed else "-"
            left = f"{task.time_remaining:.0f} s left" if task.time_remaining else "-"
            self._console.print(
                f"update {entry['update']} of {self._total}: training {entry['training']:.2f}, "
                f"held out {entry['median']:.2f}, {speed}, {left}",
                highlight=False,
                soft_wrap=True,
            )

    def _redraw(self) -> None:
        if self._live is not None:
            self._live.update(Group(draw_curves(self._training, self._held_out, self._total), self._progress))


@contextmanager
def monitor(total: int, *, quiet: bool, tensorboard: Path | None = None) -> Iterator[Monitor]:
    """Show a run: a live plot on a terminal, a line an evaluation elsewhere, nothing where it shall be quiet.

    Parameters
    ----------
    total : int
        Updates of the run.
    quiet : bool
    tensorboard : Path, optional
        Folder to write the losses to for TensorBoard.

    Raises
    ------
    OptionError
        When TensorBoard is asked for and not installed.
    """
    writer = None if tensorboard is None else _writer(tensorboard)
    progress = progress_bar(quiet=quiet)
    console = Console(stderr=True)
    try:
        if quiet:
            yield Monitor(total, progress, writer=writer)
        elif console.is_terminal:
            with Live(progress, console=console, refresh_per_second=4) as live:
                yield Monitor(total, progress, live, writer=writer)
        else:
            yield Monitor(total, progress, console=console, writer=writer)
    finally:
        if writer is not None:
            writer.close()


def _writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # an extra: few have it
    except ImportError as error:
        raise OptionError(
            f"--tensorboard {folder}: TensorBoard is not installed",
            todo="pip install 'xmm-latent-explorer[tensorboard]'",
        ) from error
    return SummaryWriter(str(folder))
