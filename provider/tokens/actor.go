package tokens

import "github.com/vouchsafe/vouchsafe/storage"

// Actor is the value of the claim act (RFC 8693 section 4.1): who acts in the place of the subject. That is an
// administrator who uses the session of the user, or a client that exchanged a token. It is also the value of may_act.
type Actor struct {
	Subject string `json:"sub"`
	// ClientID is Subject again if the actor is a client; "" for an administrator.
	ClientID string `json:"client_id,omitempty"`
	// Act is who acted before; nil if the subject itself did.
	Act *Actor `json:"act,omitempty"`
}

// ActorOf returns the claim act for the id of an administrator; nil for "".
func ActorOf(id string) *Actor {
	if id == "" {
		return nil
	}
	return &Actor{Subject: id}
}

// ClientActor returns the claim act for a client, after the actors that there were before; nil for none.
func ClientActor(id string, before *Actor) *Actor {
	return &Actor{Subject: id, ClientID: id, Act: before}
}

// ID returns the id of the administrator among the actors, or "".
func (a *Actor) ID() string {
	for ; a != nil; a = a.Act {
		if a.ClientID == "" {
			return a.Subject
		}
	}
	return ""
}

// Depth returns how many actors there are.
func (a *Actor) Depth() (n int) {
	for ; a != nil; a = a.Act {
		n++
	}
	return n
}

// Renamed returns the actors with administrators under other names: each client knows users by names of its own.
func (a *Actor) Renamed(name func(string) (string, error)) (*Actor, error) {
	if a == nil {
		return nil, nil
	}
	before, err := a.Act.Renamed(name)
	if err != nil {
		return nil, err
	}
	next := &Actor{a.Subject, a.ClientID, before}
	if a.ClientID == "" {
		next.Subject, err = name(a.Subject)
	}
	return next, err
}

// MayActOf returns the claim may_act of the client's tokens (RFC 8693 section 4.4): the one client that may exchange
// them. It has room for one; with several there is no claim, and Vouchsafe alone knows them.
func MayActOf(c *storage.Client) *Actor {
	if len(c.MayAct) != 1 {
		return nil
	}
	return &Actor{Subject: c.MayAct[0], ClientID: c.MayAct[0]}
}
