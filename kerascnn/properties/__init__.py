"""What can be measured on any trained network. Importing it does not load Keras."""

from typing import TYPE_CHECKING

from kerascnn.lazy import public

if TYPE_CHECKING:
    from kerascnn.properties.activations import LayerActivations as LayerActivations
    from kerascnn.properties.activations import activation_statistics as activation_statistics
    from kerascnn.properties.activations import dead_filters as dead_filters
    from kerascnn.properties.consistency import ShiftConsistency as ShiftConsistency
    from kerascnn.properties.consistency import shift_consistency as shift_consistency
    from kerascnn.properties.equivariance import equivariance_error as equivariance_error
    from kerascnn.properties.gradients import GradientNorm as GradientNorm
    from kerascnn.properties.gradients import gradient_norms as gradient_norms
    from kerascnn.properties.invariance import InvarianceCurve as InvarianceCurve
    from kerascnn.properties.invariance import invariance_curve as invariance_curve
    from kerascnn.properties.invariance import transformed as transformed
    from kerascnn.properties.receptive_field import (
        EffectiveReceptiveField as EffectiveReceptiveField,
    )
    from kerascnn.properties.receptive_field import (
        effective_receptive_field as effective_receptive_field,
    )

_WHERE = {
    "EffectiveReceptiveField": "receptive_field",
    "GradientNorm": "gradients",
    "InvarianceCurve": "invariance",
    "LayerActivations": "activations",
    "ShiftConsistency": "consistency",
    "activation_statistics": "activations",
    "dead_filters": "activations",
    "effective_receptive_field": "receptive_field",
    "equivariance_error": "equivariance",
    "gradient_norms": "gradients",
    "invariance_curve": "invariance",
    "shift_consistency": "consistency",
    "transformed": "invariance",
}

__getattr__, __dir__, __all__ = public(globals(), _WHERE)
