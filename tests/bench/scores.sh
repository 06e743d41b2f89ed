# From h5ad to scores: each tool by itself, then the pipe, against pertpy's three steps.
source "$(dirname "$0")/lib.bash"
screen
measure import i.pmx "pmx-import '$raw.h5ad' -o i.pmx"
measure normalize n.pmx "normalize i.pmx -o n.pmx"
measure pca p.pmx "pca n.pmx -o p.pmx"
measure sort s.pmx "pmx-sort --by gene_target --first NT p.pmx -o s.pmx"
measure pert-signature g.pmx "pert-signature ${label[*]} s.pmx -o g.pmx"
measure mixscale m.pmx "mixscale -q ${label[*]} g.pmx -o m.pmx"
measure pipe scores.pmx "pmx-import '$raw.h5ad' | normalize | pca | pmx-sort --by gene_target --first NT | \
	pert-signature ${label[*]} | mixscale -q ${label[*]} -o scores.pmx"
# The score looks at 15 components; pertpy computes 50 by default.
measure pipe_15 scores.pmx "pmx-import '$raw.h5ad' | normalize | pca --n-comps 15 | pmx-sort --by gene_target --first NT | \
	pert-signature ${label[*]} | mixscale -q ${label[*]} -o scores.pmx"
if peer pertpy mixscale; then
	note 'times faster than pertpy (wall)' "$peer_wall / $wall_pipe"
	note 'times faster than pertpy with 15 components (wall)' "$peer_wall / $wall_pipe_15"
	note 'times less CPU than pertpy' "$peer_cpu / $cpu_pipe"
fi
