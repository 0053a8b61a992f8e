// Command groups shows what other software reads in the claims of an ID token: groups argocd CLAIM < CLAIMS
// prints the groups as Argo CD reads them, and groups grafana PATH < CLAIMS what Grafana makes of an attribute
// path, by the library that it uses.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	argocd "github.com/argoproj/argo-cd/v3/util/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/jmespath-community/go-jmespath"
)

func main() {
	said, err := read(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(said)
}

// read returns what the software that args name reads.
func read(args []string) (string, error) {
	claims := jwt.MapClaims{}
	if err := json.NewDecoder(os.Stdin).Decode(&claims); err != nil {
		return "", err
	}
	if args[0] == "argocd" {
		return strings.Join(argocd.GetGroups(claims, args[1:]), " "), nil
	}
	found, err := jmespath.Search(args[1], map[string]any(claims))
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(found)
	return string(raw), err
}
