package settings

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestUnknownVariablesStopTheStart, with the setting that was probably meant.
func TestUnknownVariablesStopTheStart(t *testing.T) {
	for name, want := range map[string]string{
		"VOUCHSAFE_LISSTEN=:1": "VOUCHSAFE_LISSTEN is not a setting: did you mean VOUCHSAFE_LISTEN?",
		"VOUCHSAFE_FOO=bar": "VOUCHSAFE_FOO is not a setting, and none is similar: vouchsafe " +
			"config --sample lists them",
		"VOUCHSAFE_=x":                              "VOUCHSAFE_ is not a setting",
		"VOUCHSAFE_PORT=8080":                       "VOUCHSAFE_PORT is not a setting: did you mean VOUCHSAFE_LISTEN?",
		"VOUCHSAFE_HOST=0.0.0.0":                    "VOUCHSAFE_HOST is not a setting: did you mean VOUCHSAFE_LISTEN?",
		"VOUCHSAFE_BASE_URL=https://id.example.com": "did you mean VOUCHSAFE_ISSUER?",
		"VOUCHSAFE_ISSUER_URL=x":                    "did you mean VOUCHSAFE_ISSUER?",
		"VOUCHSAFE_SMTP_HOST=mail.example.com":      "did you mean VOUCHSAFE_SMTP_URL?",
		"VOUCHSAFE_SMTP_PORT=587":                   "did you mean VOUCHSAFE_SMTP_URL?",
		"VOUCHSAFE_SMTP_PASSWORD=hunter2hunter2":    "did you mean VOUCHSAFE_SMTP_URL?",
		"VOUCHSAFE_DATABASE=x":                      "did you mean VOUCHSAFE_DATABASE_URL?",
		"VOUCHSAFE_MASTER_SECRET=hunter2hunter2":    "did you mean VOUCHSAFE_SECRET?",
		"VOUCHSAFE_TRUSTED_PROXY=10.0.0.1":          "did you mean VOUCHSAFE_TRUSTED_PROXIES?",
		"VOUCHSAFE_LISTEN_FILE=/run/listen":         "VOUCHSAFE_LISTEN_FILE names a file that cannot be read",
		"VOUCHSAFE_TLS_CERT_FILE=/run/cert.pem": "VOUCHSAFE_TLS_CERT_FILE is not a setting: tls_cert names a file or " +
			"folder itself. Write VOUCHSAFE_TLS_CERT",
		"VOUCHSAFE_EXTRA_CA_FILE_FILE=/run/ca":      "Write VOUCHSAFE_EXTRA_CA_FILE",
		"VOUCHSAFE_CONFIG_FILE=/etc/vouchsafe.yaml": "the file is named by VOUCHSAFE_CONFIG or --config",
		"VOUCHSAFE_SECRETS_FILE=/run/secret":        "did you mean VOUCHSAFE_SECRET",
		"vouchsafe_log_level=debug": "vouchsafe_log_level is not a setting: names are in capitals, write " +
			"VOUCHSAFE_LOG_LEVEL",
		"Vouchsafe_Secret_File=/run/secret":          "write VOUCHSAFE_SECRET_FILE",
		"VOUCHSAFE_DATABASE_URL_FILE=":               "VOUCHSAFE_DATABASE_URL_FILE is empty",
		"VOUCHSAFE_SERVICE=x":                        "VOUCHSAFE_SERVICE is not a setting",
		"VOUCHSAFE_METRICS_PORT=9090":                "did you mean VOUCHSAFE_METRICS_LISTEN?",
		"VOUCHSAFE_ACCESS_TOKEN_LIFETIME_SECONDS=60": "did you mean VOUCHSAFE_ACCESS_TOKEN_LIFETIME?",
	} {
		_, err := settle(t, "", []string{name}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells what may be a secret: %v", name, err)
		}
	}
	for yaml, want := range map[string]string{
		"smtp_host: x": "smtp_host is not a setting: did you mean smtp_url?",
		"listen_file: x": "listen_file is not a setting: listen is not secret, and only secrets are read from " +
			"files here. Write listen",
		"nonsense: x": "nonsense is not a setting, and none is similar",
	} {
		if _, err := settle(t, yaml, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", yaml, err, want)
		}
	}
}

// orchestrated is what Kubernetes sets for Services called vouchsafe, vouchsafe-metrics and
// vouchsafe-smtp in the namespace, and Docker for a link.
var orchestrated = []string{
	"VOUCHSAFE_SERVICE_HOST=10.0.0.11", "VOUCHSAFE_SERVICE_PORT=8080", "VOUCHSAFE_SERVICE_PORT_HTTP=8080",
	"VOUCHSAFE_SERVICE_PORT_HTTP_METRICS=8081",
	"VOUCHSAFE_PORT=tcp://10.0.0.11:8080", "VOUCHSAFE_PORT_8080_TCP=tcp://10.0.0.11:8080",
	"VOUCHSAFE_PORT_8080_TCP_PROTO=tcp", "VOUCHSAFE_PORT_8080_TCP_PORT=8080",
	"VOUCHSAFE_PORT_8080_TCP_ADDR=10.0.0.11", "VOUCHSAFE_PORT_53_UDP=udp://10.0.0.11:53",
	"VOUCHSAFE_PORT_53_UDP_ADDR=fd00::11",
	"VOUCHSAFE_METRICS_SERVICE_HOST=10.0.0.12", "VOUCHSAFE_METRICS_PORT=tcp://10.0.0.12:8081",
	"VOUCHSAFE_METRICS_PORT_8081_TCP_ADDR=10.0.0.12",
	"VOUCHSAFE_SMTP_SERVICE_PORT=25", "VOUCHSAFE_SMTP_PORT=tcp://[fd00::13]:25",
	"VOUCHSAFE_SMTP_PORT_25_TCP=tcp://[fd00::13]:25",
	"VOUCHSAFE_NAME=/app/vouchsafe", "VOUCHSAFE_ENV_VOUCHSAFE_LISTEN=:8080", "VOUCHSAFE_ENV_PATH=/bin",
	"VOUCHSAFE_PORT_8000_TCP_PORT_START=8000", "VOUCHSAFE_PORT_8000_TCP_PORT_END=8010",
}

// TestOrchestratorsStopNothing.
func TestOrchestratorsStopNothing(t *testing.T) {
	if _, err := settle(t, "", append(orchestrated, "VOUCHSAFE_FOO=", "VOUCHSAFE_LOG_LEVEL=", "vouchsafe_theme=dark",
		"PATH=/bin"), nil); err != nil {
		t.Error(err)
	}
	for _, s := range All() {
		for _, name := range []string{s.Env(), s.Env() + "_FILE"} {
			if injected(name, "tcp://10.0.0.1:80") || injected(name, "/x") {
				t.Errorf("%s can be set by an orchestrator", name)
			}
		}
	}
}

// TestEmptySecretFilesAreRefused: a server that went on would make a secret of its own, or a
// database.
func TestEmptySecretFilesAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for _, text := range []string{"", "\n", " \r\n", "\ufeff"} {
		write(t, path, text)
		for _, name := range []string{"VOUCHSAFE_SECRET_FILE", "VOUCHSAFE_DATABASE_URL_FILE", "VOUCHSAFE_SMTP_URL_FILE"} {
			if _, err := settle(t, "", []string{name + "=" + path}, nil); err == nil ||
				!strings.Contains(err.Error(), name+" names a file that is empty") {
				t.Errorf("%s, %q: got %v", name, text, err)
			}
		}
		if _, err := settle(t, "database_url_file: "+path, nil, nil); err == nil ||
			!strings.Contains(err.Error(), "names a file that is empty") {
			t.Errorf("database_url_file, %q: got %v", text, err)
		}
	}
	write(t, path, "\ufeff"+goodSecret+"\r\n")
	if got, err := settle(t, "", []string{"VOUCHSAFE_SECRET_FILE=" + path}, nil); err != nil ||
		string(got.Secret) != goodSecret {
		t.Errorf("got %v", err)
	}
}
