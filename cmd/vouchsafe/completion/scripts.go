// Package completion finds the words that may come next in a command line, for shells to offer. It knows commands and
// flags; names of the database are the caller's.
package completion

// Scripts are the scripts by the names of their shells. They ask the program itself what fits, by its command
// completion words: the last word is the one that is being typed. Bash parts words at @ and : as well, so that its
// script reads the line itself. No script lets a shell evaluate a candidate.
var Scripts = map[string]string{
	"bash": `_vouchsafe() {
	local line="${COMP_LINE:0:COMP_POINT}" words current found
	read -ra words <<<"$line"
	[[ "$line" == *[[:space:]] ]] && words+=("")
	current="${words[${#words[@]}-1]}"
	COMPREPLY=()
	while IFS= read -r found; do
		COMPREPLY+=("${found#"${current%"${current##*[@:=]}"}"}")
	done < <(vouchsafe completion words -- "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _vouchsafe vouchsafe
`,
	"zsh": `#compdef vouchsafe
_vouchsafe() {
	local -a found
	found=(${(f)"$(vouchsafe completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
	compadd -a found || _files
}
compdef _vouchsafe vouchsafe
`,
	"fish": "complete -c vouchsafe -a " +
		"'(vouchsafe completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'\n",
}
