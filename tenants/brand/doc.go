// Package brand turns a tenant's branding into a stylesheet that cannot harm users.
//
// A colour is accepted only if text in it, or on it, is readable in light and in dark mode. A
// tenant's own CSS is accepted only if it loads nothing: a rule such as [value^="a"] { background:
// url(https://…) } would send the content of the page, letter by letter, to the author of the CSS.
// Both are checked when settings are stored, and again before a stylesheet is served.
package brand
