// Keratin is the server of an app, with the library authn-go of Keratin AuthN. It does all that the library can, and
// fails at the first answer that is not as it should be.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/keratin/authn-go/authn"
)

func main() {
	log.SetFlags(0)
	token, name := os.Getenv("TOKEN"), os.Getenv("NAME")
	client, err := authn.NewClient(authn.Config{
		Issuer: os.Getenv("ISSUER"), PrivateBaseURL: os.Getenv("PRIVATE"), Audience: "app.example.com",
		Username: os.Getenv("AUTHN_USER"), Password: os.Getenv("AUTHN_PASSWORD"),
	})
	must("the client", err)
	id, err := client.SubjectFrom(token)
	must("SubjectFrom", err)
	if _, err := client.SubjectFromWithAudience(token, []string{"other.example.com"}); err == nil {
		log.Fatal("a token passes for another audience")
	}
	if _, err := client.SubjectFrom(token[:len(token)-4] + "AAAA"); err == nil {
		log.Fatal("a damaged token passes")
	}
	want(client, id, name, false, false)
	must("Update", client.Update(id, name+"2"))
	want(client, id, name+"2", false, false)
	must("LockAccount", client.LockAccount(id))
	want(client, id, name+"2", true, false)
	must("UnlockAccount", client.UnlockAccount(id))
	want(client, id, name+"2", false, false)
	must("ExpirePassword", client.ExpirePassword(id))
	imported, err := client.ImportAccount(name+"3", "from before", true)
	must("ImportAccount", err)
	want(client, fmt.Sprint(imported), name+"3", true, false)
	if _, err := client.ImportAccount(name+"3", "from before", true); err == nil || !strings.Contains(err.Error(), "TAKEN") {
		log.Fatalf("a name that is taken: got %v", err)
	}
	must("ArchiveAccount", client.ArchiveAccount(id))
	want(client, id, "", false, true)
	if _, err := client.GetAccount("99"); err == nil {
		log.Fatal("there is an account 99")
	}
	for what, get := range map[string]func() (*http.Response, error){"actives": client.ServiceStats,
		"http_requests_total": client.ServerStats} {
		res, err := get()
		must(what, err)
		text, err := io.ReadAll(res.Body)
		must(what, err)
		if res.StatusCode != http.StatusOK || !strings.Contains(string(text), what) {
			log.Fatalf("%s: got %d %.200s", what, res.StatusCode, text)
		}
	}
	must("the end", json.NewEncoder(os.Stdout).Encode(map[string]any{"subject": id, "imported": imported}))
}

// must ends the program with an error.
func must(what string, err error) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

// want fails unless the account is as it should be. Of an archived account there is no lock to tell.
func want(client *authn.Client, id, name string, locked, deleted bool) {
	got, err := client.GetAccount(id)
	must("GetAccount", err)
	if fmt.Sprint(got.ID) != id || got.Username != name || got.Deleted != deleted || !deleted && got.Locked != locked {
		log.Fatalf("account %s: got %+v, want %q, locked %v, deleted %v", id, got, name, locked, deleted)
	}
}
