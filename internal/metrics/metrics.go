// Package metrics counts for Prometheus what a server does: requests, SQL statements, mails, and what it
// refuses.
//
// The names and labels of the metrics are an interface for operators: docs/monitoring.md lists them. Labels
// have few values: never a path, an address or an id.
package metrics

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Metrics counts. Only New makes one.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	sql      *prometheus.CounterVec
	mails    *prometheus.CounterVec
	outbox   *prometheus.GaugeVec

	// What every request counts with, found once: counters by answered, histograms by route.
	counters, histograms sync.Map
	reads, writes        prometheus.Counter

	// Connections and Requests count those that were refused because their address had too many.
	Connections, Requests prometheus.Counter
}

// answered is a kind of answer that is counted.
type answered struct {
	route string
	class int // of the status: 2 is 2xx
}

// New returns counters that begin at 0. version is that of the program.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vouchsafe_http_requests_total",
			Help: "Requests answered, by route and class of status.",
		}, []string{"route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "vouchsafe_http_request_duration_seconds",
			Help:    "Time to answer requests, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"route"}),
		sql: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vouchsafe_sql_statements_total",
			Help: "SQL statements run, by whether they read or write. What an operation may cost is part of the architecture.",
		}, []string{"op"}),
	}
	m.mails = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vouchsafe_mail_attempts_total",
		Help: "Attempts to send a mail, by what came of it: sent, failed (will be tried again) or dead.",
	}, []string{"result"})
	m.outbox = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "vouchsafe_mails",
		Help: "Mails in the outbox a while ago, by whether they wait (queued) or were given up (dead). All " +
			"replicas say the same.",
	}, []string{"state"})
	for _, result := range []string{"sent", "failed", "dead"} {
		m.mails.WithLabelValues(result)
	}
	m.reads, m.writes = m.sql.WithLabelValues("read"), m.sql.WithLabelValues("write") // 0, rather than absent
	tooMany := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vouchsafe_refused_total",
		Help: "Connections and requests that were refused because their address had too many.",
	}, []string{"what"})
	m.Connections, m.Requests = tooMany.WithLabelValues("connection"), tooMany.WithLabelValues("request")
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "vouchsafe_build_info", Help: "1, with the version as a label.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.took, m.sql, m.mails, m.outbox, tooMany, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Done counts a request that was answered.
func (m *Metrics) Done(r *http.Request, status int, took time.Duration) {
	route := web.RequestOf(r.Context()).Route
	if route == "" {
		route = "none"
	}
	kind := answered{route, status / 100}
	counter, ok := m.counters.Load(kind)
	if !ok {
		counter, _ = m.counters.LoadOrStore(kind, m.requests.WithLabelValues(route, strconv.Itoa(kind.class)+"xx"))
	}
	counter.(prometheus.Counter).Inc()
	histogram, ok := m.histograms.Load(route)
	if !ok {
		histogram, _ = m.histograms.LoadOrStore(route, m.took.WithLabelValues(route))
	}
	histogram.(prometheus.Observer).Observe(took.Seconds())
}

// Keratin returns what counts a request in the names that Keratin AuthN has: by the name of its route.
func (m *Metrics) Keratin() func(name string, status int, took time.Duration) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "http_requests_total", Help: "Requests for the routes of Keratin AuthN, by route and status.",
	}, []string{"name", "code"})
	times := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_request_times", Help: "Seconds to answer requests for the routes of Keratin AuthN, by route.",
		Buckets: prometheus.ExponentialBuckets(.001, 10, 5),
	}, []string{"name"})
	m.registry.MustRegister(requests, times)
	return func(name string, status int, took time.Duration) {
		requests.WithLabelValues(name, strconv.Itoa(status)).Inc()
		times.WithLabelValues(name).Observe(took.Seconds())
	}
}

// Statement counts an SQL statement.
func (m *Metrics) Statement(query string) {
	if strings.HasPrefix(strings.TrimSpace(query), "SELECT") {
		m.reads.Inc()
		return
	}
	m.writes.Inc()
}

// CountMail counts the mails that wait, and those that were given up. Call it now and then, and not when
// metrics are read: that would change the count of statements that is read.
func (m *Metrics) CountMail(ctx context.Context, store storage.Outbox) error {
	queued, dead, err := store.CountDeliveries(ctx)
	if err != nil {
		return err
	}
	m.outbox.WithLabelValues("queued").Set(float64(queued))
	m.outbox.WithLabelValues("dead").Set(float64(dead))
	return nil
}

// MailSent counts a mail that was sent.
func (m *Metrics) MailSent() { m.mails.WithLabelValues("sent").Inc() }

// MailFailed counts an attempt that failed; dead: it was the last.
func (m *Metrics) MailFailed(dead bool) {
	result := "failed"
	if dead {
		result = "dead"
	}
	m.mails.WithLabelValues(result).Inc()
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}
