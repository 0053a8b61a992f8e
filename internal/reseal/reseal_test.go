package reseal

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

var (
	old, fresh = strings.Repeat("o", 32), strings.Repeat("n", 32)
	now        = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
)

func masters(t *testing.T, list string) *secret.Masters {
	t.Helper()
	m, err := secret.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func open(t *testing.T) *sqldb.Store {
	t.Helper()
	s, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err == nil {
		err = s.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// stored says for each stored purpose where its values are. A new purpose must be added here, and
// to a run.
var stored = map[secret.Purpose]struct {
	kind       storage.SealedKind
	credential string
}{
	secret.SigningKey:     {storage.SealedKeys, ""},
	secret.UpstreamSecret: {storage.SealedSettings, ""},
	secret.TOTP:           {storage.SealedCredentials, storage.TOTPCredential},
	secret.RecoveryCodes:  {storage.SealedCredentials, storage.RecoveryCredential},
	secret.Passkey:        {storage.SealedCredentials, storage.PasskeyCredential},
	secret.Mail:           {storage.SealedMails, ""},
	secret.MailedCode:     {storage.SealedCodes, ""},
	secret.DeviceRequest:  {storage.SealedCodes, ""},
	secret.WebhookSecret:  {storage.SealedWebhooks, ""},
	secret.AppSession:     {storage.SealedApps, ""},
	secret.PairwiseKey:    {storage.SealedPairwise, ""},
}

// put stores n values of each purpose, sealed with the old secret.
func put(t *testing.T, s *sqldb.Store, m *secret.Masters, n int) {
	t.Helper()
	ctx, tenant := t.Context(), storage.DefaultTenant
	var errs []error
	try := func(err error) { errs = append(errs, err) }
	settings, err := s.Tenant(ctx, tenant)
	try(err)
	try(s.AddPairwiseKey(ctx, tenant, m.Box(tenant, secret.PairwiseKey).Seal([]byte("pairwise")), now))
	try(s.PutTenantLogin(ctx, storage.TenantLogin{TenantID: tenant, EmailKey: "app@example.com"}))
	for i := range n {
		id := fmt.Sprintf("id-%06d", i)
		seal := func(p secret.Purpose) []byte { return m.Box(tenant, p).Seal([]byte(p.String() + " of " + id)) }
		_, codes := factor.NewRecovery(id)
		creds := []storage.Credential{
			{Kind: storage.PasswordCredential, Data: []byte("hash")}, {Kind: storage.TOTPCredential, Data: seal(secret.TOTP)},
			{Kind: storage.PasskeyCredential, ID: "key", Data: seal(secret.Passkey)},
			{Kind: storage.RecoveryCredential, Data: codes.Seal(m.Box(tenant, secret.RecoveryCodes))},
		}
		try(storagetest.AddUser(ctx, s, storage.User{TenantID: tenant, ID: id, CreatedAt: now}, creds, nil))
		try(s.AddKeys(ctx, []storage.Key{storage.Key{TenantID: tenant, ID: id, Algorithm: "ES256", Sequence: int64(i + 1),
			Private: seal(secret.SigningKey), ActiveAt: now, CreatedAt: now}}, now))
		try(storagetest.Enqueue(ctx, s,
			storage.Delivery{TenantID: tenant, ID: id, Channel: storage.ChannelMail, Data: seal(secret.Mail),
				CreatedAt: now, NextAt: now}))
		try(storagetest.PutCode(ctx, s,
			storage.Code{TenantID: tenant, ID: id, Purpose: "p", Target: id, Data: seal(secret.MailedCode),
				CreatedAt: now, ExpiresAt: now.Add(time.Hour)}))
		try(storagetest.PutCode(ctx, s,
			storage.Code{TenantID: tenant, ID: id + "-device", Purpose: "device", Target: id, Data: seal(secret.DeviceRequest),
				CreatedAt: now, ExpiresAt: now.Add(time.Hour)}))
		try(s.AddWebhook(ctx, storage.Webhook{TenantID: tenant, ID: id, Data: seal(secret.WebhookSecret), CreatedAt: now}))
		try(s.AddTenantSession(ctx, storage.TenantSession{TenantID: tenant, ID: id, Data: seal(secret.AppSession)}))
		settings.Settings.Upstreams = append(settings.Settings.Upstreams,
			storage.Upstream{ID: id, ClientID: "c", ClientSecret: seal(secret.UpstreamSecret)})
	}
	try(s.UpdateTenant(ctx, settings))
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// closed returns, for each kind, how many values the secrets do not open.
func closed(t *testing.T, s *sqldb.Store, m *secret.Masters) map[storage.SealedKind]int {
	t.Helper()
	counts, err := (&Run{Store: s, Secrets: m, RenewRecovery: factor.RenewRecovery}).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lost := map[storage.SealedKind]int{}
	for _, c := range counts {
		if c.Lost > 0 {
			lost[c.Kind] = c.Lost
		}
	}
	return lost
}

func TestAllThatIsStoredIsSealedAnew(t *testing.T) {
	t.Parallel()
	kinds := map[storage.SealedKind]int{}
	for p := range secret.Purposes() {
		where, ok := stored[p]
		if ok != p.Stored() {
			t.Errorf("%s: is it stored? Its table and this test differ", p)
		}
		if ok {
			kinds[where.kind]++
		}
		if where.credential != "" && credentials[where.credential] != p {
			t.Errorf("%s: a run takes credentials of the kind %s for another", p, where.credential)
		}
	}
	const n = 1100 // more than a page
	s := open(t)
	put(t, s, masters(t, old), n)
	if got := closed(t, s, masters(t, fresh)); len(got) != len(Kinds) {
		t.Fatalf("before the run the new secret alone opens too much: %v do not open", got)
	}
	told := 0
	run := &Run{Store: s, Secrets: masters(t, fresh+","+old), RenewRecovery: factor.RenewRecovery, Progress: func(Count) {
		told++
	}}
	counts, err := run.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		want := n * kinds[c.Kind]
		if c.Kind == storage.SealedSettings || c.Kind == storage.SealedPairwise {
			want = 1
		}
		if c.Seen != want || c.Sealed != want || c.Lost != 0 {
			t.Errorf("got %+v, want %d", c, want)
		}
	}
	if told < 10 {
		t.Errorf("progress was told %d times", told)
	}
	if got := closed(t, s, masters(t, fresh)); len(got) > 0 {
		t.Errorf("the new secret alone does not open %v", got)
	}
	if counts, err = run.All(t.Context()); err != nil || counts[2].Sealed != 0 {
		t.Errorf("a second run seals again: %+v, %v", counts, err)
	}
}

// ending is a store whose context ends after some pages.
type ending struct {
	storage.Sealed
	pages int
	stop  context.CancelFunc
}

func (e *ending) ReplaceSealed(ctx context.Context, kind storage.SealedKind,
	changes []storage.SealedChange,
) (int, error) {
	if e.pages--; e.pages == 0 {
		e.stop()
	}
	return e.Sealed.ReplaceSealed(ctx, kind, changes)
}

func TestARunThatWasStoppedIsBegunAgain(t *testing.T) {
	t.Parallel()
	s := open(t)
	put(t, s, masters(t, old), 250)
	ctx, stop := context.WithCancel(t.Context())
	run := &Run{Store: &ending{s, 2, stop}, Secrets: masters(t, fresh+","+old), RenewRecovery: factor.RenewRecovery}
	if counts, err := run.All(ctx); err == nil {
		t.Fatalf("the run was not stopped: %+v", counts)
	}
	run.Store = s
	if counts, err := run.All(t.Context()); err != nil || counts[0].Sealed != 150 {
		t.Errorf("got %+v, %v, want 150 keys that the first run left", counts, err)
	}
	if got := closed(t, s, masters(t, fresh)); len(got) > 0 {
		t.Errorf("the new secret alone does not open %v", got)
	}
}

// racing is a store in which a server seals a value between the read and the write of a run.
type racing struct {
	*sqldb.Store
	t      *testing.T
	server *secret.Masters
}

func (r *racing) ReplaceSealed(ctx context.Context, kind storage.SealedKind,
	changes []storage.SealedChange,
) (int, error) {
	if v := changes[0]; kind == storage.SealedCredentials && v.Kind == storage.TOTPCredential {
		cred := storage.Credential{TenantID: v.TenantID, UserID: v.UserID, Kind: v.Kind,
			Data: r.server.Box(v.TenantID, secret.TOTP).Seal([]byte("newer"))}
		if err := r.PutCredential(ctx, cred, v.Data); err != nil {
			r.t.Error(err)
		}
	}
	return r.Store.ReplaceSealed(ctx, kind, changes)
}

func TestWhatAServerChangesMeanwhileStays(t *testing.T) {
	t.Parallel()
	s, both := open(t), masters(t, fresh+","+old)
	ctx := t.Context()
	cred := storage.Credential{TenantID: storage.DefaultTenant, UserID: "jo", Kind: storage.TOTPCredential,
		Data: masters(t, old).Box(storage.DefaultTenant, secret.TOTP).Seal([]byte("older"))}
	if err := storagetest.AddUser(ctx, s, storage.User{TenantID: storage.DefaultTenant, ID: "jo"},
		[]storage.Credential{cred}, nil); err != nil {
		t.Fatal(err)
	}
	run := &Run{Store: &racing{s, t, both}, Secrets: both, RenewRecovery: factor.RenewRecovery}
	if _, err := run.All(ctx); err != nil {
		t.Fatal(err)
	}
	cred, err := s.Credential(ctx, storage.DefaultTenant, "jo", storage.TOTPCredential, "")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := masters(t, fresh).Box(storage.DefaultTenant, secret.TOTP).Open(cred.Data); err != nil ||
		string(plain) != "newer" {
		t.Errorf("got %q, %v, want what the server stored", plain, err)
	}
}

func TestWhatNoSecretOpensIsCounted(t *testing.T) {
	t.Parallel()
	s := open(t)
	put(t, s, masters(t, old), 3)
	put2 := masters(t, fresh)
	settings, err := s.Tenant(t.Context(), storage.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	settings.Settings.Upstreams[0].ClientSecret = put2.Box(storage.DefaultTenant, secret.UpstreamSecret).Seal([]byte("x"))
	if err := s.UpdateTenant(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	got := closed(t, s, put2)
	for kind, want := range map[storage.SealedKind]int{storage.SealedKeys: 3, storage.SealedSettings: 1,
		storage.SealedCredentials: 9, storage.SealedMails: 3, storage.SealedCodes: 6,
		storage.SealedWebhooks: 3, storage.SealedApps: 3} {
		if got[kind] != want {
			t.Errorf("%s: got %d lost, want %d", kind, got[kind], want)
		}
	}
}
