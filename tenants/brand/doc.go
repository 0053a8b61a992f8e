// Package brand turns a tenant's branding into a stylesheet that cannot harm who looks at it.
//
// Colours are taken only if what is written in them can be read, in light and in dark mode.
// A tenant's own CSS is taken only if it loads nothing: a rule such as
// [value^="a"] { background: url(https://…) } would tell its author letter by letter what a
// page holds. Both are checked where settings are stored, and again before anything is
// served.
package brand
