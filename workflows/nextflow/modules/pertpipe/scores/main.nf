process PERTPIPE_SCORES {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(counts), path(obs)
    val control
    val split_by

    output:
    tuple val(meta), path("*.scores.tsv"), emit: scores
    tuple val(meta), path("*.scored.pmx"), emit: stream
    tuple val("${task.process}"), val('pertpipe'), eval("pertpipe --version | sed 's/.* //'"), topic: versions, emit: versions_pertpipe

    when:
    task.ext.when == null || task.ext.when

    script:
    def args   = task.ext.args   ?: ''  // pmx-import
    def args2  = task.ext.args2  ?: ''  // normalize
    def args3  = task.ext.args3  ?: '--n-comps 15'  // pca
    def args4  = task.ext.args4  ?: ''  // pert-signature
    def args5  = task.ext.args5  ?: ''  // mixscale
    def prefix = task.ext.prefix ?: "${meta.id}"
    def table  = obs ? "--obs ${obs}" : ''
    def split  = split_by ? "--split-by ${split_by}" : ''
    // Four tools of the pipe hold data.
    def memory = task.memory ? "--memory ${task.memory.toMega().intdiv(5)}M" : ''
    """
    pertpipe pmx-import -t ${task.cpus} ${memory} ${table} ${args} ${counts} \\
        | pertpipe normalize ${args2} \\
        | pertpipe pca -t ${task.cpus} ${memory} ${args3} \\
        | pertpipe pert-signature -t ${task.cpus} ${memory} --control '${control}' ${split} ${args4} \\
        | pertpipe mixscale -t ${task.cpus} ${memory} --control '${control}' ${split} ${args5} -o ${prefix}.scored.pmx
    pertpipe pmx-view --obs ${prefix}.scored.pmx -o ${prefix}.scores.tsv
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.scored.pmx ${prefix}.scores.tsv
    """
}
