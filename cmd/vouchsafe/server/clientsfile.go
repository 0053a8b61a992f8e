package server

import (
	"os"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/storage"
)

// clientsFile is the clients file as it is now, for the console. It is read again when it has changed.
type clientsFile struct {
	path    string // "" for none
	samples bool

	mu    sync.Mutex
	read  time.Time // when the file was changed that was read
	size  int64
	found map[string]storage.Client // without secrets
	err   error
}

// client returns a client of the file, or storage.ErrNotFound.
func (f *clientsFile) client(id string) (storage.Client, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return storage.Client{}, storage.ErrNotFound
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return storage.Client{}, err
	}
	if f.found == nil && f.err == nil || !info.ModTime().Equal(f.read) || info.Size() != f.size {
		f.read, f.size, f.found = info.ModTime(), info.Size(), map[string]storage.Client{}
		all, err := declare.ReadClients(f.path, f.samples)
		for _, d := range all {
			f.found[d.ClientID] = d.Client
		}
		f.err = err
	}
	c, ok := f.found[id]
	switch {
	case f.err != nil:
		return c, f.err
	case !ok:
		return c, storage.ErrNotFound
	}
	return c, nil
}
