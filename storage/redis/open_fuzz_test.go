package redis

import (
	"strings"
	"testing"
)

// FuzzAddresses: addresses are taken or refused without a connection, and the refusal does
// not quote the password.
func FuzzAddresses(f *testing.F) {
	for _, s := range []string{
		"redis://u:s3cretcanary@h:6379/0", "redis://u:s3cretcanary@a,b:1,[::1]:2", "rediss://u:s3cretcanary@a,redis://b", "redis://u:s3cretcanary@h:x", "redis://u:s3cret%zzcanary@h", "h", ",", "redis://h/x",
		"redis://a:1,b:2/0?master_name=m&username=u&password=s3cretcanary", "redis://h?cluster=true", "redis://u:s3cretcanary@h?pool_size=-1", "redis://h?dial_timeout=1e9&x=s3cretcanary", "redis://u:s3cretcanary@h/99999999999999999999", "redis://:s3cretcanary@\x00", "redis://h?addr=a&addr=b", "redis://:12/s3cretcanary@h",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, addresses string) {
		if len(addresses) > 4<<10 || strings.Contains(addresses, "min_idle") || strings.Contains(addresses, "pool_size") {
			return // what would connect at once, or make a pool of any size
		}
		s, err := Open(addresses)
		if err != nil {
			if strings.Contains(err.Error(), "canary") && !strings.Contains(addresses, "canary=") {
				t.Errorf("%.200q: %v", addresses, err)
			}
			return
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
