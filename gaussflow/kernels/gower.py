"""Nearest rows of mixed tables: Gower distances, by brute force that gives up early."""

from gaussflow.kernels._jit import jit


@jit
def nearest_two(numbers, codes, ref_numbers, ref_codes, distances, nearest):
    """Find the two smallest distances of each row to the reference rows.

    numbers : (n, p) ; ref_numbers : (m, p), scaled, finite
    codes : (n, q) ; ref_codes : (m, q), integers
    distances : (n, 2), written in place, inf where m is too small
    nearest : (n,), the index of the closest reference row, the first of equals

    The distance is the sum of |a - b| over numbers and of a != b over codes. A
    reference row is left as soon as it is farther than the second closest.
    """
    p, q = numbers.shape[1], codes.shape[1]
    for i in range(len(numbers)):
        first, second, at = float("inf"), float("inf"), -1
        for k in range(len(ref_numbers)):
            total = 0.0
            j = 0
            while j < q and total < second:
                if codes[i, j] != ref_codes[k, j]:
                    total += 1.0
                j += 1
            j = 0
            while j < p and total < second:
                total += abs(numbers[i, j] - ref_numbers[k, j])
                j += 1
            if total < first:
                first, second, at = total, first, k
            elif total < second:
                second = total
        distances[i, 0], distances[i, 1], nearest[i] = first, second, at
