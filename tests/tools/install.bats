bats_require_minimum_version 1.5.0
load ../setup

# What `make install` leaves: tools, pages, completion, libpertpipe; and what `make uninstall` leaves: nothing.

setup() {
	work
	# A caller's make would pass its own variables on.
	unset MAKEFLAGS MAKELEVEL MFLAGS DESTDIR PREFIX LINKS LIB
}

put() { # PREFIX [VARIABLE=VALUE ...]
	local prefix=$1
	shift
	make -s -C "$repo" BUILD="$BUILD" DESTDIR="$PWD/root" PREFIX="$prefix" "$@"
}

library() {
	case $BUILD in *-san | *-cov | *-fuzz) skip "an instrumented library asks for an instrumented program" ;; esac
	command -v "${CC:-cc}" pkg-config >/dev/null || skip "there is no compiler or no pkg-config"
	make -s -C "$repo" BUILD="$BUILD" PREFIX="$PWD/here" install
	export PKG_CONFIG_PATH=$PWD/here/lib/pkgconfig LD_LIBRARY_PATH=$PWD/here/lib
}

compile() { # NAME [pkg-config option]
	# shellcheck disable=SC2046
	"${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$1" "$1.c" $(pkg-config --cflags --libs ${2:+"$2"} libpertpipe) ${2:+-Wl,-Bdynamic}
}

@test "uninstall leaves no file and no folder of its own" {
	put /usr install
	[ -x root/usr/bin/pmx-info ] && [ -e root/usr/share/man/man1/pmx-info.1 ] && [ -e root/usr/lib/pkgconfig/libpertpipe.pc ]
	[ "$(root/usr/bin/pmx-info --version)" = "$(pmx-info --version)" ]
	put /usr uninstall
	[ "$(find root ! -type d)" = "" ]
	[ "$(find root -name '*pertpipe*')" = "" ]
}

@test "what is somebody else's stays" {
	put /usr install
	touch root/usr/bin/other root/usr/libexec/pertpipe/other
	put /usr uninstall
	[ "$(find root ! -type d | sort | tr '\n' ' ')" = "root/usr/bin/other root/usr/libexec/pertpipe/other " ]
}

@test "two prefixes live side by side" {
	put /opt/one install
	put /opt/two install
	simulate-screen -q --cells 60 --genes 30 --targets 2 --controls 20 --seed 1 -o a.pmx
	for p in one two; do
		root/opt/$p/bin/normalize -q a.pmx | root/opt/$p/bin/pmx-info >$p
		root/opt/$p/bin/pertpipe >list.$p
		grep -q "prefix=/opt/$p\$" root/opt/$p/lib/pkgconfig/libpertpipe.pc
	done
	cmp one two
	cmp list.one list.two
	put /opt/one uninstall
	[ "$(find root/opt/one ! -type d)" = "" ]
	root/opt/two/bin/pertpipe pmx-info a.pmx >/dev/null
}

@test "LINKS=no puts one name on the PATH, and completes that one; the rest is reached through it" {
	put /usr install LINKS=no LIB=lib/here
	[ "$(ls root/usr/bin root/usr/share/bash-completion/completions)" = "root/usr/bin:
pertpipe

root/usr/share/bash-completion/completions:
pertpipe" ]
	simulate-screen -q --cells 20 --genes 5 --targets 1 --controls 10 --seed 1 -o a.pmx
	root/usr/bin/pertpipe normalize -q a.pmx | cmp - <(normalize -q a.pmx)
	[ -e root/usr/lib/here/libpertpipe.a ] && grep -q '^libdir=${prefix}/lib/here$' root/usr/lib/here/pkgconfig/libpertpipe.pc
	# As a shell completes: the tools, then the words of the tool.
	cat >complete.sh <<-'SH'
		PATH=$PWD/root/usr/bin:/usr/bin:/bin
		source root/usr/share/bash-completion/completions/pertpipe
		offered() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _pertpipe; echo "${COMPREPLY[*]}"; }
		offered pertpipe pmx-i
		offered pertpipe normalize --target
		offered pertpipe rank --method wt
		offered pertpipe no-such-tool --x
		offered pertpipe --vers
		offered pertpipe --emit ma
	SH
	printf 'pmx-import pmx-info\n--target-sum\nwtcs\n\n--version\nman\n' | diff - <(bash complete.sh)
	put /usr uninstall LIB=lib/here
	[ "$(find root ! -type d)" = "" ]
}

@test "a C program copies a stream and adds a column, linked either way" {
	library
	cat >copy.c <<-'C'
		#include <pertpipe/pmx.h>
		#include <stdio.h>
		#include <stdlib.h>
		static struct pertpipe_error e;
		static void check(int good) { if (!good) { fprintf(stderr, "copy: %s\n", e.text); exit(1); } }
		int main(int argc, char **argv)
		{
			struct pertpipe_reader *in = pertpipe_open(argc > 1 ? argv[1] : "-", &e);
			check(in != NULL);
			const struct pertpipe_schema *s = pertpipe_schema(in);
			size_t n = pertpipe_n_columns(s), cell = pertpipe_find(s, PERTPIPE_OBS, "cell"), x = pertpipe_find(s, PERTPIPE_LAYER, "counts");
			const char **gene = malloc(n * sizeof *gene);
			for (size_t i = 0; i < n; i++)
				gene[i] = pertpipe_column_name(s, i);
			struct pertpipe_schema *to = pertpipe_schema_new(PERTPIPE_CELLS, "cell", "gene", gene, n);
			size_t row = pertpipe_find(to, PERTPIPE_OBS, "cell"), total = pertpipe_add_obs(to, "total", PERTPIPE_F64, 0);
			size_t counts = pertpipe_add_layer(to, "counts", PERTPIPE_F64, PERTPIPE_SPARSE);
			struct pertpipe_writer *out = pertpipe_create("-", to, 3, &e);
			check(out != NULL);
			for (int more; (more = pertpipe_next(in, &e)) != 0; ) {
				struct pertpipe_values name;
				struct pertpipe_rows rows;
				check(more > 0 && !pertpipe_values(in, cell, &name, &e) && !pertpipe_sparse(in, x, &rows, &e));
				for (size_t r = 0; r < rows.n_rows; r++) {
					double sum = 0;
					for (size_t i = rows.start[r]; i < rows.start[r + 1]; i++)
						sum += rows.value[i];
					pertpipe_fill_text(out, row, name.at.text[r]);
					pertpipe_fill_f64(out, total, sum);
					pertpipe_fill_sparse(out, counts, rows.column + rows.start[r], rows.value + rows.start[r], rows.start[r + 1] - rows.start[r]);
					check(!pertpipe_end_row(out, &e));
				}
			}
			check(!pertpipe_finish(out, &e));
			pertpipe_schema_free(to);
			pertpipe_close(in);
			free(gene);
			return 0;
		}
	C
	simulate-screen -q --cells 300 --genes 50 --targets 3 --controls 60 --seed 4 --block-rows 70 | normalize -q -o a.pmx
	compile copy
	./copy a.pmx >b.pmx
	pmx-check b.pmx
	cmp <(pmx-view --layer counts a.pmx) <(pmx-view --layer counts b.pmx)
	cmp <(pmx-view --obs a.pmx | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $1, $at["n_counts"] }') \
		<(pmx-view --obs b.pmx | awk -F'\t' 'NR > 1 { print $1, $2 }')
	cat a.pmx | ./copy | cmp - b.pmx
	rm copy here/lib/libpertpipe.so*
	compile copy --static
	./copy a.pmx | cmp - b.pmx
	head -c 3000 a.pmx >cut.pmx
	run -1 --separate-stderr bash -c './copy cut.pmx >c.pmx'
	[[ $stderr == *cut.pmx* ]]
	run -1 pmx-check c.pmx
}

@test "from C: every type, recipes as dense rows, and what is refused with a text" {
	library
	cp "$repo/tests/tools/library.c" .
	compile library
	# C++ takes the header, too.
	! command -v c++ >/dev/null || echo '#include <pertpipe/pmx.h>' | c++ -Wall -Wextra -Werror -fsyntax-only -x c++ -Ihere/include -
	./library write types.pmx
	pmx-check types.pmx
	pmx-view --obs types.pmx >obs
	printf 'row\tlabel\tflag\twhole\treal\na\tred\tTrue\t-5\t0.5\nNA\tNA\tNA\tNA\tNA\n' | cmp - obs
	[ "$(pmx-view --layer dense types.pmx | tail -n +2 | tr '\t\n' '  ')" = "a 1 2 3 NA 4 5 6 " ]
	[ "$(pmx-view --layer sparse types.pmx | tail -n +2 | tr '\t\n' '  ')" = "a 0 300 7 NA 0 0 0 " ]
	simulate-screen -q --cells 200 --genes 30 --targets 2 --controls 60 --splits 1 --seed 4 | normalize -q | pca -q -n 5 |
		pert-signature -q --control NT -k 5 --n-dims 5 --block-rows 33 -o near.pmx
	for layer in counts X X_pert; do
		./library dense near.pmx $layer >ours
		pmx-view --layer $layer near.pmx | tail -n +2 | cut -f 2- >theirs
		[ "$(wc -l <ours)" = 200 ]
		# The same doubles, whatever their spelling.
		paste ours theirs | awk '{ for (i = 1; i <= NF / 2; i++) if ($i + 0 != $(NF / 2 + i) + 0) wrong++ } END { exit NF != 60 || wrong > 0 }'
	done
	./library refusals
}

@test "the conda recipe renders, builds into its prefix, and its tests hold there" {
	case $BUILD in *-san | *-cov | *-fuzz) skip "an instrumented library asks for an instrumented program" ;; esac
	command -v "${CC:-cc}" pkg-config >/dev/null || skip "there is no compiler or no pkg-config"
	py=$(python_with py-rattler-build 2>/dev/null) || skip "pip cannot fetch py-rattler-build"
	"$py" - "$repo/packaging/conda/recipe.yaml" "$(pertpipe --version)" <<-'PY'
	import rattler_build as conda, sys
	recipe = conda.Stage0Recipe.from_file(sys.argv[1])
	compiler = conda.VariantConfig.from_yaml("c_compiler: [gcc]\nc_stdlib: [sysroot]\nc_stdlib_version: ['2.17']\n")
	linux = conda.PlatformConfig(target_platform="linux-64", build_platform="linux-64", host_platform="linux-64")
	[rendered] = recipe.render(compiler, conda.RenderConfig(platform=linux))
	r = rendered.recipe.to_dict()
	assert "{} {}".format(r["package"]["name"], r["package"]["version"]) == sys.argv[2], r["package"]
	open("build.sh", "w").write(r["build"]["script"])
	script, contents = r["tests"]
	open("test.sh", "w").write("\n".join(script["script"]).replace("${{ version }}", r["package"]["version"]))
	open("tested", "w").write("\n".join(script["files"]["source"]))
	open("contents", "w").write("\n".join(contents["package_contents"]["files"]) + "\n")
	open("host", "w").write(" ".join(r["requirements"]["host"]))
	PY
	# What pkg-config is asked for has its package; the others are headers alone, and OpenMP is the compiler's.
	declare -A package=([libzstd]=zstd [yaml-0.1]=yaml [lapacke]=liblapacke)
	for p in $(sed -n 's/^PACKAGES = //p' "$repo/Makefile"); do
		grep -qw "${package[$p]:-$p}" host
	done
	grep -qw xxhash host
	export PREFIX=$PWD/prefix SRC_DIR=$repo CC=${CC:-cc} CPU_COUNT=2
	(cd "$repo" && BUILD=$BUILD CFLAGS=-g0 bash -e "$OLDPWD/build.sh" >"$OLDPWD/log")
	while read -r f; do [ -e "prefix/$f" ]; done <contents
	mkdir test
	while read -r f || [ -n "$f" ]; do mkdir -p "test/$(dirname "$f")" && cp "$repo/$f" "test/$f"; done <tested
	cd test
	PATH=$PREFIX/bin:/usr/bin:/bin PKG_CONFIG_PATH=$PREFIX/lib/pkgconfig bash -e ../test.sh
}

@test "bash, zsh and fish load the completion and complete options, choices and names of files" {
	make -s -C "$repo" BUILD="$BUILD" PREFIX="$PWD/here" install
	local some=0 pids=()
	for shell in bash zsh fish; do
		command -v $shell >/dev/null || { echo "# $shell is not installed" >&3; continue; }
		python3 "$repo/tests/completion.py" here $shell >$shell 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || some=1; done
	cat bash zsh fish 2>/dev/null || true
	[ $some = 0 ]
}
