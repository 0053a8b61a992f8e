package admin

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/administration"
)

// statistics are what the tenant's users did, as the API shows it.
type statistics struct {
	Active   activeUsers      `json:"active" doc:"How many different users signed in."`
	Days     []dayStatistics  `json:"days" doc:"Each day in UTC, oldest first."`
	SignIns  map[string]int64 `json:"sign_ins" doc:"Sign-ins by their amr (RFC 8176), such as pwd, or pwd otp."`
	Failures map[string]int64 `json:"failures" doc:"Refused sign-ins by their reason."`
}

// activeUsers are the users who signed in on the last days.
type activeUsers struct {
	Day   int64 `json:"day" doc:"Today, in UTC."`
	Week  int64 `json:"week" doc:"Today and on the 6 days before."`
	Month int64 `json:"month" doc:"Today and on the 29 days before."`
}

// dayStatistics are those of one day.
type dayStatistics struct {
	Date     string `json:"date" format:"date" doc:"The day."`
	Active   int64  `json:"active" doc:"How many different users signed in."`
	SignIns  int64  `json:"sign_ins" doc:"How many sign-ins there were."`
	Failures int64  `json:"failures" doc:"How many sign-ins were refused."`
}

// statsCall is the input of GET /stats.
type statsCall struct {
	Days int `query:"days" least:"1" most:"366" doc:"How many days; 30 when left out."`
}

func (s *Server) statsRoutes() []jsonapi.Route {
	return []jsonapi.Route{handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/stats", ID: "getStats", Scope: "stats:read",
		Summary: "Counts active users, sign-ins and refusals.",
		Text: "Days are those of UTC. It counts up to a year back, and as far as the audit trail was kept when the server " +
			"first counted.",
	}, func(c *call, in statsCall) (statistics, error) {
		if in.Days == 0 {
			in.Days = 30
		}
		st, err := administration.Count(c.Context(), s.Store, c.asker, in.Days, time.Now())
		out := statistics{
			Active: activeUsers{st.Day, st.Week, st.Month}, SignIns: st.SignIns, Failures: st.Failures,
			Days: []dayStatistics{},
		}
		for _, d := range st.Days {
			out.Days = append(out.Days, dayStatistics{d.Day.Format(time.DateOnly), d.Active, d.SignIns, d.Failures})
		}
		return out, err
	})}
}
