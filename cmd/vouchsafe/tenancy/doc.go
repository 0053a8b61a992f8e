// Package tenancy has the commands about tenants and their settings: tenant and upstream.
package tenancy
