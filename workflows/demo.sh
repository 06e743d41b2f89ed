#!/usr/bin/env bash
# make demo: the whole pipe on a simulated screen with known truth, then on the real one where it is found.
set -euo pipefail
cd "$(dirname "$0")/.."
workflows/install-dependencies.sh build
make -s -j"$(nproc)"
BUILD=${BUILD:-build}
export PATH=$PWD/$BUILD/bin:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# targets TABLE LABEL: cells, markers, mean score, share of strongly perturbed cells (score over 2) and reason of each target.
targets() {
	pmx-view --obs "$1" | awk -F'\t' -v key=gene_target -v control="$2" -v markers="$work/markers.tsv" '
		BEGIN { while ((getline line < markers) > 0) { split(line, f, "\t"); n_markers[f[1]] = f[2] } }
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ t = $at[key]; if (t == control) { controls++; next } cells[t]++; r = $at["mixscale_reason"]
		  if (r == "NA") { scored[t]++; sum[t] += $at["mixscale_score"]; strong[t] += $at["mixscale_score"] > 2 } else reason[t] = r
		  if ("true_efficacy" in at) truth[t] += $at["true_efficacy"] }
		END { printf "%-10s %6s %8s %11s %7s %s  %s\n", "target", "cells", "markers", "mean score", "strong", ("true_efficacy" in at ? "  true" : ""), "reason"
		  for (t in cells) { score = scored[t] ? sprintf("%.2f", sum[t] / scored[t]) : "-"; share = scored[t] ? sprintf("%.0f %%", 100 * strong[t] / scored[t]) : "-"
		    printf "%-10s %6d %8d %11s %7s %s  %s\n", t, cells[t], n_markers[t], score, share, ("true_efficacy" in at ? sprintf("%6.2f", truth[t] / cells[t]) : ""), reason[t] | "sort" }
		  close("sort"); printf "%d control cells\n", controls }'
}

# screen CONTROL: from a raw stream on stdin to scores, and the table.
screen() {
	normalize | pca --n-comps 15 | pert-signature --control "$1" --split-by replicate -o "$work/signature.pmx"
	de-markers --control "$1" "$work/signature.pmx" -o "$work/markers.pmx"
	pmx-view --obs "$work/markers.pmx" | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $at["target"] "\t" $at["n_markers"] }' >"$work/markers.tsv"
	mixscale -q --control "$1" --split-by replicate --markers "$work/markers.pmx" "$work/signature.pmx" -o "$work/scores.pmx"
	targets "$work/scores.pmx" "$1"
}

echo "A simulated screen: 20 targets, 3 replicates; every fifth target does nothing, the column 'true' is the mean of the simulated efficacy."
echo "  simulate-screen | normalize | pca | pert-signature | mixscale"
simulate-screen --cells 8000 --genes 1500 --targets 20 --controls 1200 --shuffle --seed 7 -o "$work/raw.pmx"
start=$SECONDS
screen NT <"$work/raw.pmx"
echo "how this was made:"
pmx-info "$work/scores.pmx" | sed -n '/^made by/,$p'
echo "$((SECONDS - start)) s"

data=${DATA:-../shared/data/papalexi_thp1}
if [ -e "$data" ]; then
	echo
	echo "A real screen: $data"
	start=$SECONDS
	pmx-import -q --obs "$data/obs.tsv" "$data" -o "$work/raw.pmx"
	screen non-targeting <"$work/raw.pmx"
	echo "$((SECONDS - start)) s"
else
	echo "(no real screen at $data; DATA=DIR names one: a 10x folder with obs.tsv that has gene_target and replicate)"
fi
