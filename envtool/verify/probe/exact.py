"""Products of small integers, whose one right answer is known to the bit.

In float32, sums up to 2^24 are exact in any order. Freivalds' check (R. Freivalds, Probabilistic
machines can use less running time, IFIP 1977) covers the product as a whole.
"""

import math
from types import ModuleType

from .reporter import Answer, Tensor, describe

SEED = 2026
CHECKED_ROWS = 4
SIGN_VECTORS = 8


def switch_tf32_off(torch: ModuleType) -> Answer:
    """Switch TensorFloat-32 off, so that float32 means float32; return what it was and is."""
    matmul = getattr(getattr(torch.backends, "cuda", None), "matmul", None)
    try:
        was = getattr(matmul, "allow_tf32", None)
    except RuntimeError:
        was = True  # torch 2.9 refuses to read it where its newer flag says otherwise
    if was is None:
        return {"was": None, "is": None}  # torch below 1.7 never uses it
    matmul.allow_tf32 = False  # type: ignore[union-attr]
    # Read back: TORCH_ALLOW_TF32_CUBLAS_OVERRIDE can overrule us.
    return {"was": bool(was), "is": bool(getattr(matmul, "allow_tf32", None))}


def check_product(torch: ModuleType, device: str, dtype: Tensor, size: int, most: int) -> Answer:
    """Multiply two matrices of integers up to ``most`` in size and compare with the truth."""
    torch.manual_seed(SEED)
    left = torch.randint(-most, most + 1, (size, size), dtype=torch.int64)
    right = torch.randint(-most, most + 1, (size, size), dtype=torch.int64)
    a, b = left.to(dtype).to(device), right.to(dtype).to(device)
    first = torch.mm(a, b)
    # Integers leave no room for rounding: a repetition that differs is a fault of the device.
    is_repeatable = all(bool(torch.equal(torch.mm(a, b), first)) for _ in range(2))
    seen = first.cpu().double()
    rows = torch.randperm(size)[:CHECKED_ROWS]
    exact = torch.mm(left[rows], right).double()
    wrong = (seen[rows] != exact).double().sum().item()
    largest = float((seen[rows] - exact).abs().max().item())
    signs = (torch.randint(0, 2, (size, SIGN_VECTORS), dtype=torch.int64) * 2 - 1).double()
    # Every number below is an integer under 2^53, so float64 is exact here.
    truth = torch.mm(left.double(), torch.mm(right.double(), signs))
    wrong_rows = (torch.mm(seen, signs) != truth).double().max(1)[0].sum().item()
    return {
        "size": size,
        "rows": CHECKED_ROWS,
        "wrong_elements": int(wrong),
        "wrong_rows": int(wrong_rows),
        "largest_error": largest if math.isfinite(largest) else None,
        "is_repeatable": is_repeatable,
    }


def prove_dtype(torch: ModuleType, device: str, name: str, size: int) -> Answer:
    """Check products of one data type; what fails is part of the answer.

    No check and no error: this torch has no such product on this device.
    """
    result: Answer = {"dtype": name, "check": None, "error": None}
    dtype = getattr(torch, name, None)
    if dtype is None:
        return result
    try:
        # float32: sums within 2^24. float16 counts to 2048, and sums of 4096 products of
        # numbers up to 2 spread by 128. bfloat16: 256 products of numbers up to 1.
        most = {"float32": int(math.sqrt((1 << 24) // size)), "float16": 2}.get(name, 1)
        result["check"] = check_product(torch, device, dtype, size, most)
    except Exception as error:
        if "not implemented for" not in str(error):
            result["error"] = describe(error)
    return result


def prove_device(torch: ModuleType, device: str, most_rows: int) -> Answer:
    """Prove that one device multiplies matrices of up to ``most_rows`` rows."""
    tf32 = switch_tf32_off(torch)
    if device == "cpu":
        # bfloat16 counts to 256 without a gap, and many CPUs multiply it slowly.
        plan = [("float32", 512), ("bfloat16", 256)]
    else:
        memory_bytes = 4 << 30
        if device.startswith("cuda"):
            index = int(device.partition(":")[2])
            torch.cuda.set_device(index)
            memory_bytes = int(torch.cuda.get_device_properties(index).total_memory)
        # 512 output tiles of 128 x 256 reach every multiprocessor.
        size = min(4096 if memory_bytes >= 4 << 30 else 1024, most_rows)
        plan = [("float32", size), ("float16", size)]
    return {
        "device": device,
        "tf32": tf32,
        "products": [prove_dtype(torch, device, name, size) for name, size in plan],
    }
