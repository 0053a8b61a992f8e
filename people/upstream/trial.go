package upstream

// What came out of a step of a trial.
const (
	Passed  = "passed"
	Warning = "warning" // it works, and may surprise
	Failed  = "failed"
	Skipped = "skipped" // it could not be tried, because of another step
	Unknown = "unknown" // only a user's sign-in shows it
)

// Step is one thing that was tried at a provider, without a user. It never holds a secret, or what a provider wrote.
type Step struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"`
	Says    string `json:"says"`
}

// Works reports whether no step has failed.
func Works(steps []Step) bool {
	for _, s := range steps {
		if s.Outcome == Failed {
			return false
		}
	}
	return true
}
