//go:build generated

// Package management uses a client that oapi-codegen made from the OpenAPI document of the management API. The test
// that runs it makes the client anew, and adds it to this package.
package management

import (
	"context"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/oapi-codegen/nullable"
)

// connect returns the client for the server that the environment names.
func connect(t *testing.T) *ClientWithResponses {
	t.Helper()
	token := "Bearer " + os.Getenv("TOKEN")
	c, err := NewClientWithResponses(os.Getenv("ISSUER"), WithRequestEditorFn(
		func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", token)
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answered is what the client says of every answer.
type answered interface{ StatusCode() int }

// done fails the test unless the answer has the status. The client has then read its body, too.
func done[A answered](t *testing.T, status int) func(a A, err error) A {
	return func(a A, err error) A {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if a.StatusCode() != status {
			t.Fatalf("got %d %+v, want %d", a.StatusCode(), a, status)
		}
		return a
	}
}

func ref[T any](v T) *T { return &v }

// add adds a user, who goes with the test.
func add(t *testing.T, c *ClientWithResponses, email string) string {
	t.Helper()
	made := done[*AddUserResponse](t, 201)(c.AddUserWithResponse(t.Context(), nil, AddUserJSONRequestBody{Email: &email}))
	if made.JSON201 == nil || *made.JSON201.Email != email || made.HTTPResponse.Header.Get("Location") == "" {
		t.Fatalf("got %s, want the user", made.Body)
	}
	id := *made.JSON201.Id
	t.Cleanup(func() {
		if _, err := c.RemoveUserWithResponse(context.Background(), id, nil); err != nil {
			t.Error(err)
		}
	})
	return id
}

func TestUsers(t *testing.T) {
	c := connect(t)
	id := add(t, c, "kim@example.com")
	read := done[*GetUserResponse](t, 200)(c.GetUserWithResponse(t.Context(), id))
	tag := read.HTTPResponse.Header.Get("ETag")
	if read.JSON200.Status.SecondFactor || read.JSON200.Status.CreatedAt.IsZero() || tag == "" {
		t.Errorf("got %s with the ETag %s, want the user", read.Body, tag)
	}
	patch := PatchUserApplicationMergePatchPlusJSONRequestBody{
		Username: nullable.NewNullableWithValue("kim"), PhoneNumber: nullable.NewNullNullable[string](),
	}
	change := func(params PatchUserParams, status int) *PatchUserResponse {
		t.Helper()
		return done[*PatchUserResponse](t, status)(
			c.PatchUserWithApplicationMergePatchPlusJSONBodyWithResponse(t.Context(), id, &params, patch))
	}
	preview, err := change(PatchUserParams{DryRun: ref(true), IfMatch: &tag}, 200).JSON200.AsPreview()
	if err != nil || len(preview.Changes) != 1 || preview.Changes[0].Name != "username" {
		t.Errorf("got %+v, %v, want what would change", preview, err)
	}
	changed, err := change(PatchUserParams{IfMatch: &tag}, 200).JSON200.AsUser()
	if err != nil || changed.Username == nil || *changed.Username != "kim" {
		t.Errorf("got %+v, %v, want the change", changed, err)
	}
	stale := change(PatchUserParams{IfMatch: &tag}, 412)
	if stale.ApplicationproblemJSON412.Code != "precondition_failed" || stale.HTTPResponse.Header.Get("ETag") == tag {
		t.Errorf("got %s, want the problem, and the current ETag", stale.Body)
	}
	wrong := done[*AddUserResponse](t, 422)(c.AddUserWithResponse(t.Context(), nil,
		AddUserJSONRequestBody{Email: ref("nonsense")}))
	hasFault(t, wrong.ApplicationproblemJSON422, "/email")
	done[*GetFactorsResponse](t, 200)(c.GetFactorsWithResponse(t.Context(), id))
	done[*ListSessionsResponse](t, 200)(c.ListSessionsWithResponse(t.Context(), id))
	done[*ListGrantsResponse](t, 200)(c.ListGrantsWithResponse(t.Context(), id))
	done[*ListIdentitiesResponse](t, 200)(c.ListIdentitiesWithResponse(t.Context(), id))
	done[*ListPasskeysResponse](t, 200)(c.ListPasskeysWithResponse(t.Context(), id))
	done[*DisableUserResponse](t, 200)(c.DisableUserWithResponse(t.Context(), id, nil))
	done[*SetAdministratorResponse](t, 200)(c.SetAdministratorWithResponse(t.Context(), id,
		SetAdministratorJSONRequestBody{Role: Auditor}))
	done[*ListAdministratorsResponse](t, 200)(c.ListAdministratorsWithResponse(t.Context(), nil))
}

// hasFault fails the test unless the problem has faults at the JSON pointers.
func hasFault(t *testing.T, p *Problem, pointers ...string) {
	t.Helper()
	for _, pointer := range pointers {
		if p == nil || p.Errors == nil || !slices.ContainsFunc(*p.Errors, func(f Fault) bool { return *f.Pointer == pointer }) {
			t.Errorf("got %+v, want a fault at %s", p, pointer)
		}
	}
}

// TestPages walks a list, a user a page.
func TestPages(t *testing.T) {
	c := connect(t)
	var want, got []string
	for _, name := range []string{"ann", "bea", "cay"} {
		want = append(want, add(t, c, name+"@example.com"))
	}
	for after := (*string)(nil); ; {
		page := done[*ListUsersResponse](t, 200)(c.ListUsersWithResponse(t.Context(), &ListUsersParams{
			Limit: ref(1), After: after})).JSON200
		for _, u := range page.Items {
			got = append(got, *u.Id)
		}
		if after = page.Next; after == nil {
			break
		}
	}
	for _, id := range want {
		if !slices.Contains(got, id) {
			t.Errorf("the pages have %v, and not %s", got, id)
		}
	}
}

func TestGroupsAndClients(t *testing.T) {
	c, ctx := connect(t), t.Context()
	id := add(t, c, "lee@example.com")
	done[*PutGroupResponse](t, 200)(c.PutGroupWithResponse(ctx, "staff", nil,
		PutGroupJSONRequestBody{Title: ref("Staff")}))
	done[*AddMemberResponse](t, 204)(c.AddMemberWithResponse(ctx, "staff", id))
	members := done[*ListMembersResponse](t, 200)(c.ListMembersWithResponse(ctx, "staff", nil))
	if len(members.JSON200.Items) != 1 || members.JSON200.Items[0].Id != id {
		t.Errorf("got %s, want one member", members.Body)
	}
	done[*ListMembershipsResponse](t, 200)(c.ListMembershipsWithResponse(ctx, id))
	made := done[*PutClientResponse](t, 201)(c.PutClientWithResponse(ctx, "wiki", &PutClientParams{IfNoneMatch: ref("*")},
		PutClientJSONRequestBody{ClientName: ref("Wiki"), RedirectUris: &[]string{"https://wiki.example/"}}))
	if made.JSON201.ClientSecret == nil || *made.JSON201.ClientSecret == "" {
		t.Errorf("got %s, want a secret", made.Body)
	}
	done[*AddSecretResponse](t, 201)(c.AddSecretWithResponse(ctx, "wiki", nil))
	done[*PutClientRoleResponse](t, 200)(c.PutClientRoleWithResponse(ctx, "wiki", "editor", nil,
		PutClientRoleJSONRequestBody{}))
	done[*GiveClientRoleToGroupResponse](t, 204)(c.GiveClientRoleToGroupWithResponse(ctx, "wiki", "editor", "staff"))
}

func TestTheRest(t *testing.T) {
	c, ctx := connect(t), t.Context()
	wrong := done[*PutAPIResponse](t, 422)(c.PutAPIWithResponse(ctx, "a b?c/d", nil, PutAPIJSONRequestBody{
		Scopes: &[]APIScopeInput{{Name: ref("openid")}}}))
	hasFault(t, wrong.ApplicationproblemJSON422, "/identifier", "/scopes/0/name")
	done[*PutAPIResponse](t, 201)(c.PutAPIWithResponse(ctx, "https://api.example/", nil, PutAPIJSONRequestBody{}))
	done[*GetAPIResponse](t, 200)(c.GetAPIWithResponse(ctx, "https://api.example/"))
	done[*PutUpstreamResponse](t, 201)(c.PutUpstreamWithResponse(ctx, "corp", nil, PutUpstreamJSONRequestBody{
		Issuer: ref("https://idp.example"), ClientId: "me", ClientSecret: ref("secret")}))
	if got := done[*ListUpstreamsResponse](t, 200)(c.ListUpstreamsWithResponse(ctx)); !got.JSON200.Items[0].Status.Secret {
		t.Errorf("got %s, want that there is a secret", got.Body)
	}
	tenant := done[*GetTenantResponse](t, 200)(c.GetTenantWithResponse(ctx))
	if tenant.JSON200.Status.Id != "default" {
		t.Errorf("got %s, want the tenant", tenant.Body)
	}
	done[*ListTenantsResponse](t, 200)(c.ListTenantsWithResponse(ctx, nil))
	done[*PutOneTenantResponse](t, 201)(c.PutOneTenantWithResponse(ctx, "north", nil, PutOneTenantJSONRequestBody{}))
	done[*InviteResponse](t, 201)(c.InviteWithResponse(ctx, nil, InviteJSONRequestBody{Email: "new@example.com"}))
	done[*ListWaitingResponse](t, 200)(c.ListWaitingWithResponse(ctx, nil))
	done[*ListKeysResponse](t, 200)(c.ListKeysWithResponse(ctx))
	if got := done[*SearchAuditResponse](t, 200)(c.SearchAuditWithResponse(ctx, &SearchAuditParams{
		Kind: &[]string{"api.added"}})); len(got.JSON200.Items) != 1 {
		t.Errorf("got %s, want one event", got.Body)
	}
	done[*ExportAuditResponse](t, 200)(c.ExportAuditWithResponse(ctx, nil))
	if got := done[*GetStatsResponse](t, 200)(c.GetStatsWithResponse(ctx, &GetStatsParams{Days: ref(7)})); len(
		got.JSON200.Days) != 7 {
		t.Errorf("got %s, want a week", got.Body)
	}
}
