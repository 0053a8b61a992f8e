package exports

import (
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// django reads manage.py dumpdata of the user model, as JSON or JSON lines, or its table as CSV. Further files are
// dumpdata of django-otp (otp_totp, otp_static) and of django-allauth (socialaccount, account).
var django = product{user: djangoUser, further: djangoMore}

// djangoObject is an object of dumpdata. A row of the table has the fields beside the id.
type djangoObject struct {
	Model  string          `json:"model"`
	PK     text            `json:"pk"`
	ID     text            `json:"id"`
	Fields json.RawMessage `json:"fields"`
}

type djangoFields struct {
	Username  *text  `json:"username"`
	Email     text   `json:"email"`
	Password  *text  `json:"password"`
	FirstName text   `json:"first_name"`
	LastName  text   `json:"last_name"`
	Name      text   `json:"name"`
	Active    *flag  `json:"is_active"`
	Joined    moment `json:"date_joined"`
}

// djangoUser reads a user, and passes over objects of other models.
func djangoUser(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var o djangoObject
	if err := json.Unmarshal(raw, &o); err != nil {
		return read, true, err
	}
	if o.Model == "" {
		o.PK, o.Fields = o.ID, raw
	}
	var u djangoFields
	if err := json.Unmarshal(o.Fields, &u); err != nil {
		return read, true, err
	}
	if u.Password == nil && o.Model != "" { // a group, a permission
		return read, false, nil
	}
	row := &read.Row
	*row = importing.Row{
		Email: string(u.Email), CreatedAt: u.Joined.Time, Disabled: u.Active != nil && !bool(*u.Active),
		Profile: storage.Profile{GivenName: string(u.FirstName), FamilyName: string(u.LastName), Name: string(u.Name)},
	}
	if row.Profile.Name == "" {
		row.Profile.Name = strings.TrimSpace(row.Profile.GivenName + " " + row.Profile.FamilyName)
	}
	if u.Username != nil {
		row.Username = string(*u.Username)
	}
	if u.Password != nil {
		setHash(row, *u.Password)
	}
	setID(row, o.PK)
	f.addTo(&read, o.PK)
	return read, true, nil
}

type djangoFurther struct {
	User      text   `json:"user"`
	Key       text   `json:"key"`
	Step      int    `json:"step"`
	Digits    int    `json:"digits"`
	Start     int64  `json:"t0"`
	Confirmed *flag  `json:"confirmed"`
	Device    text   `json:"device"`
	Token     string `json:"token"`
	Provider  text   `json:"provider"`
	UID       text   `json:"uid"`
	Email     text   `json:"email"`
	Verified  flag   `json:"verified"`
	Primary   flag   `json:"primary"`
	Data      nested[struct {
		Email text `json:"email"`
	}] `json:"extra_data"`
}

// djangoMore reads a device, a recovery code, an account at a provider, or an address.
func djangoMore(f *files, raw json.RawMessage) error {
	var o djangoObject
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	var d djangoFurther
	if len(o.Fields) > 0 {
		if err := json.Unmarshal(o.Fields, &d); err != nil {
			return err
		}
	}
	switch o.Model {
	case "otp_totp.totpdevice":
		d.addApp(f.of(d.User))
	case "otp_static.staticdevice":
		f.devices[string(o.PK)] = string(d.User)
	case "otp_static.statictoken":
		if user := f.devices[string(d.Device)]; user != "" {
			e := f.of(text(user))
			e.codes = append(e.codes, d.Token)
		}
	case "socialaccount.socialaccount":
		e := f.of(d.User)
		e.identities = append(e.identities, account{d.Provider, d.UID, d.Data.val.Email})
	case "account.emailaddress":
		if bool(d.Verified) && bool(d.Primary) {
			f.of(d.User).verified = true
		}
	case "":
		return errColumns("dumpdata of otp_totp, otp_static, socialaccount or account")
	}
	return nil
}

// addApp adds an authenticator app to what is known of the user.
func (d *djangoFurther) addApp(e *extra) {
	key, err := hex.DecodeString(string(d.Key))
	switch {
	case d.Confirmed != nil && !bool(*d.Confirmed): // the user never finished
	case err != nil || d.Start != 0 || e.totp != nil:
		e.lost = append(e.lost, "an authenticator app is not imported: only one of each user is, if its clock begins in 1970")
	default:
		e.totp = &importing.TOTP{Secret: base32.StdEncoding.EncodeToString(key), Digits: d.Digits, Period: d.Step}
	}
}
