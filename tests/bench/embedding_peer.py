"""embedding_peer.py FOLDER BATCH EPOCHS THREADS: trains the network of embed-train with torch on targets.tsv, reference.tsv and
pairs.tsv of the folder, and prints the median seconds of a step."""
import csv, statistics, sys, time
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

folder, batch, epochs, threads = sys.argv[1], *map(int, sys.argv[2:])
torch.set_num_threads(threads)
torch.manual_seed(1)


def table(name):
    rows = list(csv.reader(open(f"{folder}/{name}.tsv"), delimiter="\t"))[1:]
    x = np.array([r[1:] for r in rows], dtype=np.float32)
    return {r[0]: i for i, r in enumerate(rows)}, torch.from_numpy((x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True))


def tower(d):
    return nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 64))


(target, x), (signature, y) = table("targets"), table("reference")
compound = {name.split(":")[0]: i for name, i in signature.items()}
pairs = torch.tensor([(target[r["target"]], compound[r["compound"]]) for r in csv.DictReader(open(f"{folder}/pairs.tsv"), delimiter="\t") if r["label"] == "1"])
known = torch.zeros(len(target), len(signature), dtype=torch.bool)
known[pairs[:, 0], pairs[:, 1]] = True
state, drug = tower(x.shape[1]), tower(x.shape[1])
parameters = list(state.parameters()) + list(drug.parameters())
optimiser = torch.optim.AdamW(parameters, lr=3e-3, weight_decay=0.01)
seconds = []
for epoch in range(epochs):
    for chosen in pairs[torch.randperm(len(pairs))].split(batch):
        begin = time.perf_counter()
        t, c = chosen[:, 0], chosen[:, 1]
        logits = F.normalize(state(x[t]), dim=1) @ F.normalize(drug(-y[c]), dim=1).T / 0.1
        exclude = known[t][:, c] | (t[:, None] == t) | (c[:, None] == c)
        exclude.fill_diagonal_(False)
        logits = logits.masked_fill(exclude, float("-inf"))
        own = torch.arange(len(chosen))
        loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        seconds.append(time.perf_counter() - begin)
print(statistics.median(seconds))
