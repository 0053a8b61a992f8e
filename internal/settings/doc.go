// Package settings holds the settings of the program: what there is to set, how it is read from
// files, the environment and flags, and which values are refused.
//
// Config has a field for each setting; the comment of the field is the documentation that users
// read. Load reads all sources, completes what depends on other settings, and reports all faults
// at once, each with its place.
//
// The package never opens or starts what a setting names: it knows no server and no database.
// It never prints a secret, nor quotes one in a fault.
package settings
