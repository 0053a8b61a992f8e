//go:build pprof

package server

import "net/http/pprof"

// A program that is built for measuring lets itself be profiled: go run ./bench -profile DIR.
func init() {
	operations["GET /debug/pprof/profile"] = pprof.Profile
	operations["GET /debug/pprof/"] = pprof.Index
}
