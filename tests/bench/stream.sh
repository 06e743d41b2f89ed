# A hop that only adds a column: bytes of stream, uncompressed, through a pipe.
source "$(dirname "$0")/lib.bash"
screen
pmx-view --columns guide_id "$raw.pmx" | sed 1s/guide_id/again/ >again.tsv
# pmx-cat would copy the compressed sections as they are; a sort writes its own.
pmx-sort --by gene_target --first NT --compression-level 0 "$raw.pmx" -o plain.pmx
cat plain.pmx >/dev/null
measure cat plain.pmx "cat plain.pmx | cat | cat >/dev/null"
measure hop plain.pmx "cat plain.pmx | pmx-join --obs again.tsv | cat >/dev/null"
note 'GB/s of stream through the hop' "$(stat -c %s plain.pmx) / $wall_hop / 1e9"
note 'GB/s of stream per CPU second of hop and both cats' "$(stat -c %s plain.pmx) / $cpu_hop / 1e9"
