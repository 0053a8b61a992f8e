package texts

import "testing"

func TestBrowsersAreNamed(t *testing.T) {
	for ua, want := range map[string][2]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 " +
			"Safari/537.36 Edg/141.0.0.0": {"Edge", "Windows"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0": {"Firefox", "Linux"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 " +
			"Mobile/15E148 Safari/604.1": {"Safari", "iPhone"},
		"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0.7390.26 " +
			"Mobile/15E148 Safari/604.1": {"Chrome", "iPad"},
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 " +
			"Mobile Safari/537.36": {"Samsung Internet", "Android"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
			"Version/18.5 Safari/605.1.15": {"Safari", "macOS"},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) " +
			"Chrome/141.0.0.0 Safari/537.36": {"Chrome", "ChromeOS"},
		"curl/8.5.0": {"curl", ""},
		"":           {"", ""},
		"\x00<b>":    {"", ""},
	} {
		if b, s := agentName(ua); b != want[0] || s != want[1] {
			t.Errorf("%q: got %q on %q, want %q", ua, b, s, want)
		}
	}
}
