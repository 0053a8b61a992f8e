package redis

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzAddresses writes a password into the addresses as it is, as operators do who forget
// to encode it. They are taken or refused without a connection, and the refusal quotes no
// part of the password.
func FuzzAddresses(f *testing.F) {
	for _, password := range []string{"", "s3cret", "s3cret%zz", "/", "?", "#", "@", ":", ",", "12/", "12?", "12?a=",
		"12#", "12,", "\x00", " ", "[", "ä", "&pool_timeout="} {
		for _, rest := range []string{"h:6379/0", "a,b:1,[::1]:2", "a,redis://b", "h:x", "h/x", "h?dial_timeout=1e9&x=y",
			"h/99999999999999999999", "h?cluster=true", "a:1,b:2/0?master_name=m&username=u&password=p", "h?addr=a&addr=b"} {
			f.Add("redis://u:", password, "", rest)
			f.Add("rediss://:", "", password, rest)
		}
	}
	f.Add("h,redis://u:", "", "", "h")
	f.Add("redis://a:1,b:2/0?master_name=m&username=u&password=", "", "&x=y", "")
	f.Add(",", "", "", "")
	const canary = "Canary7"
	f.Fuzz(func(t *testing.T, before, head, tail, rest string) {
		addresses := before + head + canary + tail + "@" + rest
		if strings.HasSuffix(before, "password=") {
			addresses = before + head + canary + tail + rest
		} else if strings.ContainsAny(before, "?") || !strings.HasSuffix(before, ":") {
			return // the canary would be no password
		}
		clear, err := url.PathUnescape(addresses)
		if err != nil {
			clear = addresses
		}
		if len(addresses) > 4<<10 || strings.Contains(clear, "min_idle") || strings.Contains(clear, "pool_size") ||
			strings.Contains(before+rest, canary) {
			return // what would connect at once, or make a pool of any size
		}
		s, err := Open(addresses)
		if err != nil {
			if strings.Contains(err.Error(), canary) {
				t.Errorf("%.200q: %v", addresses, err)
			}
			return
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
