package sqldb

import (
	"reflect"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// TestASignInDoesNothingElse sets each field of a change beside a session: one that isSignIn overlooks would
// be dropped on PostgreSQL.
func TestASignInDoesNothingElse(t *testing.T) {
	session := storage.Change{TenantID: "t", UserID: "u", Now: time.Unix(1, 0), AddSession: &storage.Session{}}
	for _, ch := range []storage.Change{
		session,
		{TenantID: "t", RenewSession: &storage.SessionRenewal{}, Events: make([]storage.Event, 1)},
	} {
		if !isSignIn(&ch) {
			t.Errorf("%+v is a sign-in", ch)
		}
	}
	for i := range reflect.TypeFor[storage.Change]().NumField() {
		ch := session
		field := reflect.ValueOf(&ch).Elem().Field(i)
		name := reflect.TypeFor[storage.Change]().Field(i).Name
		switch field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 2, 2))
		case reflect.Map:
			field.Set(reflect.MakeMap(field.Type()))
		case reflect.Struct:
			field.Set(reflect.ValueOf(time.Unix(1, 0)))
		case reflect.Func:
			ch.OnEnd = func(storage.Ended) ([]storage.Delivery, []storage.Event) { return nil, nil }
		}
		meant := name == "TenantID" || name == "UserID" || name == "Now" || name == "AddSession"
		if isSignIn(&ch) != meant {
			t.Errorf("with %s: got %v, want %v", name, !meant, meant)
		}
	}
}
