"""The matrices of one data type: views of two flat buffers, inputs random, results behind."""

import time
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from .device import Device, Kind
from .reporter import Tensor
from .shapes import Shape

ALIGNMENT = 256
CHUNK = 1 << 24


class Operands(NamedTuple):
    """One product: both matrices as stored, the right one as multiplied, the result."""

    left: Tensor
    stored: Tensor
    right: Tensor
    out: Tensor
    is_nt: bool


class Budget:
    """Time, watched at every step."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._end = now() + seconds

    def left_s(self) -> float:
        """Return the seconds left; less than nothing when it is over."""
        return self._end - self._now()

    def has_time(self) -> bool:
        """Whether there is any left."""
        return self.left_s() > 0

    def part(self, seconds: float) -> "Budget":
        """Return a budget of its own that ends no later than this one."""
        return Budget(min(seconds, self.left_s()), self._now)


def _align(count: int, item_bytes: int) -> int:
    step = ALIGNMENT // item_bytes
    return -(-count // step) * step


def inputs_of(shape: Shape, kind: Kind) -> int:
    """Return how many elements both inputs of a product take."""
    sizes = (shape.m * shape.k, shape.n * shape.k)
    return sum(_align(size, kind.item_bytes) for size in sizes)


def outputs_of(shape: Shape, kind: Kind) -> int:
    """Return how many elements its result takes."""
    return _align(shape.m * shape.n, kind.out_bytes)


def bytes_of(shape: Shape, kind: Kind) -> int:
    """Return what one product takes in all."""
    out = outputs_of(shape, kind) * kind.out_bytes
    return inputs_of(shape, kind) * kind.item_bytes + out


def fit_shapes(shapes: Sequence[Shape], kind: Kind, most_bytes: int) -> List[Shape]:
    """Return the shapes of which two products fit, in buffers that are large enough for all."""
    fitting: List[Shape] = []
    inputs = outputs = 0
    for shape in shapes:
        most_inputs = max(inputs, 2 * inputs_of(shape, kind) * kind.item_bytes)
        most_outputs = max(outputs, 2 * outputs_of(shape, kind) * kind.out_bytes)
        if most_inputs + most_outputs <= most_bytes:
            inputs, outputs = most_inputs, most_outputs
            fitting.append(shape)
    return fitting


class Multiplier:
    """Multiplies in one data type on one device."""

    def __init__(self, device: Device, kind: Kind) -> None:
        self.device, self.kind = device, kind
        self._torch = device.torch
        self._scale = None
        if kind.name == "float8":
            self._scale = self._torch.ones(1, dtype=self._torch.float32, device=device.name)

    def __call__(self, one: Operands) -> None:
        """Tell the device to make one product."""
        if self._scale is None:
            self._torch.mm(one.left, one.right, out=one.out)
            return
        self._torch._scaled_mm(  # noqa: SLF001 - torch's only float8 product; guarded by its caller
            one.left,
            one.right,
            scale_a=self._scale,
            scale_b=self._scale,
            out_dtype=self.kind.out,
            out=one.out,
        )


class Buffers:
    """Two flat buffers of one data type, and the products that are views of them."""

    def __init__(self, device: Device, kind: Kind, shapes: List[Shape], most_bytes: int) -> None:
        """Take as much as the largest of the shapes needs twice, at most ``most_bytes``."""
        self.device, self.kind = device, kind
        self.shapes = fit_shapes(shapes, kind, most_bytes)
        needed = self.shapes or [Shape(256, 256, 256)]
        self._inputs = 2 * max(inputs_of(shape, kind) for shape in needed)
        self._outputs = 2 * max(outputs_of(shape, kind) for shape in needed)
        self._input = device.empty(self._inputs, kind.dtype)
        self._output = device.empty(self._outputs, kind.out)
        fill_random(device, self._input)
        self._output.zero_()
        self._views: Dict[Tuple[Shape, int], List[Operands]] = {}

    def views(self, shape: Shape, least_bytes: int = 0) -> List[Operands]:
        """Return products of a shape, none of which shares memory with another: two or more.

        Args:
            shape: Of the products.
            least_bytes: What they should cover together, so that no cache holds them.
        """
        key = (shape, least_bytes)
        if key not in self._views:
            self._views[key] = self._make_views(shape, least_bytes)
        return self._views[key]

    def _make_views(self, shape: Shape, least_bytes: int) -> List[Operands]:
        inputs, outputs = inputs_of(shape, self.kind), outputs_of(shape, self.kind)
        fitting = min(self._inputs // inputs, self._outputs // outputs)
        count = min(fitting, max(2, -(-least_bytes // bytes_of(shape, self.kind))))
        return [
            view_operands(shape, self._input, number * inputs, self._output, number * outputs)
            for number in range(count)
        ]

    def fill_integers(self, one: Operands, shape: Shape) -> None:
        """Write integers whose product is exact in this data type."""
        fill_integers(self.device, self.kind, one, shape.k)


def view_operands(
    shape: Shape, inputs: Tensor, offset: int, outputs: Tensor, out_offset: int
) -> Operands:
    """Return one product as views of two flat buffers."""
    m, n, k = shape.m, shape.n, shape.k
    step = _align(m * k, inputs.element_size())
    left = inputs[offset : offset + m * k].view(m, k)
    flat = inputs[offset + step : offset + step + n * k]
    is_nt = shape.layout == "nt"
    stored = flat.view(n, k) if is_nt else flat.view(k, n)
    right = stored.t() if is_nt else stored
    out = outputs[out_offset : out_offset + m * n].view(m, n)
    return Operands(left, stored, right, out, is_nt)


def fill_random(device: Device, flat: Tensor) -> None:
    """Write random normal numbers: zeros and small integers let a GPU run faster than work does."""
    torch = device.torch
    for start in range(0, flat.numel(), CHUNK):
        part = flat[start : start + CHUNK]
        part.copy_(torch.randn(part.numel(), device=device.name))


def choose_integers(kind: Kind, k: int) -> Tuple[int, float]:
    """Return how large integers may be, and how many of them may be other than zero.

    No sum of k products may be rounded, in any order: a float counts without a gap to 2^24 in
    float32, 2048 in float16, 256 in bfloat16. Of the last two, a bound that holds always would
    leave only zeros: the sums stay within eight standard deviations, which a random walk leaves
    less than once in 10^14 elements.
    """
    if kind.out_bytes == 4:  # noqa: PLR2004 - float32 and tf32, whose inputs have 11 bits
        return max(1, min(1024, int(((1 << 24) / k) ** 0.5))), 1.0
    reach = 2048 if kind.name == "float16" else 256
    # Numbers up to 2 have a variance of 2, those up to 1 of 2/3, and a product that of both.
    if kind.name == "float16" and 8 * 2 * k**0.5 <= reach:
        return 2, 1.0
    return 1, min(1.0, (reach / 8) ** 2 / (4 / 9 * k))


def fill_integers(device: Device, kind: Kind, one: Operands, k: int) -> None:
    """Write integers of which no product of that length can be rounded."""
    torch = device.torch
    most, density = choose_integers(kind, k)
    for matrix in (one.left, one.stored):
        flat = matrix.view(-1)
        for start in range(0, flat.numel(), CHUNK):
            part = flat[start : start + CHUNK]
            count = part.numel()
            drawn = torch.rand(count, device=device.name).mul_(2 * most + 1).floor_().sub_(most)
            # rand() rounds up to 1 once in a while in some versions.
            drawn.clamp_(-most, most)
            if density < 1:
                drawn.mul_((torch.rand(count, device=device.name) < density**0.5).float())
            part.copy_(drawn)


class Repeats:
    """The same product, made again and again over the run, in the same place."""

    def __init__(self, device: Device, kind: Kind, shape: Shape) -> None:
        self._device, self._kind = device, kind
        inputs = device.empty(inputs_of(shape, kind), kind.dtype)
        outputs = device.empty(2 * outputs_of(shape, kind), kind.out)
        fill_random(device, inputs)
        self._one = view_operands(shape, inputs, 0, outputs, 0)
        kept = view_operands(shape, inputs, 0, outputs, outputs_of(shape, kind))
        self._multiply = Multiplier(device, kind)
        self.made, self.differing = 0, 0
        with device.precision(kind):
            self._multiply(self._one)
        self._first = kept.out.copy_(self._one.out)

    def again(self, times: int) -> None:
        """Make it again, and compare the bits."""
        torch = self._device.torch
        for _ in range(times):
            self._one.out.zero_()
            with self._device.precision(self._kind):
                self._multiply(self._one)
            self.made += 1
            self.differing += not bool(torch.equal(self._one.out, self._first))


def is_unsupported(error: BaseException) -> bool:
    """Say whether torch has no such product here; else something is wrong."""
    text = str(error)
    if isinstance(error, (NotImplementedError, AttributeError, TypeError)):
        return True
    signs = ("not implemented for", "only supported", "NOT_SUPPORTED", "not supported")
    return any(sign in text for sign in signs)
