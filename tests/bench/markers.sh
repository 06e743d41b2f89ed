# Rank sums of all genes of all targets against the controls, beyond reading, against illico; likelihood ratios with the default filters.
source "$(dirname "$0")/lib.bash"
screen
sorted
measure read - "pmx-check '$sorted' >/dev/null"
measure wilcoxon de.pmx "de-markers --test wilcoxon --logfc-threshold 0 --min-pct 0 ${label[*]} '$sorted' -o de.pmx"
measure lr lr.pmx "de-markers --test lr ${label[*]} '$sorted' -o lr.pmx"
note 'CPU seconds of wilcoxon beyond reading' "$cpu_wilcoxon - $cpu_read"
if peer illico wilcoxon; then
	note 'times faster than illico (wall, reading included on this side only)' "$peer_wall / $wall_wilcoxon"
	note 'times less CPU than illico' "$peer_cpu / $cpu_wilcoxon"
fi
