package texts

import "strings"

// agents and systems are looked for in this order: most browsers claim to be several.
var (
	agents = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"},
		{"YaBrowser", "Yandex Browser"}, {"Vivaldi", "Vivaldi"},
		{"FxiOS", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS", "Chrome"}, {"Chromium/", "Chromium"},
		{"Chrome/", "Chrome"}, {"Safari/", "Safari"},
		{"curl/", "curl"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"},
		{"Macintosh", "macOS"}, {"Linux", "Linux"},
	}
)

// agentName returns the browser and the system that a User-Agent claims to be. Either is "" when
// users would not know its name.
func agentName(userAgent string) (browser, system string) {
	find := func(table [][2]string) string {
		for _, row := range table {
			if strings.Contains(userAgent, row[0]) {
				return row[1]
			}
		}
		return ""
	}
	return find(agents), find(systems)
}

// Device names the browser and the system that a User-Agent claims to be.
func (w Words) Device(userAgent string) string {
	browser, system := agentName(userAgent)
	switch {
	case browser != "" && system != "":
		return w.Must("agent.both", browser, system)
	case browser+system != "":
		return browser + system
	}
	return w.Must("agent.unknown")
}
