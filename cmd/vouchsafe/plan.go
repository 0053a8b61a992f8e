package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// publishKeys makes the signing keys that the plan's clients declare and that the tenant has none
// of, before there is anything to sign. It opens the master secrets for that alone.
func (a *app) publishKeys(ctx context.Context, s store, tenant string, plan clients.Plan) error {
	stored, err := s.Keys(ctx, tenant, time.Now())
	if err != nil {
		return err
	}
	kept := plan.Kept()
	missing := keys.Unpublished(stored, kept...)
	if len(missing) == 0 {
		return nil
	}
	err = a.withProvider(ctx, func(s *server) error { return s.provider.Keys.Publish(ctx, tenant, kept...) })
	if err != nil {
		return fmt.Errorf("make the first signing keys of %s: %w", strings.Join(missing, ", "), err)
	}
	return nil
}

// printPlan writes the changes for people: a line for each client and each field.
func printPlan(w io.Writer, plan clients.Plan) {
	for _, ch := range plan {
		fmt.Fprintf(w, "%s client %s\n", ch.Op, ch.ClientID)
		printFields(w, ch.Fields)
	}
}

func printFields(w io.Writer, fields diff.Fields) {
	for _, f := range fields {
		switch {
		case f.From == nil:
			fmt.Fprintf(w, "    + %s: %s\n", f.Name, legible(f.To))
		case f.To == nil:
			fmt.Fprintf(w, "    - %s: %s\n", f.Name, legible(f.From))
		default:
			fmt.Fprintf(w, "    ~ %s: %s -> %s\n", f.Name, legible(f.From), legible(f.To))
		}
	}
}

func legible(v any) string {
	if raw, ok := v.(json.RawMessage); ok {
		return string(raw)
	}
	return fmt.Sprint(v)
}

func printTenantPlan(w io.Writer, plan tenants.Plan) {
	for _, ch := range plan {
		fmt.Fprintf(w, "%s tenant %s\n", ch.Op, ch.ID)
		printFields(w, ch.Fields)
	}
}
