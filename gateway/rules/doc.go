// Package rules says what the gateway lets through: which request forms proxies use, and which users may send
// which requests to which hosts. It reads no YAML (package declare does) and knows no HTTP server.
//
// A request is reduced to a method, a host and a path that every proxy and app reads alike ([Path]). What could be
// read in two ways is refused: otherwise a rule would be checked for another path than the one that the app serves.
// The first rule that matches decides, and no match refuses.
package rules
