# Training of the shared embedding, a step at two sizes of the batch and a whole process, against torch.
source "$(dirname "$0")/lib.bash"
threads=$(nproc)
unset OMP_WAIT_POLICY
genes=978 pairs=2048
simulate-signatures --nonlinear --targets 683 --compounds 300 --cell-lines 1 --genes $genes --cells 1 --seed 3 --out-dir sim
train="embed-train -q -r sim/reference.pmx --pairs sim/pairs.tsv --test 0 --validation 0 --gene-dropout 0 -t $threads -o model sim/targets.pmx"
for batch in 32 512; do
	few=2 many=$((batch == 32 ? 32 : 102))
	measure "$batch few" model "$train -b $batch --epochs $few"
	measure "$batch many" model "$train -b $batch --epochs $many"
	steps=$(((many - few) * (pairs + batch) / batch))
	eval "ours=\"(\$wall_${batch}_many - \$wall_${batch}_few) / $steps\""
	note "ms a step of $batch pairs" "1000 * $ours"
	eval "step_$batch=\"$ours\""
done
measure whole model "$train -b 32 --epochs 20"
[ "$PEERS" = yes ] || { echo "$name: PEERS=$PEERS, so there is no comparison with torch" >&2; exit 0; }
python=$(python_with torch numpy) || { echo "$name: torch cannot be installed here; no comparison" >&2; exit 0; }
pmx-export --to tsv sim/targets.pmx -o sim/targets.tsv
pmx-export --to tsv sim/reference.pmx -o sim/reference.tsv
for batch in 32 512; do
	theirs=$("$python" "$bench/embedding_peer.py" sim $batch 4 "$threads")
	note "ms a step of $batch pairs, torch" "1000 * $theirs"
	eval "ours=\$step_$batch"
	note "times faster a step of $batch pairs" "$theirs / ($ours)"
done
measure 'torch whole' - "'$python' '$bench/embedding_peer.py' sim 32 20 $threads >/dev/null"
note 'times faster, whole process' "$wall_torch_whole / $wall_whole"
