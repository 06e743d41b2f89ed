"""r_permutations.py SEED ITERATIONS PROGRAM ROWS COLUMNS [PROGRAM ROWS COLUMNS ...]: the permutations that R 3.6 and later draws after
set.seed(SEED) by apply(matrix, 2, sample), again for each program: a table of program, iteration, row, places (from 1).

Mersenne twister, seeded by 50 and 625 steps of a linear congruence; sample() by rejection of 16-bit words."""
import random, sys


class Draw:
    def __init__(self, seed):
        for _ in range(50):
            seed = (69069 * seed + 1) % 2**32
        state = []
        for _ in range(625):
            seed = (69069 * seed + 1) % 2**32
            state.append(seed)
        self.twister = random.Random()
        self.twister.setstate((3, tuple(state[1:]) + (624,), None))

    def below(self, n):
        bits = (n - 1).bit_length()
        while True:
            v = 0
            for _ in range(bits // 16 + 1):
                v = v << 16 | self.twister.getrandbits(32) >> 16
            v &= (1 << bits) - 1
            if v < n:
                return v

    def permutation(self, n):
        left, out = list(range(1, n + 1)), []
        while left:
            j = self.below(len(left))
            out.append(left[j])
            left[j] = left[-1]
            left.pop()
        return out


seed, iterations = int(sys.argv[1]), int(sys.argv[2])
programs = [(sys.argv[i], int(sys.argv[i + 1]), int(sys.argv[i + 2])) for i in range(3, len(sys.argv), 3)]
most = max(n for _, _, n in programs)
print("program", "iteration", "row", *(f"member{k + 1}" for k in range(most)), sep="\t")
for name, rows, columns in programs:
    draw = Draw(seed)
    for it in range(iterations):
        place = [draw.permutation(rows) for _ in range(columns)]
        for i in range(rows):
            print(name, it + 1, i + 1, *(p[i] for p in place), *["NA"] * (most - columns), sep="\t")
