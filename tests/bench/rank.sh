# A query of 10,000 signatures x 978 against scperturb-cmap's library call and numpy; 720,000 signatures (SCALE of both): every method once, warm
# and cold, and 64 queries in one call.
source "$(dirname "$0")/lib.bash"

# reference N: NAME.pmx of about N simulated signatures over 978 genes in ref.pmx, its targets beside it, one of them in one.pmx.
reference() {
	rm -rf sim ref.pmx
	simulate-signatures -q --targets 64 --compounds $(($1 / 4)) --cell-lines 4 --genes 978 --cells 1 --seed 3 --out-dir sim
	measure "reference-build $1" ref.pmx "reference-build -q --memory 1G sim/reference.pmx -o ref.pmx"
	pmx-select --where 'target = state0001' sim/targets.pmx -o one.pmx
}

# Out of the system's cache of files.
forget() {
	python3 -c 'import os, sys; f = os.open(sys.argv[1], os.O_RDONLY); os.fsync(f); os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)' "$1"
}

# peers JOB PACKAGE...: rows of the other programs; the seconds and the peak MiB of the last one stay in peer_wall and peer_peak.
peers() {
	local job=$1 python log=$work/peer.tsv
	shift
	[ "$PEERS" = yes ] || { echo "$name: PEERS=$PEERS, so there is no comparison with $job" >&2; return 1; }
	python=$(python_with "$@") || { echo "$name: $job cannot be installed here; no comparison" >&2; return 1; }
	"$python" "$bench/rank_peer.py" "$job" wide.tsv target.tsv >"$log" 2>"$log.err" ||
		{ echo "$name: $job does not run here ($(tail -n 1 "$log.err")); no comparison" >&2; return 1; }
	sed "s/^/$name\t$job /" "$log"
	peer_wall=$(tail -n 1 "$log" | cut -f 2)
	peer_peak=$(tail -n 1 "$log" | cut -f 4)
}

small=$(scaled 10000 400)
reference "$small"
measure ensemble - "rank -q --method ensemble --reference ref.pmx one.pmx >/dev/null"
measure spearman - "rank -q --method spearman --reference ref.pmx one.pmx >/dev/null"
# The file is mapped, so the peak counts it; what the process itself holds is the rest.
peak=$(cut -f 3 <<<"$(python3 "$bench/measure.py" - "rank -q --method ensemble --reference ref.pmx one.pmx >/dev/null")")
pmx-export --to tsv sim/reference.pmx -o wide.tsv
pmx-export --to tsv one.pmx | awk -F '\t' '{ for (i = 1; i <= NF; i++) x[NR, i] = $i } END { for (i = 1; i <= NF; i++) print (i == 1 ? "gene" : x[1, i]) "\t" x[2, i] }' >target.tsv
if peers scperturb-cmap scperturb-cmap==0.2.0; then
	note 'times faster than scperturb-cmap (process against call)' "$peer_wall / ($wall_ensemble > 0.01 ? $wall_ensemble : 0.01)"
	note 'times less memory, the mapped reference counted' "$peer_peak / $peak"
fi
if peers numpy numpy pandas; then
	note 'times faster than pandas (spearman)' "$peer_wall / ($wall_spearman > 0.01 ? $wall_spearman : 0.01)"
fi

large=$(scaled 720000 4000)
reference "$large"
rm -f sim/reference.pmx
for method in wtcs cosine pearson spearman gsea xsum zhang ensemble rges lamb; do
	forget ref.pmx
	measure "$method cold" - "rank -q --method $method --reference ref.pmx one.pmx >/dev/null"
	measure "$method warm" - "rank -q --method $method --reference ref.pmx one.pmx >/dev/null"
done
measure '64 queries, first' - "rank -q --reference ref.pmx sim/targets.pmx >/dev/null"
measure '64 queries, warm' - "rank -q --reference ref.pmx sim/targets.pmx >/dev/null"
