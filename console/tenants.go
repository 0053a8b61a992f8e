package console

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/storage"
)

// tenantsPart is the page from which the operator of the server goes to a tenant.
func (c Config) tenantsPart() Part {
	return Part{Pages: []Page{{
		Method: http.MethodGet, Path: "/tenants", Scopes: []string{"tenants:read"}, Serve: c.tenantsPage,
	}}}
}

// tenantRow is a tenant in the list.
type tenantRow struct {
	ID, Name, URL string
	Disabled      bool
}

// tenantsPage lists all tenants.
func (c Config) tenantsPage(call *Call) error {
	tenants, next, err := Paged(call, "tenants", func(after string, limit int) ([]storage.Tenant, error) {
		return c.Tenants.Tenants(call.Context(), after, limit)
	}, func(t storage.Tenant) string { return t.ID })
	if err != nil {
		return err
	}
	page := struct {
		List List
		Rows []tenantRow
	}{List: List{Next: next, First: call.First()}}
	for _, t := range tenants {
		row := tenantRow{t.ID, t.Name, call.issuerPath() + Prefix, t.Disabled}
		if t.ID != call.Administrator.User.TenantID {
			row.URL += "/t/" + t.ID
		}
		page.Rows = append(page.Rows, row)
	}
	return call.Show("tenants", "console.tenants.title", page)
}
