package main

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// The gateway of the measured server: the proxy that asks has an address of its own, so that the requests of all other
// operations come from no proxy.
const (
	proxyAddress = "127.0.0.2"
	appHost      = "app.example"
	gatewayRules = `gateway:
  entries:
    - {id: edge, form: traefik}
  rules:
    - name: public
      hosts: [` + appHost + `]
      paths: [/public/*]
      public: true
    - name: app
      hosts: [` + appHost + `]
      headers: [user, email, groups, identity]
`
)

// check returns a request by which the proxy asks about a page of the app.
func (w *worker) check(target string) (*http.Request, error) {
	u, err := url.Parse(w.issuer)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+u.Port()+"/forward-auth/edge", nil)
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{
		"X-Forwarded-Method": {"GET"}, "X-Forwarded-Host": {appHost}, "X-Forwarded-Uri": {target},
		"X-Forwarded-For": {"127.0.0.1"}, "Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"},
	}
	return req, nil
}

// enterApp follows the answer to a check that does not pass: it returns where it leads and the cookie that it sets.
func (w *worker) enterApp(target, cookie string) (location, set string, err error) {
	req, err := w.check(target)
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Cookie", cookie)
	res, body, err := w.do(req)
	if err != nil {
		return "", "", err
	}
	set, _, _ = strings.Cut(res.Header.Get("Set-Cookie"), ";")
	if location = res.Header.Get("Location"); location == "" || set == "" {
		return "", "", fmt.Errorf("the gateway answers %d %.300s, and leads nowhere", res.StatusCode, body)
	}
	return location, set, nil
}

// enterGateway signs in at the host of an app.
func enterGateway(w *worker) error {
	if err := signIn(w); err != nil {
		return err
	}
	jar := w.client.Jar
	w.client.Transport = &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true,
		DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(proxyAddress)}}).DialContext}
	w.client.Jar = nil // the proxy passes on the cookies of the app's host alone
	to, binding, err := w.enterApp("/reports", "")
	if err != nil {
		return err
	}
	w.client.Jar = jar
	back, _, err := w.get(to)
	if err != nil {
		return err
	}
	w.client.Jar = nil
	_, w.state["cookie"], err = w.enterApp(strings.TrimPrefix(back, "http://"+appHost), binding)
	return err
}

// forwardAuth asks about a request that may pass.
func forwardAuth(w *worker) error {
	req, err := w.check("/reports?of=today")
	if err != nil {
		return err
	}
	req.Header.Set("Cookie", w.state["cookie"])
	res, body, err := w.do(req)
	if err == nil && (res.Header.Get("X-Auth-Email") != person || res.Header.Get("X-Auth-Identity") == "") {
		err = fmt.Errorf("the gateway answers %d and doesn't say who asks", res.StatusCode)
	}
	return expect(res, body, err, http.StatusOK, "")
}
