package authorize

import "context"

// readSubject replaces the subject identifiers that a request for claims names by the ids of users. A pairwise client
// names users by what it knows them by: with an id that it learned elsewhere it could find out whose they are.
func (s *Server) readSubject(ctx context.Context, a *authorization) error {
	r := a.claims.IDToken["sub"]
	if r == nil || !a.client.Pairwise() {
		return nil
	}
	names, err := s.Tokens.Names(ctx, a.client)
	if err != nil {
		return err
	}
	id := func(v any) any {
		name, ok := v.(string)
		if !ok {
			return v
		}
		if id := names.ID(name); id != "" {
			return id
		}
		return "?" // no user has this id
	}
	if r.Value != nil {
		r.Value = id(r.Value)
	}
	for i := range r.Values {
		r.Values[i] = id(r.Values[i])
	}
	return nil
}
