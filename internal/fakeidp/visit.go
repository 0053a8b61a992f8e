package fakeidp

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
)

// Visit does what a browser does at the provider. It opens address, the authorization request,
// chooses who, and returns where the provider sends the browser. With Apple the browser posts a
// form there, whose values are fields. cancel presses the button that refuses to sign in.
func Visit(c *http.Client, address string, who Person, cancel bool) (to string, fields url.Values, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", nil, err
	}
	form := url.Values{
		"request": {u.RawQuery}, "subject": {who.Subject}, "name": {who.Name}, "email": {who.Email},
		"verified": {who.Verified},
		"hosted":   {who.Hosted}, "tenant": {who.Tenant}, "factors": {who.Factors}, "groups": {who.Groups},
		"fault": {who.Fault},
	}
	if cancel {
		form.Set("cancel", "1")
	}
	page, err := c.Get(address)
	if err != nil {
		return "", nil, err
	}
	page.Body.Close()
	if page.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("its page: status %d", page.StatusCode)
	}
	still := *c
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := still.PostForm(address, form)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", nil, err
	}
	if to = resp.Header.Get("Location"); to != "" {
		return to, nil, nil
	}
	if resp.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("its answer: status %d: %s", resp.StatusCode, body)
	}
	fields = url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(string(body), -1) {
		fields.Set(unescape(m[1]), unescape(m[2]))
	}
	if m := formAction.FindStringSubmatch(string(body)); m != nil {
		to = unescape(m[1])
	}
	return to, fields, nil
}

// The two forms of pages that Visit reads.
var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	formAction  = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
)

func unescape(s string) string {
	return html.UnescapeString(s)
}
