package gateway

import (
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Refusals are recorded once an hour for each user and rule, and some of each user: an app that polls, or a page with
// fifty pictures, would fill the audit trail. The log has each of them.
var (
	refusalsOfRule = limit.Rule{Name: "gateway-refused", Max: 1, Window: time.Hour}
	refusalsOfUser = limit.Rule{Name: "gateway-refused-user", Max: 20, Window: time.Hour}
)

// record stores that the user may not send the request. The path is left out: some have secrets.
func (x *exchange) record() {
	ctx, who := x.r.Context(), x.who
	if _, _, ok := x.s.Limits.Admit(ctx, x.t.ID, "",
		limit.By{Rule: refusalsOfRule, Subject: x.rule.Name + "\x00" + who.user.ID + "\x00" + who.actor},
		limit.By{Rule: refusalsOfUser, Subject: who.user.ID},
	); !ok {
		return
	}
	e := storage.Event{
		TenantID: x.t.ID, Kind: storage.EventAccessRefused, UserID: who.user.ID, ClientID: ClientID,
		Detail: map[string]string{"reason": "gateway", "rule": x.rule.Name, "host": x.asked.Host},
	}
	e.NameActor(who.actor)
	req := web.RequestOf(ctx)
	x.s.Audit.Observe(ctx, audit.Origin{RequestID: req.ID, IP: req.IP}.Event(e))
}
