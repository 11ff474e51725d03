"""How does a job learn a model from references?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.settings import read_config
from engine.editing import leave_one_out_totals
from engine.inspector import Inspector
from engine.reference_checks import check_references
from engine.station.photographs import read_photograph

if TYPE_CHECKING:
    from engine.station.doing import Order


def fit(order: Order) -> dict[str, Any]:
    """Fit and save; returns where the model is, and what a person should know of it.

    The total of a reference is that which the others give it, or for a single one the mean of its
    altered copies.
    """
    spec = order.job.spec
    references = spec["references"]
    images = []
    for done, each in enumerate(references):
        order.tell("reading", done, len(references))
        images.append(read_photograph(Path(each["path"]), each["name"], order.limits))
    names = [each["name"] for each in references]
    warnings = check_references(images, names)
    inspector = Inspector(read_config(spec["config"], spec["profile"]))
    inspector.fit(images, names=names, progress=order.tell)
    path = order.places.models / f"{spec['name']}.pw"
    inspector.save(path)
    return {
        "model": str(path),
        "references": [
            {"name": name, "total": total}
            for name, total in zip(inspector.names_, leave_one_out_totals(inspector), strict=True)
        ],
        "threshold": inspector.threshold_,
        "threshold_source": inspector.threshold_source_,
        "calibration": inspector.calibration_,
        "classes": list(inspector.class_names_),
        "warnings": [asdict(each) for each in warnings],
    }
