package main

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

// metrics counts requests for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	sql      *prometheus.CounterVec
	mails    *prometheus.CounterVec
	outbox   *prometheus.GaugeVec

	// What every request counts with, found once: counters by answered, histograms by route.
	counters, histograms sync.Map
	reads, writes        prometheus.Counter

	refused, crowded prometheus.Counter // connections and requests that were too many
}

// answered is a kind of answer that is counted.
type answered struct {
	route string
	class int // of the status: 2 is 2xx
}

func newMetrics() *metrics {
	m := &metrics{
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
		Help: "Mails in the outbox a while ago, by whether they wait (queued) or were given up (dead). All replicas say the same.",
	}, []string{"state"})
	for _, result := range []string{"sent", "failed", "dead"} {
		m.mails.WithLabelValues(result)
	}
	m.reads, m.writes = m.sql.WithLabelValues("read"), m.sql.WithLabelValues("write") // 0, rather than absent
	tooMany := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vouchsafe_refused_total",
		Help: "Connections and requests that were refused because their address had too many.",
	}, []string{"what"})
	m.refused, m.crowded = tooMany.WithLabelValues("connection"), tooMany.WithLabelValues("request")
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "vouchsafe_build_info", Help: "1, with the version as a label.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.took, m.sql, m.mails, m.outbox, tooMany, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// done counts a request that was answered.
func (m *metrics) done(r *http.Request, status int, took time.Duration) {
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

// statement counts an SQL statement.
func (m *metrics) statement(query string) {
	if strings.HasPrefix(strings.TrimSpace(query), "SELECT") {
		m.reads.Inc()
		return
	}
	m.writes.Inc()
}

// countMail tells how many mails wait, and how many were given up. Not when somebody looks:
// that would change the count of statements that they look at.
func (m *metrics) countMail(ctx context.Context, store storage.Outbox) error {
	queued, dead, err := store.CountDeliveries(ctx)
	if err != nil {
		return err
	}
	m.outbox.WithLabelValues("queued").Set(float64(queued))
	m.outbox.WithLabelValues("dead").Set(float64(dead))
	return nil
}

func (m *metrics) mailSent() { m.mails.WithLabelValues("sent").Inc() }

func (m *metrics) mailFailed(dead bool) {
	result := "failed"
	if dead {
		result = "dead"
	}
	m.mails.WithLabelValues(result).Inc()
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}
