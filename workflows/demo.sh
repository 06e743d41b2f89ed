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

# drugs TABLE: for every target the planted reversers' ranks, the worst of them, and how many of the last are mimics.
drugs() {
	awk -F'\t' -v truth="$work/sim/truth.tsv" '
		BEGIN { while ((getline line < truth) > 0) { split(line, f, "\t"); if (!h++) { for (i in f) at[f[i]] = i } else effect[f[at["target"]], f[at["compound"]]] = f[at["effect"]] } }
		NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		{ t = $c["target"]; n[t]++; e = effect[t, $c["compound"]]; compounds[t, n[t]] = e
		  if (e == "reverse") { reversers[t]++; worst[t] = n[t]; significant[t] += $c["q_value"] < 0.05 } else if (e == "mimic") mimics[t]++ }
		END { printf "%-10s %9s %10s %12s %7s %11s\n", "target", "reversers", "worst rank", "q below 0.05", "mimics", "among last"
		  for (t in n) { last = 0; for (i = n[t] - mimics[t] + 1; i <= n[t]; i++) last += compounds[t, i] == "mimic"
		    printf "%-10s %9d %10d %12d %7d %11d\n", t, reversers[t], worst[t], significant[t], mimics[t], last | "sort" } }' "$1"
}

echo
echo "Drugs for simulated populations: of 60 compounds in 3 cell lines some reverse a population's state and some mimic it."
echo "  pmx-import cells.h5ad | normalize | target-signature | rank"
start=$SECONDS
simulate-signatures -q --targets 4 --compounds 60 --cell-lines 3 --genes 600 --seed 7 --out-dir "$work/sim"
pmx-export -q --to h5ad --layers counts "$work/sim/cells.pmx" -o "$work/cells.h5ad"
reference-build -q "$work/sim/reference.pmx" -o "$work/lincs.pmx"
pmx-import -q "$work/cells.h5ad" | normalize | target-signature -q --group-key cell_type --case-key condition --case case --reference ctrl --sample-key donor |
	rank -q --reference "$work/lincs.pmx" --aggregate compound --permutations 200 --top-k 0 -o "$work/drugs.tsv"
drugs "$work/drugs.tsv"
echo "$((SECONDS - start)) s"

plate=${PLATE:-../shared/data/l1000_plate_cpc006_a375_6h} query=${QUERY:-../shared/data/l1000_tsa_mcf7/tsa_mcf7_symbols.tsv}
if [ -e "$plate" ] && [ -e "$query" ]; then
	echo
	echo "A real plate of 355 wells (A375) and trichostatin A in another cell line (MCF7): its strongest mimics should be inhibitors of histone deacetylases."
	start=$SECONDS
	reference-build -q --sig-info "$plate/col_meta.tsv" "$plate/robust_z_symbols.tsv.gz" -o "$work/plate.pmx"
	target-signature -q --weights "$query" |
		rank -q --reference "$work/plate.pmx" --n-genes 50 --want mimic --permutations 2000 --top-k 6 | cut -f2-4,10,13,14 | column -t -s "$(printf '\t')"
	echo "$((SECONDS - start)) s"
else
	echo "(no real plate at $plate with a query at $query; PLATE=DIR and QUERY=FILE name them)"
fi
