package declare

// Suggest returns ": did you mean NAME?" for the one of names that is at most two slips of the keyboard
// away from what was written, or "".
func Suggest(got string, names []string) string {
	best, least := "", 3
	for _, name := range names {
		if len(got) > len(name)+2 {
			continue // do not compare with a name of any length
		}
		if d := distance(got, name); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}

// distance counts the letters to add, drop or change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
