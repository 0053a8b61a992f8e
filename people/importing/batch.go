package importing

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// batchSize is how many rows are added at once, in one change.
	batchSize = 128
	// leastRest is the shortest rest after a batch was written.
	leastRest = 5 * time.Millisecond
)

// outcome is what became of a row.
type outcome struct {
	user  Checked
	open  bool  // the user is neither refused nor there nor added yet
	there bool  // the user existed
	bad   error // the row is refused for it
	err   error
}

// settle notes what is known of the user.
func (o *outcome) settle(there bool, bad, err error) {
	o.there, o.bad, o.err = there, bad, err
	o.open = !there && bad == nil && err == nil
}

// batch imports rows, and tells the caller what became of them.
func (im *run) batch(ctx context.Context, rows []Read) error {
	before := im.counts
	all, err := im.checkAll(ctx, rows)
	if err != nil {
		return err
	}
	looked := im.DryRun || im.again // to look costs less than to fail to add
	if looked {
		im.lookForAll(ctx, all)
	}
	im.checkPhones(ctx, all)
	if !im.DryRun {
		err = im.write(ctx, rows, all, looked)
	}
	if err != nil {
		return err
	}
	for i, o := range all {
		if err := im.count(rows[i], o); err != nil {
			return err
		}
	}
	if im.Progress != nil {
		im.Progress(im.counts)
	}
	im.again = im.counts.There > before.There
	return nil
}

// checkAll checks rows.
func (im *run) checkAll(ctx context.Context, rows []Read) ([]outcome, error) {
	all := make([]outcome, len(rows))
	for i := range rows {
		if rows[i].Skip != nil {
			continue
		}
		c, err := im.fresh(&rows[i])
		if err != nil {
			all[i].bad = err
			continue
		}
		if err := im.openSecrets(ctx, c); err != nil {
			return nil, err
		}
		all[i].user, all[i].open = c, true
	}
	return all, nil
}

// eachOpen calls do with all users that are open, side by side.
func (im *run) eachOpen(all []outcome, do func(o *outcome)) {
	var wg sync.WaitGroup
	free := make(chan struct{}, cmp.Or(im.Beside, batchSize))
	for i := range all {
		if all[i].open {
			free <- struct{}{}
			wg.Go(func() { do(&all[i]); <-free })
		}
	}
	wg.Wait()
}

// write adds the users that are open, and keeps the numbers of those who were removed.
func (im *run) write(ctx context.Context, rows []Read, all []outcome, looked bool) error {
	if err := im.reserve(ctx, rows); err != nil {
		return err
	}
	if err := im.addAll(ctx, all, looked); err != nil {
		return err
	}
	return im.keepRemoved(ctx, rows)
}

// addAll adds the users that are open: together, unless one of them is there. looked says that the caller has
// looked for them.
func (im *run) addAll(ctx context.Context, all []outcome, looked bool) error {
	if !slices.ContainsFunc(all, func(o outcome) bool { return o.open }) {
		return nil
	}
	if err := im.await(ctx); err != nil {
		return err
	}
	began := time.Now()
	defer func() { im.rest = time.Now().Add(max(leastRest, time.Since(began))) }()
	if err := im.begin(); err != nil {
		return err
	}
	err := im.addTogether(ctx, all)
	if errors.Is(err, storage.ErrExists) && !looked {
		im.lookForAll(ctx, all)
		err = im.addTogether(ctx, all)
	}
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return err
	}
	im.eachOpen(all, func(o *outcome) { o.settle(im.add(ctx, o.user)) })
	return nil
}

// await waits until servers that write to the same file (SQLite), or on the same machine, had their turn. The
// caller has prepared what it writes meanwhile.
func (im *run) await(ctx context.Context) error {
	select {
	case <-time.After(time.Until(im.rest)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// addTogether adds the users that are open in one change. Administrators are added alone: see Store.
func (im *run) addTogether(ctx context.Context, all []outcome) error {
	ch := storage.Change{TenantID: im.rules.Tenant, Now: im.rules.Now}
	var added []*outcome
	for i := range all {
		c := &all[i].user
		if !all[i].open || slices.Contains(c.User.Roles, storage.RoleAdmin) {
			continue
		}
		ch.AddAll = append(ch.AddAll,
			storage.NewUser{User: c.User, Credentials: c.credentials(im.masters), Identities: c.Identities, Unique: c.Unique})
		ch.Events = append(ch.Events, im.event(c.User))
		c.Moved.keep(&ch, c.User)
		added = append(added, &all[i])
	}
	if len(added) == 0 {
		return nil
	}
	err := im.store.Apply(ctx, ch)
	if err == nil {
		for _, o := range added {
			o.open = false
		}
	}
	return err
}

// event returns the event of a user who is added.
func (im *run) event(u storage.User) storage.Event {
	return im.asker.Event(storage.Event{Kind: storage.EventUserAdded, UserID: u.ID,
		Detail: map[string]string{"by": "import"}})
}

// openSecrets opens the master secrets if the user needs them.
func (im *run) openSecrets(ctx context.Context, c Checked) (err error) {
	if c.TOTP == nil && len(c.Passkeys) == 0 || im.DryRun || im.masters != nil {
		return nil
	}
	im.masters, err = im.Secrets(ctx)
	return err
}
