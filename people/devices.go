package people

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// A device (a browser, or a copy of an app) holds marks of the accounts that it has signed in to.
// Guesses from such a device are counted apart, so that a stranger who uses up an account's
// guesses does not lock its owner out. Nothing is stored: the device holds an id and, for each
// account, a MAC of both. They prove nothing else. The form is "id.MAC.MAC…".
const (
	// maxDeviceAccounts bounds the names of accounts that a device is known by: an account whose
	// second factor was given there has two.
	maxDeviceAccounts = 16
	maxMarks          = maxDeviceAccounts + 1 // and that it signed in at all
	idLength          = 43                    // of secret.Token
	markLength        = 43                    // of a MAC in base64url
)

// anyAccount is the account by which a device is known that has signed in to some account.
const anyAccount = ""

// deviceOf names the account for a device in which the user has signed in. The version of the
// credentials is part of it, so that a new password ends what devices were known for.
func deviceOf(u storage.User) string {
	return u.ID + "\x00" + strconv.FormatInt(u.CredentialVersion, 10)
}

// factorDevice names the account for a device in which the user gave a second factor.
func factorDevice(u storage.User) string { return "factor:" + deviceOf(u) }

// known reports whether the asker's device has signed in to the account, and the id of the device
// to count its attempts by.
func (s *Service) known(a Asker, account string) (device string, ok bool) {
	id, marks := readMarks(a.Kept.Known)
	return id, slices.ContainsFunc(marks, func(mark string) bool { return s.isMark(a, id, account, mark) })
}

// knownDevice reports whether the user has signed in with the asker's device since the
// credentials changed, and the id of the device.
func (s *Service) knownDevice(a Asker, user storage.User) (device string, ok bool) {
	if user.ID == "" {
		return "", false
	}
	return s.known(a, deviceOf(user))
}

// KnowsDevice reports whether the user has signed in with the asker's device since the credentials
// changed.
func (s *Service) KnowsDevice(a Asker, user storage.User) bool {
	_, ok := s.knownDevice(a, user)
	return ok
}

// HasSignedIn is KnowsDevice, and counts marks that were made before marks had a version.
func (s *Service) HasSignedIn(a Asker, user storage.User) bool {
	_, known := s.knownDevice(a, user)
	if !known && user.ID != "" {
		_, known = s.known(a, user.ID)
	}
	return known
}

// isSignedIn reports whether the user is signed in where the request comes from: in a browser with
// a session of the user, or in an app that holds what came with a sign-in.
func (s *Service) isSignedIn(ctx context.Context, a Asker, user storage.User) (bool, error) {
	if a.Browser == "" {
		return s.HasSignedIn(a, user), nil
	}
	current, err := s.Keeper.Current(ctx, a.Tenant.ID, a.Kept.Sessions)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil && current.UserID == user.ID, err
}

// MarkDevice returns what the asker's device is to keep when the user has signed in there by acr.
func (s *Service) MarkDevice(a Asker, u storage.User, acr string) Kept {
	kept, accounts := a.Kept, []string{deviceOf(u), anyAccount}
	if storage.ReachesACR(acr, storage.ACRMultiFactor) {
		accounts = []string{factorDevice(u), deviceOf(u), anyAccount}
	}
	kept.Known = s.mark(a, accounts...)
	return kept
}

// mark returns the asker's marks with those of the accounts, the last first.
func (s *Service) mark(a Asker, accounts ...string) string {
	id, marks := readMarks(a.Kept.Known)
	if id == "" {
		id = secret.Token()
	}
	for _, account := range accounts {
		marks = slices.DeleteFunc(marks, func(mark string) bool { return s.isMark(a, id, account, mark) })
		mac := s.Secrets.Box(a.Tenant.ID, secret.KnownBrowser).MAC([]byte(id + "\x00" + account))
		marks = append([]string{base64.RawURLEncoding.EncodeToString(mac)}, marks...)
	}
	return id + "." + strings.Join(marks[:min(len(marks), maxMarks)], ".")
}

func (s *Service) isMark(a Asker, id, account, mark string) bool {
	mac, err := base64.RawURLEncoding.DecodeString(mark)
	return err == nil && s.Secrets.Box(a.Tenant.ID, secret.KnownBrowser).VerifyMAC([]byte(id+"\x00"+account), mac)
}

func readMarks(held string) (id string, marks []string) {
	parts := strings.Split(held, ".")
	if len(parts[0]) != idLength || len(parts) > 1+maxMarks {
		return "", nil
	}
	// What is no mark is not given back: a browser keeps no cookie that is too long.
	marks = slices.DeleteFunc(parts[1:], func(mark string) bool { return len(mark) != markLength })
	return parts[0], marks
}
