package main

import (
	"encoding/base64"
	"log/slog"
	"net"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/listeners"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// devKey opens the developer page. It is the same after a restart, so that browsers that
// have it keep it.
func devKey(secrets *secret.Masters) string {
	return base64.RawURLEncoding.EncodeToString(secrets.Box(storage.DefaultTenant, secret.DeveloperPage).MAC([]byte("the bearer may open the developer page")))
}

// openDoor listens where browsers of this machine get the key of the developer page: at a
// port that no proxy knows. Where that cannot be, the link with the key still opens the page.
func (s *server) openDoor(log *slog.Logger) ([]net.Listener, *http.Server) {
	if s.dev == nil {
		return nil, nil
	}
	var doors []net.Listener
	var err error
	for range 5 { // one address may have a port that the other has not
		if doors, err = listeners.Open("localhost:0", 0); err == nil {
			break
		}
	}
	if err != nil {
		log.Warn("browsers of this machine need the link to open the developer page", "error", err)
		return nil, nil
	}
	_, s.dev.Door, _ = net.SplitHostPort(doors[0].Addr().String()) // as the system spells it
	return doors, httpServer(s.dev.Doorkeeper(), log)
}
