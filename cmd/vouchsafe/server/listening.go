package server

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/gate"
	"github.com/vouchsafe/vouchsafe/internal/listeners"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage"
)

// httpServer bounds what a peer can make the server wait for or keep.
func httpServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		// web.Edge bounds how long the answer to a request may take. This is for all else, and leaves
		// room for late answers.
		WriteTimeout:   2*requestTimeout + 20*time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 32 << 10,
		// The memory of an HTTP/2 connection is bounded, also if its client asks for much and reads nothing.
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 16, MaxReadFrameSize: 16 << 10,
			MaxReceiveBufferPerConnection: 64 << 10, MaxReceiveBufferPerStream: 64 << 10,
			WriteByteTimeout: 10 * time.Second,
		},
		ConnState: gate.State,
		ErrorLog:  slog.NewLogLogger(log.Handler(), slog.LevelDebug), // mostly scanners' TLS mistakes
	}
}

// serveOn serves on the listener. It returns nil after an orderly shutdown.
func serveOn(srv *http.Server, l net.Listener) error {
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listenOperations opens the operator's listener. An embedded server starts without it if the default
// address is taken, most likely by another embedded server.
func listenOperations(cfg *settings.Config, log *slog.Logger) (net.Listener, error) {
	if cfg.MetricsListen == "off" {
		return nil, nil
	}
	var l net.Listener
	var err error
	if path, ok := listeners.SocketPath(cfg.MetricsListen); ok {
		l, err = listeners.OpenUnix(path, fs.FileMode(cfg.ListenMode))
	} else {
		l, err = net.Listen("tcp", cfg.MetricsListen)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && !cfg.Production() &&
		cfg.MetricsListen == settings.Named("metrics_listen").Default():
		log.Warn("no metrics are served: something else listens there. VOUCHSAFE_METRICS_LISTEN chooses "+
			"another address, or off", "address", cfg.MetricsListen)
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("metrics_listen: %w", err)
	}
	return l, nil
}

// withPort returns the issuer with the port that the system chose for port 0.
func withPort(issuer string, addr net.Addr) string {
	if host, found := strings.CutSuffix(issuer, ":0"); found {
		if _, port, err := net.SplitHostPort(addr.String()); err == nil {
			return host + ":" + port
		}
	}
	return issuer
}

// addresses returns the addresses of the listeners, separated by spaces. Listeners may be nil.
func addresses(opened ...net.Listener) string {
	var all []string
	for _, l := range opened {
		if l != nil {
			all = append(all, l.Addr().String())
		}
	}
	return strings.Join(all, " ")
}

// guard bounds the connections of the listeners, and reads the PROXY protocol of load balancers if that
// is set.
func (s *Server) guard(listeners []net.Listener) {
	within := func(networks []settings.Network) func(netip.Addr) bool {
		return func(a netip.Addr) bool {
			return slices.ContainsFunc(networks, func(p settings.Network) bool { return p.Contains(a) })
		}
	}
	g := &gate.Gate{
		PerAddress: s.cfg.ConnectionsPerAddress,
		Exempt:     within(slices.Concat(s.cfg.TrustedProxies, s.cfg.UnlimitedAddresses)),
		Refused: func(address string) {
			s.metrics.Connections.Inc()
			s.log.Warn("connections are refused: their address has too many", "address", address, "most",
				s.cfg.ConnectionsPerAddress)
		},
	}
	for i, l := range listeners {
		if s.cfg.ProxyProtocol {
			l = gate.Proxied(l, within(s.cfg.TrustedProxies), func(proxy net.Addr, err error) {
				s.log.Warn("a connection of a trusted proxy is refused", "proxy", proxy.String(), "error", err)
			})
		}
		listeners[i] = g.Listen(l)
	}
}

// devKey returns the key of the developer page. It is the same after a restart, so that browsers keep it.
func devKey(secrets *secret.Masters) string {
	return base64.RawURLEncoding.EncodeToString(secrets.Box(storage.DefaultTenant,
		secret.DeveloperPage).MAC([]byte("the bearer may open the developer page")))
}

// openDoor listens at a port that no proxy knows. There, browsers of this machine get the key of the
// developer page. If it cannot listen, the link with the key still opens the page.
func (s *Server) openDoor(log *slog.Logger) ([]net.Listener, *http.Server) {
	if s.dev == nil {
		return nil, nil
	}
	var doors []net.Listener
	var err error
	for range 5 { // the port may be free at one address and taken at the other
		if doors, err = listeners.Open("localhost:0", 0); err == nil {
			break
		}
	}
	if err != nil {
		log.Warn("browsers of this machine need the link to open the developer page", "error", err)
		return nil, nil
	}
	_, s.dev.Door, _ = net.SplitHostPort(doors[0].Addr().String()) // as the system spells it
	return doors, httpServer(s.dev.Doorkeeper(), log)
}

// listenOn opens ports of all addresses, but for those that are 0.
func listenOn(ports ...int) (opened []net.Listener, err error) {
	for _, port := range ports {
		if port == 0 {
			continue
		}
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			return opened, err
		}
		opened = append(opened, l)
	}
	return opened, nil
}
