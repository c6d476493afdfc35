"""Learn a generator of characters on two cores, in four phases, and go on after an interruption.

Plain adversarial training gives noise in the time that two cores have. So the generator first learns to repeat pictures
from what an encoder says of them (Kingma & Welling 2014), which takes a third of the work and cannot collapse. Then a
flow learns where among all latent vectors those of pictures lie (Lipman et al. 2023), so that noise becomes a likely
one. Then generator and discriminator play their game (Goodfellow et al. 2014) from there, as VAE-GAN does (Larsen et
al. 2016): hinge loss and spectral normalisation (Miyato et al. 2018), fading noise (Sonderby et al. 2017), small shifts
(Zhao et al. 2020), a running average of the weights. Last, a small net learns to tell repeated pictures from made-up
ones, by which bad ones are thrown away (Azadi et al. 2019). Both are the generator's, so that it looks at what they
show and not at the generator's hand.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sketch_robot.characters.monitor import BestSamples, Monitor, note_look
from sketch_robot.characters.network import Discriminator, Generator, LatentFlow, RealismNet
from sketch_robot.characters.pictures import SIDE_PX, CharacterPictures
from sketch_robot.training.run import RunningAverage, TrainingRun

if TYPE_CHECKING:
    from sketch_robot.characters.board import CharacterBoard

Phase = Literal['encode', 'flow', 'game', 'realism']
PHASES: tuple[Phase, ...] = ('encode', 'flow', 'game', 'realism')
FLOW_BATCH = 256
FLOW_STEPS = 8  # of Heun's method from noise to a latent vector
DETAIL, DETAIL_PX = 16.0, 2.0  # weight of thin lines, and the blur that tells them
RARE = 0.1  # of the pixels' range: a pixel that differs so little from its median counts twice as much as one of 0.3
LEAST_LOG, MOST_LOG = -10.0, 4.0  # of a posterior's variance
WARM_UP = 100  # steps over which the first rate rises
SHIFT_PX = 4
LOOKED_AT = 512  # made pictures
SHOWN = 48
REALISM_NOISE = 0.1  # against telling by anything finer than lines


@dataclass(frozen=True)
class CharacterOptions:
    """How to learn.

    Attributes:
        width: of the generator, the discriminator and the encoder before or after their outermost layer; 64 published.
        latent: length of a latent vector.
        encode, flow, game, realism: steps of each phase.
        batch: pictures in a step.
        encode_rate, flow_rate, generator_rate, discriminator_rate, realism_rate: of Adam in each phase.
        narrow: weight of the divergence of posteriors from N(0, 1), in nats for each nat of a picture.
        narrow_steps, narrow_late: for how many steps, and its value then: small things, as mouths, were left out.
        faithful: weight of the pictures' repetition during the game.
        noise: standard deviation of what is added before the discriminator; it is gone after half of the game.
        average: decay of the running average of the generator's weights, which is what is kept.
        seed: of weights, batches and noise.
        save_every, log_every, look_every: steps; looks are taken during the game.
    """

    width: int = 32
    latent: int = 64
    encode: int = 2600
    flow: int = 10000
    game: int = 200
    realism: int = 600
    batch: int = 64
    encode_rate: float = 1.4e-3
    flow_rate: float = 1e-3
    generator_rate: float = 2e-4
    discriminator_rate: float = 4e-4
    realism_rate: float = 1e-3
    narrow: float = 2.0
    narrow_steps: int = 1400
    narrow_late: float = 0.2
    faithful: float = 20.0
    noise: float = 0.1
    average: float = 0.99
    seed: int = 0
    save_every: int = 200
    log_every: int = 20
    look_every: int = 100

    @property
    def steps(self) -> int:
        """Of all phases."""
        return self.encode + self.flow + self.game + self.realism


class CharacterRun(TrainingRun):
    """One run in its folder.

    Args:
        folder: of the run; gone on with when it has a checkpoint.
        pictures: what to learn from.
        options: how.
        device: where.
        monitor: looks at what is made, so that the best is kept; None: the last is.
        board: where samples are shown.

    Raises:
        SketchRobotError: BAD_GOAL, the folder's checkpoint is of another run, or is none.
    """

    other_run = 'is of a run with other pictures or options; choose another folder, or those'

    def __init__(
        self,
        folder: Path,
        pictures: CharacterPictures,
        options: CharacterOptions,
        *,
        device: str = 'cpu',
        monitor: Monitor | None = None,
        board: CharacterBoard | None = None,
    ) -> None:
        super().__init__(folder, steps=options.steps, save_every=options.save_every, log_every=options.log_every)
        self.pictures, self.options, self.device = pictures, options, torch.device(device)
        self.monitor, self.board = monitor, board
        self.best = BestSamples()
        torch.manual_seed(options.seed)
        channels, width = pictures.channels, options.width
        self.generator = Generator(options.latent, width, channels)
        self.encoder = Discriminator(width, channels, outputs=2 * options.latent)
        self.flow = LatentFlow(options.latent)
        self.discriminator = Discriminator(width, channels, spectral=True)
        self.realism = RealismNet(channels)
        self.nets: dict[str, nn.Module] = {
            'generator': self.generator,
            'encoder': self.encoder,
            'flow': self.flow,
            'discriminator': self.discriminator,
            'realism': self.realism,
        }
        for net in self.nets.values():
            net.to(self.device)
        self.average = RunningAverage(self.generator, options.average)
        o = options
        self.optimisers = {
            'encode': _adam([self.generator, self.encoder], o.encode_rate, (0.5, 0.99)),
            'flow': _adam([self.flow], o.flow_rate, (0.9, 0.99)),
            'generator': _adam([self.generator], o.generator_rate, (0.0, 0.9)),
            'discriminator': _adam([self.discriminator], o.discriminator_rate, (0.0, 0.9)),
            'realism': _adam([self.realism], o.realism_rate, (0.9, 0.99)),
        }
        self._real = torch.from_numpy(pictures.train).to(self.device)
        self._rare = rarity(self._real)
        self._codes: Codes | None = None
        self._kept: Generator | None = None
        self.resume()

    # ------------------------------------------------------------- a step
    def phase(self) -> tuple[Phase, int, int]:
        """What the next step belongs to, which of its steps it is, and of how many."""
        first = 0
        for name in PHASES:
            count = int(getattr(self.options, name))
            if self.step < first + count:
                return name, self.step - first, count
            first += count
        return PHASES[-1], int(self.options.realism), int(self.options.realism)

    def train_step(self) -> dict[str, Tensor]:
        """One step of the phase; a game that has collapsed is over."""
        name, index, count = self.phase()
        if name == 'game' and self.best.collapsed_at:
            self.step += count - index
            name, index, count = self.phase()
        steps: dict[Phase, Callable[[int, float], dict[str, Tensor]]] = {
            'encode': self._encode,
            'flow': self._learn_flow,
            'game': self._play,
            'realism': self._learn_realism,
        }
        return steps[name](index, index / count)

    def _encode(self, index: int, share: float) -> dict[str, Tensor]:
        o, random = self.options, self._random()
        rate = o.encode_rate * min(1.0, (index + 1) / WARM_UP) * falling(share)
        pictures, _ = self._batch(random)
        mean, log = self.encoder(2 * pictures - 1).chunk(2, 1)
        log = log.clamp(LEAST_LOG, MOST_LOG)
        latent = mean + self._noise(mean.shape, random) * (log / 2).exp()
        repeated = self._repetition(self.generator.logits(latent), pictures)
        narrow = 0.5 * (mean.square() + log.exp() - log - 1).sum(1).mean()
        weight = o.narrow if index < o.narrow_steps else o.narrow_late
        loss = repeated + weight * narrow / pictures[0].numel()
        self._learn('encode', loss, rate)
        self.average.update(self.generator, self.step)
        return {'loss': loss, 'repetition': repeated, 'nats': narrow}

    def _learn_flow(self, index: int, share: float) -> dict[str, Tensor]:
        random, codes = self._random(), self.codes()
        picked = torch.randint(len(self._real), (FLOW_BATCH,), generator=random)
        wanted = codes.drawn(picked, self._noise((FLOW_BATCH, self.options.latent), random), normal=True)
        noise = self._noise(wanted.shape, random)
        time = torch.rand(FLOW_BATCH, 1, generator=random).to(self.device)
        loss = (self.flow(noise + time * (wanted - noise), time) - (wanted - noise)).square().mean()
        self._learn('flow', loss, self.options.flow_rate * min(1.0, (index + 1) / WARM_UP) * falling(share))
        return {'loss': loss}

    def _play(self, index: int, share: float) -> dict[str, Tensor]:
        o, random, codes = self.options, self._random(), self.codes()
        if index == 0:
            self.generator.load_state_dict(self.average.values)
            self._look()  # a game that makes nothing better is left out
        pictures, picked = self._batch(random)
        latent = codes.drawn(picked, self._noise((o.batch, o.latent), random))
        with torch.no_grad():
            likely = self.likely(self._noise((o.batch, o.latent), random))
        logits = self.generator.logits(torch.cat([latent, likely]))
        made = logits.tanh()
        hidden = self._hiding(random, share)
        fakes = torch.cat([made[o.batch :], made[: o.batch // 2]]).detach()
        real, fake = self.discriminator(hidden(2 * pictures - 1)), self.discriminator(hidden(fakes))
        told = functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()
        late = min(1.0, 2 * (1 - share))
        self._learn('discriminator', told, o.discriminator_rate * late)
        repeated = self._repetition(logits[: o.batch], pictures)
        self.discriminator.requires_grad_(False)
        passed = -self.discriminator(hidden(made[o.batch :])).mean()
        self.discriminator.requires_grad_(True)
        loss = passed + o.faithful * repeated
        self._learn('generator', loss, o.generator_rate * late)
        self.average.update(self.generator, self.step)
        if (index + 1) % o.look_every == 0:
            self._look()
        return {'loss': loss, 'repetition': repeated, 'told': told, 'real': real.mean(), 'fake': fake.mean()}

    def _learn_realism(self, index: int, share: float) -> dict[str, Tensor]:
        o, random = self.options, self._random()
        if index == 0:
            self.average.values = dict(self.best.values or self.average.values)
            self._kept = None
        picked = torch.randint(len(self._real), (o.batch,), generator=random)
        codes = self.codes().drawn(picked, self._noise((o.batch, o.latent), random))
        with torch.no_grad():
            seen = self.kept()(torch.cat([codes, self.likely(self._noise((o.batch, o.latent), random))]))
        parts, whole = self.realism(seen + REALISM_NOISE * self._noise(seen.shape, random))
        wanted = (torch.arange(2 * o.batch, device=self.device) < o.batch).float()
        cross = functional.binary_cross_entropy_with_logits
        loss = cross(parts, wanted[:, None].expand_as(parts)) + cross(whole, wanted)
        self._learn('realism', loss, o.realism_rate * falling(share))
        return {'loss': loss, 'right': ((whole > 0) == (wanted > 0.5)).float().mean()}

    def number(self, loss: Tensor | float) -> float:
        """A loss as it is logged."""
        return float(loss.detach() if isinstance(loss, Tensor) else loss)

    # ------------------------------------------------------------- what steps share
    def _random(self) -> torch.Generator:
        """The random numbers of this step."""
        return torch.Generator().manual_seed((self.options.seed << 32) + self.step)

    def _noise(self, shape: Sequence[int], random: torch.Generator) -> Tensor:
        return torch.randn(*shape, generator=random).to(self.device)

    def _batch(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pictures (B, C, 96, 96) in [0, 1], and which they are."""
        picked = torch.randint(len(self._real), (self.options.batch,), generator=random)
        return self._real[picked.to(self.device)].float() / 255, picked

    def _repetition(self, logits: Tensor, pictures: Tensor) -> Tensor:
        """Cross-entropy of what was made; thin lines, and what is seldom there, count more than wide areas."""
        cross = functional.binary_cross_entropy_with_logits(2 * logits, pictures, reduction='none')
        return (cross * self._rare * detail(pictures)).mean()

    def _hiding(self, random: torch.Generator, share: float) -> Callable[[Tensor], Tensor]:
        """What pictures go through before they are judged: a shift, the same for all, and noise that fades."""
        top, left = torch.randint(2 * SHIFT_PX + 1, (2,), generator=random).tolist()
        spread = self.options.noise * max(0.0, 1 - 2 * share)

        def hidden(pictures: Tensor) -> Tensor:
            padded = functional.pad(pictures, (SHIFT_PX,) * 4, mode='replicate')
            moved = padded[:, :, top : top + SIDE_PX, left : left + SIDE_PX]
            return moved + spread * self._noise(moved.shape, random) if spread else moved

        return hidden

    def _learn(self, name: str, loss: Tensor, rate: float) -> None:
        optimiser = self.optimisers[name]
        for group in optimiser.param_groups:
            group['lr'] = rate
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def codes(self) -> Codes:
        """What the encoder says of all pictures, once it has learned."""
        if self._codes is None:
            self._codes = encoded(self.encoder, self._real)
        return self._codes

    def likely(self, noise: Tensor) -> Tensor:
        """Latent vectors (N, L) of noise (N, L)."""
        return self.codes().placed(self.flow.transport(noise, FLOW_STEPS))

    def kept(self) -> Generator:
        """The generator that is kept: its running average, in evaluation mode."""
        if self._kept is None:
            self._kept = copy.deepcopy(self.generator)
            self._kept.load_state_dict(self.average.values)
            self._kept.eval().requires_grad_(False)
        return self._kept

    # ------------------------------------------------------------- looking
    @torch.no_grad()
    def samples(self, count: int) -> Tensor:
        """Pictures (count, C, 96, 96) in [0, 1] of the running average, always of the same noise."""
        noise = torch.randn(count, self.options.latent, generator=torch.Generator().manual_seed(self.options.seed))
        self._kept = None
        made = [self.kept()(self.likely(part)) for part in noise.to(self.device).split(self.options.batch)]
        return (torch.cat(made) + 1) / 2

    def _look(self) -> None:
        """Look at what is made, and keep it when it is the best so far."""
        made = self.samples(LOOKED_AT)
        if self.board is not None:
            self.board.sampled(self.step, made[:SHOWN])
        if self.monitor is None:
            return
        look = self.monitor.look(made)
        note_look(self.folder, self.step, look)
        self.best.take(self.step, look, self.average.values)
        if self.board is not None:
            self.board.looked(self.step, look)

    def logged(self, entry: dict[str, float]) -> None:
        """Show losses."""
        if self.board is not None:
            self.board.logged(entry)

    # ------------------------------------------------------------- keeping
    def state(self) -> dict[str, Any]:
        """Networks, optimisers and the running average."""
        return {
            **{name: net.state_dict() for name, net in self.nets.items()},
            'average': self.average.values,
            'best': self.best.state(),
            'optimisers': {name: each.state_dict() for name, each in self.optimisers.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take on what `state` gave."""
        for name, net in self.nets.items():
            net.load_state_dict(state[name])
        for name, each in self.optimisers.items():
            each.load_state_dict(state['optimisers'][name])
        self.average.values = {name: value.to(self.device) for name, value in state['average'].items()}
        self.best.restore(state['best'])

    def identity(self) -> str:
        """Options and pictures."""
        kept = {name: value for name, value in asdict(self.options).items() if not name.endswith('_every')}
        return json.dumps({'options': kept, 'pictures': self.pictures.digest}, sort_keys=True)


@dataclass(frozen=True, eq=False)
class Codes:
    """What an encoder says of N pictures.

    Attributes:
        mean, spread: (N, L), of each picture's posterior.
        middle, scale: (L,), mean and standard deviation over all of them.
    """

    mean: Tensor
    spread: Tensor
    middle: Tensor
    scale: Tensor

    def drawn(self, picked: Tensor, noise: Tensor, *, normal: bool = False) -> Tensor:
        """Latent vectors of some pictures, (B, L); `normal`: with mean 0 and deviation 1 over all."""
        where = picked.to(self.mean.device)
        latent = self.mean[where] + self.spread[where] * noise
        return (latent - self.middle) / self.scale if normal else latent

    def placed(self, normal: Tensor) -> Tensor:
        """Latent vectors of normal ones."""
        return self.middle + self.scale * normal


@torch.no_grad()
def encoded(encoder: nn.Module, pictures: Tensor, batch: int = 256) -> Codes:
    """Encode pictures (N, C, 96, 96) uint8."""
    encoder.eval()
    seen = torch.cat([encoder(2 * (part.float() / 255) - 1) for part in pictures.split(batch)])
    mean, log = seen.chunk(2, 1)
    spread = (log.clamp(LEAST_LOG, MOST_LOG) / 2).exp()
    return Codes(mean, spread, mean.mean(0), (mean.var(0) + spread.square().mean(0)).sqrt())


def falling(share: float) -> float:
    """A factor of the rate that falls along a cosine from 1 to 0.03."""
    return 0.03 + 0.97 * 0.5 * (1.0 + math.cos(math.pi * share))


def detail(pictures: Tensor) -> Tensor:
    """Weights (N, 1, H, W) of pictures (N, C, H, W) in [0, 1]: 1 where they are plain, about 5 on thin lines."""
    size = 2 * round(2 * DETAIL_PX) + 1
    line = torch.from_numpy(np.asarray(cv2.getGaussianKernel(size, DETAIL_PX), np.float32)[:, 0]).to(pictures.device)
    grey = pictures.mean(1, keepdim=True)

    def blur(x: Tensor) -> Tensor:
        x = functional.pad(x, (size // 2,) * 4, mode='replicate')
        return functional.conv2d(functional.conv2d(x, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))

    return 1 + DETAIL * blur((grey - blur(grey)).abs())


@torch.no_grad()
def rarity(pictures: Tensor, most: int = 2048) -> Tensor:
    """Weights (1, 1, H, W), 1 on average, of pixels: the more, the seldomer a pixel differs from its median."""
    some = pictures[:: max(1, len(pictures) // most)].float() / 255
    middle = some.median(0, keepdim=True).values
    weight = 1 / ((some - middle).abs().mean((0, 1)) + RARE)
    return (weight / weight.mean())[None, None]


def _adam(nets: Sequence[nn.Module], rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
    return torch.optim.Adam([each for net in nets for each in net.parameters()], lr=rate, betas=betas)
