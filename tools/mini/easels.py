"""The pictures that the student is painting while it learns."""

import numpy as np


class Easels:
    """The pictures that the student is painting: each a transfer somewhere between two pictures.

    They start and end at different times, so that a batch holds every stage of a transfer.
    """

    def __init__(self, trainer, rng, draw, count, batch):
        self.trainer, self.rng, self.draw, self.batch = trainer, rng, draw, batch
        self.easels = []
        while len(self.easels) < count:
            self._begin(life=rng.integers(1, 200, batch))

    def _begin(self, life):
        content, style = (np.stack([self.draw() for _ in life]) for _ in range(2))
        targets = self.trainer.targets(content, style)
        student, teacher = ([t.numpy() for t in part] for part in targets)
        for i, steps in enumerate(life):
            noise = self.rng.uniform(0, 255, content[i].shape).astype(np.float32)
            share = self.rng.uniform(0.3, 1) if self.rng.random() < 0.2 else 0
            self.easels.append(
                {
                    "x": content[i] + np.float32(share) * (noise - content[i]),
                    "m": np.zeros_like(content[i]),
                    "v": np.zeros_like(content[i]),
                    "step": 0,
                    "life": int(steps),
                    "beta": np.float32(np.exp(self.rng.uniform(np.log(2), np.log(100)))),
                    "student": [t[i] for t in student],
                    "teacher": [t[i] for t in teacher],
                }
            )

    def take(self):
        """The next batch: (easels, pictures, the student's targets, the teacher's, β)."""
        taken, self.easels = self.easels[: self.batch], self.easels[self.batch :]
        return (
            taken,
            np.stack([e["x"] for e in taken]),
            [np.stack(t) for t in zip(*(e["student"] for e in taken), strict=True)],
            [np.stack(t) for t in zip(*(e["teacher"] for e in taken), strict=True)],
            np.stack([e["beta"] for e in taken]),
        )

    def put(self, taken, gradients):
        """One step of Adam on each picture; those at the end of their life make room."""
        for e, g in zip(taken, gradients, strict=True):
            e["step"] += 1
            e["m"] += 0.1 * (g - e["m"])
            e["v"] += 0.01 * (g * g - e["v"])
            m, v = e["m"] / (1 - 0.9 ** e["step"]), e["v"] / (1 - 0.99 ** e["step"])
            e["x"] = np.clip(e["x"] - 8 * m / (np.sqrt(v) + 1e-9), 0, 255)
        alive = [e for e in taken if e["step"] < e["life"]]
        self.easels += alive
        if len(taken) - len(alive):
            self._begin(life=self.rng.integers(50, 250, len(taken) - len(alive)))
