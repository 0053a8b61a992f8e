package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// dialTimeout and ioTimeout are for the network; a command takes microseconds.
	dialTimeout = time.Second
	ioTimeout   = time.Second
)

// Open makes a store for the Redis at the addresses, which are separated by commas.
// Redis need not answer yet.
//
//	redis://user:password@host:6379/0                     one server
//	redis://user:password@a:6379,b:6379                   a Cluster, by some of its nodes
//	redis://host:6379?cluster=true                        a Cluster with one address for all
//	redis://a:26379,b:26379/0?master_name=NAME            the master that Sentinels know by NAME
//
// With rediss:// connections use TLS. Behind Sentinels, user and password before the
// addresses are the Sentinels' own, and username and password in the query those of the
// servers. The query takes go-redis's other options too, such as pool_size.
func Open(urls string) (*Store, error) {
	silence()
	base, more, err := parse(urls)
	if err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	query := base.Query()
	cluster := query.Get("cluster") == "true"
	query.Del("cluster")
	sentinel := query.Get("master_name") != ""
	if len(more) > 0 {
		query["addr"] = more
	}
	base.RawQuery = query.Encode()

	var client redis.UniversalClient
	switch {
	case sentinel:
		client, err = openSentinel(base.String())
	case cluster || len(more) > 0:
		client, err = openCluster(base.String())
	default:
		client, err = openSingle(base.String())
	}
	if err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	return newStore(client), nil
}

// parse splits the addresses: the first, with what is said of all, and the others. What
// is said once, before the first or behind the last, holds for all.
func parse(urls string) (base *url.URL, more []string, err error) {
	for part := range strings.SplitSeq(urls, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			return nil, nil, errors.New("an address is empty")
		}
		if !strings.Contains(part, "://") {
			scheme := "redis"
			if base != nil {
				scheme = base.Scheme
			}
			part = scheme + "://" + part
		}
		u, err := url.Parse(part)
		if err != nil {
			return nil, nil, errors.New("an address is not a URL") // the parser's error repeats the password
		}
		// Either may be half of a password, which go-redis would repeat.
		if strings.Trim(u.Path, "/0123456789") != "" {
			return nil, nil, errors.New("behind an address stands something other than the number of a database: " +
				"percent-encode what is special in a password")
		}
		if strings.Contains(u.RawQuery+u.Fragment, "@") {
			return nil, nil, errors.New("an @ stands behind an address: percent-encode what is special in a password, there %40")
		}
		if u.Scheme != "redis" && u.Scheme != "rediss" {
			return nil, nil, fmt.Errorf("scheme is %q, want redis or rediss", u.Scheme)
		}
		if base == nil {
			base = u
			continue
		}
		if u.Scheme != base.Scheme {
			return nil, nil, errors.New("some addresses use TLS and some do not")
		}
		port := u.Port()
		if port == "" {
			port = "6379"
		}
		more = append(more, net.JoinHostPort(u.Hostname(), port))
		if u.User != nil && base.User == nil {
			base.User = u.User
		}
		if strings.Trim(u.Path, "/") != "" {
			base.Path = u.Path
		}
		if u.RawQuery != "" {
			base.RawQuery = u.RawQuery
		}
	}
	return base, more, nil
}

// openSingle opens one server.
func openSingle(url string) (redis.UniversalClient, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	timeouts(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.DialerRetries, &o.MaxRetries)
	o.ContextTimeoutEnabled, o.DisableIdentity = true, true
	o.MaintNotificationsConfig = quiet()
	return redis.NewClient(o), nil
}

// openCluster opens a Cluster. A certificate of a node has to have the name by which the node is known.
func openCluster(url string) (redis.UniversalClient, error) {
	o, err := redis.ParseClusterURL(url)
	if err != nil {
		return nil, err
	}
	timeouts(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.DialerRetries, &o.MaxRetries)
	o.ContextTimeoutEnabled, o.DisableIdentity = true, true
	o.MaintNotificationsConfig = quiet()
	eachByItsName(o.TLSConfig)
	return redis.NewClusterClient(o), nil
}

// openSentinel opens the master that Sentinels name, and follows a failover.
func openSentinel(url string) (redis.UniversalClient, error) {
	o, err := redis.ParseFailoverURL(url)
	if err != nil {
		return nil, err
	}
	timeouts(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.DialerRetries, &o.MaxRetries)
	o.ContextTimeoutEnabled, o.DisableIdentity = true, true
	eachByItsName(o.TLSConfig)
	return redis.NewFailoverClient(o), nil
}

// timeouts replaces go-redis's defaults, which would have a user wait for half a
// minute when Redis is out of reach.
func timeouts(dial, read, write *time.Duration, dials, retries *int) {
	for d, def := range map[*time.Duration]time.Duration{dial: dialTimeout, read: ioTimeout, write: ioTimeout} {
		if *d == 0 {
			*d = def
		}
	}
	for n, def := range map[*int]int{dials: 1, retries: 1} {
		if *n == 0 {
			*n = def
		}
	}
}

// silence keeps go-redis from writing to standard error: what fails is returned, and
// the caller's to log.
var silence = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

// silent is a logger of go-redis that writes nothing.
type silent struct{}

// Printf drops the message.
func (silent) Printf(context.Context, string, ...any) {}

// quiet leaves out the handshake with Redis's own cloud.
func quiet() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// eachByItsName has every node's certificate compared with that node's name, and not
// with the first one's.
func eachByItsName(config *tls.Config) {
	if config != nil {
		config.ServerName = ""
		config.MinVersion = tls.VersionTLS12
	}
}
