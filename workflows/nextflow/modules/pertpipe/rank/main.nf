process PERTPIPE_RANK {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(targets)
    tuple val(meta2), path(reference)

    output:
    tuple val(meta), path("*.drugs.tsv"), emit: drugs
    tuple val("${task.process}"), val('pertpipe'), eval("pertpipe --version | sed 's/.* //'"), topic: versions, emit: versions_pertpipe

    when:
    task.ext.when == null || task.ext.when

    script:
    def args   = task.ext.args   ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def memory = task.memory ? "--memory ${task.memory.toMega().intdiv(2)}M" : ''
    """
    pertpipe rank -t ${task.cpus} ${memory} --reference ${reference} ${args} ${targets} -o ${prefix}.drugs.tsv
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.drugs.tsv
    """
}
