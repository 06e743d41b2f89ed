"""mix.py TABLE: the table with its rows and columns in another order, always the same one."""
import random, sys

rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
draw = random.Random(5)
columns = [0] + draw.sample(range(1, len(rows[0])), len(rows[0]) - 1)
for row in [rows[0]] + draw.sample(rows[1:], len(rows) - 1):
    print("\t".join(row[c] for c in columns))
