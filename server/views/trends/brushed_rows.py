"""How much of each class is brushed."""

import numpy as np

from headbrush.server.session.session import Session
from headbrush.server.stores.trends.questions import known_labels


def brushed_share(session: Session, classes: np.ndarray) -> np.ndarray:
    """``(n,)`` in [0, 1]: the share of the images of these classes that are brushed.

    0 while all images are, and for classes without images.
    """
    brush, label = session.brush(), known_labels(session.data)
    count = len(session.data.class_names)
    total = np.bincount(label[label >= 0], minlength=count)
    brushed = np.bincount(label[(label >= 0) & brush.images], minlength=count)
    return (not brush.images.all()) * (brushed / np.maximum(total, 1))[classes]
