# A page of man5 or man7 -> a script that runs its marked blocks, and compares what they print with what the page shows.
#   .\" run          the literal block that follows is run
#   .\" run NAME     only where the variable NAME is set
#   .\" prints       the literal block that follows is what the run before it must print
# A failure names the line of the page.
function code(s) {
	gsub(/\\-/, "-", s)
	gsub(/\\\(aq/, "'", s)
	gsub(/\\&/, "", s)
	gsub(/\\e/, "\\", s)
	return s
}
BEGIN { print "set -eu" }
/^\.\\" run/ { mark = "run"; needs = NF > 2 ? $3 : ""; next }
/^\.\\" prints/ { mark = "prints"; next }
/^\.Bd .*-literal/ && mark != "" {
	inside = mark
	mark = ""
	if (inside == "run") {
		line = NR
		guard = needs
		printf "if [ -n \"%s\" ]; then\necho 'line %d' >&2\n{\n", guard == "" ? "always" : "${" guard ":-}", NR
	} else
		printf "if [ -n \"%s\" ]; then\ncat >page.shows <<'--page--'\n", guard == "" ? "always" : "${" guard ":-}"
	next
}
/^\.Ed/ && inside != "" {
	if (inside == "run")
		printf "} >page.printed\nfi\n"
	else
		printf "--page--\ndiff -u page.shows page.printed >&2 || { echo 'line %d: other output' >&2; exit 1; }\nfi\n", line
	inside = ""
	next
}
inside != "" { print code($0) }
/^\.[A-Z]/ && inside == "" && !/^\.Bd/ { if (mark != "" && !/^\.(Pp|Bd)/) { print "echo 'line " NR ": a mark without a block' >&2; exit 1"; mark = "" } }
