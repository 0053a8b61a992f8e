package apps

import "github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"

// whichClient names a client.
type whichClient struct {
	ClientID string `arg:"" name:"client-id" help:"The client_id." complete:"client"`
	command.PlaceFlags
	command.JSONFlag
}
