"""What lies between two samples: from the noise between their noises, and not from the mean of both.

"Interpolation quality" is one of the metrics of a generative diffusion model that the paper names (Table 1); it does not say
how to measure it. Here: two samples of one context begin at different noise and end as different decisions. From the noise
between both starts the model draws a third. A model that has learned the modes gives a good decision again, often one of the
two; the mean of the two decisions may be worth nothing.

    slerp(a, b, share) = (sin((1 - share) angle) a + sin(share angle) b) / sin(angle)
    quality = mean value of what lies between / mean value of both ends

Standard normal noise of n entries lies near a sphere of radius sqrt(n), and `slerp` stays there; a straight line passes inside,
where training has hardly been. So two starts of one norm give one of that norm.

Source: Shoemake 1985; between starts of a diffusion: Song et al. 2021, appendix D.5. The ratio is ours.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gdt_tutorial.configuration import require

__all__ = ["interpolation_quality", "slerp"]


def slerp(
    first: Float[Tensor, "batch feature"], second: Float[Tensor, "batch feature"], share: float
) -> Float[Tensor, "batch feature"]:
    """Return the vectors at a share of the arc between two, row by row.

    >>> slerp(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), 0.5)
    tensor([[0.7071, 0.7071]])

    Raises:
        ValueError: A share outside of [0, 1], or vectors that point into opposite directions or have no length.
    """
    require(0 <= share <= 1, "share", "lie in [0, 1]", share, "0 is the first, 1 the second")
    lengths = first.norm(dim=1) * second.norm(dim=1)
    cosine = (first * second).sum(dim=1) / lengths
    is_arc = bool((cosine > -0.999999).all())
    require(is_arc, "second", "not lie opposite to first, and both have a length", cosine.min().item(), "draw others")
    angle = cosine.clamp(max=1.0).acos()[:, None]
    is_apart = angle > 1e-3  # along a shorter arc a straight line is the same
    divisor = torch.where(is_apart, angle.sin(), 1.0)
    of_first = torch.where(is_apart, ((1 - share) * angle).sin() / divisor, 1 - share)
    of_second = torch.where(is_apart, (share * angle).sin() / divisor, share)
    return of_first * first + of_second * second


def interpolation_quality(
    between: Float[Tensor, " batch"], first: Float[Tensor, " batch"], second: Float[Tensor, " batch"]
) -> float:
    """Return the mean value of what lies between over the mean value of both ends.

    Args:
        between: Value of each decision from the noise between; 0 is worth nothing, more is better.
        first: Value of one end.
        second: Value of the other.

    Raises:
        ValueError: Ends that are worth nothing on the whole.
    """
    ends = float((first + second).mean()) / 2
    require(
        ends > 0, "values of the ends", "be above 0 in the mean", ends, "measure by something that is larger if better"
    )
    return float(between.mean()) / ends
