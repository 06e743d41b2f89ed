# Peak memory of pert-signature and mixscale with more and more cells and the same controls.
source "$(dirname "$0")/lib.bash"
for cells in 50000 100000 200000; do
	n=$(scaled $cells 4000)
	simulate-screen --cells "$n" --genes 2000 --targets $((n / 200)) --controls "$(scaled 5000 400)" --seed 1 |
		normalize | pca --n-comps 15 --tolerance 1e-6 | pmx-sort --by gene_target --first NT -o s.pmx
	measure "pert-signature $n cells" g.pmx "pert-signature ${label[*]} s.pmx -o g.pmx"
	measure "mixscale $n cells" m.pmx "mixscale -q ${label[*]} g.pmx -o m.pmx"
done
