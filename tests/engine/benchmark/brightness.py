"""An inspector that compares mean brightness with the references, and nothing else."""

import numpy as np

from alignment.aligned import AlignedParts
from engine.report import Report
from features.parts import Parts

NO_PARTS = AlignedParts(
    Parts(np.full((2, 2), -1), np.zeros(0, dtype=bool)),
    class_of_part=np.zeros(0, dtype=int),
    cost=np.zeros(0),
    is_background_class=np.zeros(0, dtype=bool),
)


def make_report(image, total, threshold, scores):
    return Report(
        total=total,
        threshold=threshold,
        threshold_source="references",
        calibration="leave-one-out",
        scores=scores,
        normalised=scores,
        deviations=(),
        anomaly_map=np.zeros((2, 2)),
        missing_map=np.zeros((2, 2)),
        aligned=NO_PARTS,
        registered=image,
        nearest_reference=0,
        image_size=image.shape[:2],
        to_image=np.eye(3)[:2],
        seconds=0.0,
    )


class Brightness:
    """Total: distance of the mean brightness to that of the references."""

    n_fits = 0

    def fit(self, images):
        type(self).n_fits += 1
        self.mean_ = float(np.mean([image.mean() for image in images]))
        return self

    def inspect(self, image):
        far = abs(float(image.mean()) - self.mean_)
        scores = {"darkness": self.mean_ - float(image.mean()), "contrast": float(image.std())}
        return make_report(image, far, threshold=7.0, scores=scores)


class NoNumber(Brightness):
    """Gives no number for very dark images."""

    def inspect(self, image):
        report = super().inspect(image)
        if image.mean() > 30:
            return report
        return make_report(image, float("nan"), 7.0, {"darkness": float("nan"), "contrast": 0.0})


class Interrupted(Brightness):
    """Is stopped by the user in its third fit."""

    def fit(self, images):
        super().fit(images)
        if type(self).n_fits > 2:
            raise KeyboardInterrupt
        return self
