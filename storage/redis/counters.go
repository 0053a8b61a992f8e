package redis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

// A counter is three keys, each with an end: how many attempts there were in this window,
// how often in a day they were used up, and, while the key exists, that no attempt is admitted.
// One more than the rule allows marks a window in which an attempt was refused.
const keysOfCounter = 3

// admit counts an attempt by all counters or by none. It is one script, so that it is one
// trip, attempts at once do not overtake each other, and no counter is left without an end.
// It answers the number of the counter that refused and the wait in ms; or 0, 0, and of
// each counter its value and whether it was used up.
var admit = redis.NewScript(`
local over, answer = {}, {0, 0}
for i = 1, #KEYS / 3 do
	local key, times, shut = KEYS[3*i-2], KEYS[3*i-1], KEYS[3*i]
	local max, window, longest, quiet = tonumber(ARGV[5*i-4]), tonumber(ARGV[5*i-3]), tonumber(ARGV[5*i-2]), ARGV[5*i-1]
	local wait = longest > 0 and redis.call("PTTL", shut) or 0
	if wait <= 0 then
		local n = tonumber(redis.call("GET", key) or "0")
		wait = n >= max and window or 0
		if n == max and longest > 0 then
			redis.call("INCR", key)
			local used = redis.call("INCR", times)
			if used == 1 then
				redis.call("PEXPIRE", times, ARGV[#ARGV])
			end
			wait = math.min(longest, window * 2 ^ math.min(used - 1, 16))
			if wait > window then
				redis.call("SET", shut, "", "PX", wait)
			end
		end
	end
	if wait > 0 and quiet == "0" then
		return {i, wait}
	end
	over[i] = wait > 0
end
for i = 1, #KEYS / 3 do
	local key, n = KEYS[3*i-2], 0
	if over[i] or ARGV[5*i] == "1" then
		n = tonumber(redis.call("GET", key) or "0")
	else
		n = redis.call("INCR", key)
		if redis.call("PTTL", key) < 0 then
			redis.call("PEXPIRE", key, ARGV[5*i-3])
		end
	end
	answer[2*i+1], answer[2*i+2] = n, over[i] and 1 or 0
end
return answer`)

// Admit implements ephemeral.Store.
func (s *Store) Admit(ctx context.Context, by []ephemeral.Counter) (ephemeral.Admission, error) {
	keys, args := make([]string, 0, keysOfCounter*len(by)), make([]any, 0, 5*len(by)+1)
	for _, c := range by {
		key, longest := prefix+c.Key, int64(0)
		if c.Grows() {
			longest = milliseconds(c.Longest)
		}
		keys = append(keys, key, key+":times", key+":shut")
		args = append(args, c.Max, milliseconds(c.Window), longest, digit(c.Quiet), digit(c.Look))
	}
	args = append(args, milliseconds(ephemeral.UsedUpFor))
	var got []int64
	err := s.away.do(ctx, "admit", func(ctx context.Context) (err error) {
		got, err = admit.Run(ctx, s.client, keys, args...).Int64Slice()
		return err
	})
	if err != nil {
		return ephemeral.Admission{}, err
	}
	if got[0] > 0 {
		return ephemeral.Admission{By: int(got[0]) - 1, Wait: time.Duration(got[1]) * time.Millisecond}, nil
	}
	a := ephemeral.Admission{By: -1, Counts: make([]int64, len(by)), Over: make([]bool, len(by))}
	for i := range by {
		a.Counts[i], a.Over[i] = got[2*i+2], got[2*i+3] == 1
	}
	return a, nil
}

// digit returns a boolean as scripts read it.
func digit(is bool) int {
	if is {
		return 1
	}
	return 0
}

// release counts the release itself by its first key, if there is a bound on it. It then counts
// down the keys that follow, as many as it is told, to below their bounds, and deletes the keys after
// those.
var release = redis.NewScript(`
local first, back, max, window = 1, tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
if max > 0 then
	local n = redis.call("INCR", KEYS[1])
	if redis.call("PTTL", KEYS[1]) < 0 then
		redis.call("PEXPIRE", KEYS[1], window)
	end
	if n > max then
		return 0
	end
	first = 2
end
for i = first, first + back - 1 do
	local n, most = tonumber(redis.call("GET", KEYS[i]) or "0"), tonumber(ARGV[4 + i - first])
	if n > 0 then
		redis.call("SET", KEYS[i], math.min(n, most) - 1, "KEEPTTL")
	end
end
for i = first + back, #KEYS do
	redis.call("DEL", KEYS[i])
end
return 1`)

// Release implements ephemeral.Store.
func (s *Store) Release(ctx context.Context, r ephemeral.Release) error {
	var keys []string
	args := []any{len(r.Back), 0, 0}
	if r.Within.Key != "" {
		keys, args[1], args[2] = append(keys, prefix+r.Within.Key), r.Within.Max, milliseconds(r.Within.Window)
	}
	for _, c := range r.Back {
		keys, args = append(keys, prefix+c.Key), append(args, c.Max)
	}
	for _, c := range r.Forget {
		key := prefix + c.Key
		keys = append(keys, key, key+":times", key+":shut")
	}
	return s.away.do(ctx, "release", func(ctx context.Context) error {
		return release.Run(ctx, s.client, keys, args...).Err()
	})
}
