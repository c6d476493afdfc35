"""The recipe as published (Tian Yifan 2020), and its experiments: who is trained how often, and how fast.

Binary cross-entropy, Adam at 2e-4 for the generator and 5e-5 for the discriminator, batches of 128. The source trains
one of the two five times as often, both as often at one rate, and the discriminator at a quarter of the rate; and
proposes rates that change with the game. Here the one who wins learns the more slowly the more it wins.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sketch_robot.characters.monitor import BestSamples, Monitor, SampleQuality, note_look
from sketch_robot.characters.network import Discriminator, Generator, first_weights
from sketch_robot.characters.pictures import CharacterPictures
from sketch_robot.files import write_whole
from sketch_robot.training.run import TrainingRun

if TYPE_CHECKING:
    from sketch_robot.characters.board import CharacterBoard

FAIR = math.log(2.0)  # a discriminator's cross-entropy where it cannot tell
TABLE_FILE = 'experiments.json'
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishedOptions:
    """How to train.

    Attributes:
        width, latent: see `Generator`; 64 and 100 as published.
        steps: batches in all.
        batch: pictures in one.
        generator_rate, discriminator_rate: Adam's.
        generator_every, discriminator_every: who is trained only in each so-manieth step.
        dynamic: whether the discriminator's rate follows the game, see `dynamic_rate`.
        seed: of weights, batches and noise.
        save_every, log_every, look_every: steps.
    """

    width: int = 64
    latent: int = 100
    steps: int = 30_000
    batch: int = 128
    generator_rate: float = 2e-4
    discriminator_rate: float = 5e-5
    generator_every: int = 1
    discriminator_every: int = 1
    dynamic: bool = False
    seed: int = 0
    save_every: int = 200
    log_every: int = 20
    look_every: int = 100


SAME_RATE = 2e-4
EXPERIMENTS: dict[str, dict[str, Any]] = {
    '5:1': {'discriminator_every': 5, 'discriminator_rate': SAME_RATE},
    '1:5': {'generator_every': 5, 'discriminator_rate': SAME_RATE},
    '1:1': {'discriminator_rate': SAME_RATE},
    '1:1, slower discriminator': {},
    '1:1, dynamic rates': {'discriminator_rate': SAME_RATE, 'dynamic': True},
}


class PublishedRun(TrainingRun):
    """One run in its folder; over when it has collapsed.

    Args:
        folder: of the run; gone on with when it has a checkpoint.
        pictures: what to learn from.
        options: how.
        device: where.
        monitor: looks at what is made.
        board: where samples are shown.

    Raises:
        SketchRobotError: BAD_GOAL, the folder's checkpoint is of another run, or is none.
    """

    other_run = 'is of a run with other pictures or options; choose another folder, or those'

    def __init__(
        self,
        folder: Path,
        pictures: CharacterPictures,
        options: PublishedOptions,
        *,
        device: str = 'cpu',
        monitor: Monitor | None = None,
        board: CharacterBoard | None = None,
    ) -> None:
        super().__init__(folder, steps=options.steps, save_every=options.save_every, log_every=options.log_every)
        self.pictures, self.options, self.device = pictures, options, torch.device(device)
        self.monitor, self.board, self.best = monitor, board, BestSamples()
        torch.manual_seed(options.seed)
        self.generator = Generator(options.latent, options.width, pictures.channels)
        self.discriminator = Discriminator(options.width, pictures.channels)
        self.nets: dict[str, nn.Module] = {'generator': self.generator, 'discriminator': self.discriminator}
        for net in self.nets.values():
            first_weights(net)
            net.to(self.device)
        rates = {'generator': options.generator_rate, 'discriminator': options.discriminator_rate}
        self.optimisers = {
            name: torch.optim.Adam(net.parameters(), lr=rates[name], betas=(0.5, 0.999))
            for name, net in self.nets.items()
        }
        self._told = FAIR  # the discriminator's last cross-entropies, averaged
        self._real = torch.from_numpy(pictures.train).to(self.device)
        self.resume()

    def train_step(self) -> dict[str, Tensor | float]:
        """One batch for whoever's turn it is."""
        o = self.options
        random = torch.Generator().manual_seed((o.seed << 32) + self.step)
        picked = torch.randint(len(self._real), (o.batch,), generator=random)
        pictures = 2 * (self._real[picked.to(self.device)].float() / 255) - 1
        made = self.generator(torch.randn(o.batch, o.latent, generator=random).to(self.device))
        cross = functional.binary_cross_entropy_with_logits
        losses: dict[str, Tensor | float] = {}
        if self.step % o.discriminator_every == 0:
            if o.dynamic:
                _set_rate(self.optimisers['discriminator'], dynamic_rate(o.discriminator_rate, self._told))
            real, fake = self.discriminator(pictures), self.discriminator(made.detach())
            told = 0.5 * (cross(real, torch.ones_like(real)) + cross(fake, torch.zeros_like(fake)))
            self._learn('discriminator', told)
            losses['told'] = telling = float(told.detach())
            self._told = 0.9 * self._told + 0.1 * telling
        if self.step % o.generator_every == 0:
            self.discriminator.requires_grad_(False)
            judged = self.discriminator(made)
            passed = cross(judged, torch.ones_like(judged))
            self._learn('generator', passed)
            self.discriminator.requires_grad_(True)
            losses['passed'] = float(passed.detach())
        if (self.step + 1) % o.look_every == 0:
            self.look()
        shown = {'told': self._told, 'passed': 0.0, **losses}
        return {'loss': sum(shown.values()), **shown}

    def _learn(self, name: str, loss: Tensor) -> None:
        self.optimisers[name].zero_grad()
        loss.backward()
        self.optimisers[name].step()

    @torch.no_grad()
    def samples(self, count: int) -> Tensor:
        """Pictures (count, C, 96, 96) in [0, 1], always of the same noise."""
        noise = torch.randn(count, self.options.latent, generator=torch.Generator().manual_seed(self.options.seed))
        self.generator.eval()
        made = [self.generator(part) for part in noise.to(self.device).split(self.options.batch)]
        self.generator.train()
        return (torch.cat(made) + 1) / 2

    def look(self) -> SampleQuality | None:
        """Look at what is made; None without a monitor."""
        made = self.samples(len(self.pictures.held_out))
        if self.board is not None:
            self.board.sampled(self.step, made[:48])
        if self.monitor is None:
            return None
        found = self.monitor.look(made)
        note_look(self.folder, self.step + 1, found)
        self.best.take(self.step + 1, found, self.generator.state_dict())
        if self.board is not None:
            self.board.looked(self.step + 1, found)
        return found

    @property
    def share_done(self) -> float:
        """How much of the run is done: all, once it has collapsed."""
        return 1.0 if self.best.collapsed_at else super().share_done

    def logged(self, entry: dict[str, float]) -> None:
        """Show losses."""
        if self.board is not None:
            self.board.logged(entry)

    def rates(self) -> dict[str, float]:
        """The discriminator's, which may change."""
        return {'rate': self.optimisers['discriminator'].param_groups[0]['lr']}

    def state(self) -> dict[str, Any]:
        """Networks and optimisers."""
        return {
            **{name: net.state_dict() for name, net in self.nets.items()},
            'told': self._told,
            'best': self.best.state(),
            'optimisers': {name: each.state_dict() for name, each in self.optimisers.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take on what `state` gave."""
        for name, net in self.nets.items():
            net.load_state_dict(state[name])
            self.optimisers[name].load_state_dict(state['optimisers'][name])
        self._told = state['told']
        self.best.restore(state['best'])

    def identity(self) -> str:
        """Options and pictures; it may be given more steps."""
        kept = {
            name: value
            for name, value in asdict(self.options).items()
            if not name.endswith('_every') or name in ('generator_every', 'discriminator_every')
        }
        kept.pop('steps')
        return json.dumps({'options': kept, 'pictures': self.pictures.digest}, sort_keys=True)


def dynamic_rate(rate: float, told: float) -> float:
    """The discriminator's rate: its own where it can tell as little as by chance, less the more it can.

    Args:
        rate: its own.
        told: its cross-entropy; ln 2 is chance, 0 is certainty.
    """
    return rate * min(1.0, max(0.05, told / FAIR))


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group['lr'] = rate


def run_experiments(
    folder: Path,
    pictures: CharacterPictures,
    options: PublishedOptions,
    *,
    names: Sequence[str] = tuple(EXPERIMENTS),
    device: str = 'cpu',
    monitor: Monitor | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> list[dict[str, Any]]:
    """Repeat the source's experiments, a run each, and write `experiments.json`.

    Args:
        folder: of the runs; old ones are gone on with.
        pictures, options, device, monitor: see `PublishedRun`.
        names: of `EXPERIMENTS`, which to run.
        stop: whether to end between steps.

    Returns:
        a row an experiment: steps made, where it collapsed (0: it has not), the best look's step and distance, and the
        mean losses of the first and the last logged entry.

    Raises:
        SketchRobotError: BAD_GOAL, a file cannot be written.
    """
    from sketch_robot.characters.board import CharacterBoard

    rows: list[dict[str, Any]] = []
    for name in names:
        place = folder / ''.join(letter if letter.isalnum() else '_' for letter in name)
        board = CharacterBoard(place)
        run = PublishedRun(
            place, pictures, replace(options, **EXPERIMENTS[name]), device=device, monitor=monitor, board=board
        )
        entries = run.run(stop=stop)
        board.close()
        rows.append(
            {
                'name': name,
                'steps': run.step,
                'collapsed_at': run.best.collapsed_at,
                'best_step': run.best.step,
                'best_distance': run.best.distance if math.isfinite(run.best.distance) else None,
                'told': [entry['told'] for entry in (*entries[:1], *entries[-1:])],
                'passed': [entry['passed'] for entry in (*entries[:1], *entries[-1:])],
            }
        )
        _log.info('%s: %s', name, rows[-1])
        write_whole(folder / TABLE_FILE, json.dumps(rows, indent=1).encode())
        if stop():
            break
    return rows
