package handlers

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are what /metrics tells, in a registry of its own. Labels are route
// patterns, codes and constants, never what a client sent.
type Metrics struct {
	registry *prometheus.Registry

	tokens, cloudCalls, logins, problems, outbox *prometheus.CounterVec
	cloudTook, http                              *prometheus.HistogramVec
	drift                                        *prometheus.GaugeVec
	callbacks                                    *prometheus.CounterVec
	reconciled                                   prometheus.Gauge
}

// NewMetrics makes them, with those of the Go runtime and the process.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "imbridge", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		tokens:     counter("tokens_total", "Connect tokens by what happened: reused, issued, renewed, refused, failed.", "event"),
		cloudCalls: counter("cloud_calls_total", "Calls to the IM cloud by operation and outcome.", "op", "outcome"),
		logins:     counter("logins_total", "Logins of users and admins by outcome: ok, or the code of the problem.", "kind", "outcome"),
		outbox:     counter("outbox_deliveries_total", "Deliveries to the IM cloud by kind and outcome: done, again, buried, fenced.", "kind", "outcome"),
		problems:   counter("problems_total", "Requests answered with a problem, by its code.", "code"),
		cloudTook: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "imbridge", Name: "cloud_call_duration_seconds",
			Help: "How long calls to the IM cloud took.", Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"op"}),
		http: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "imbridge", Name: "http_request_duration_seconds",
			Help: "How long requests took, by route pattern.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}},
			[]string{"method", "route", "status"}),
	}
	m.callbacks = counter("callbacks_total", "Callbacks of the IM cloud by what came of them: passed, refused, unsure, forged, late, replayed, foreign, malformed.", "cloud", "outcome")
	m.drift = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "imbridge", Name: "reconcile_drift",
		Help: "People who differed from the IM cloud's at the last whole comparison and were not repaired, by class."}, []string{"class"})
	m.reconciled = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "imbridge", Name: "reconcile_finished_timestamp_seconds",
		Help: "When the last whole comparison with the IM cloud ended; 0: never."})
	m.registry.MustRegister(m.tokens, m.cloudCalls, m.logins, m.problems, m.outbox, m.cloudTook, m.http, m.drift, m.reconciled, m.callbacks,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Token counts a connect token; event is one of the tokens.Event constants.
func (m *Metrics) Token(event string) { m.tokens.WithLabelValues(event).Inc() }

// Outbox counts one delivery; kind and outcome are constants of the outbox.
func (m *Metrics) Outbox(kind, outcome string) { m.outbox.WithLabelValues(kind, outcome).Inc() }

// Drift sets what the last whole comparison with the cloud has left, by class,
// and when it ended. Classes are constants of the reconciliation.
func (m *Metrics) Drift(left map[string]int64, at time.Time) {
	for class, n := range left {
		m.drift.WithLabelValues(class).Set(float64(n))
	}
	m.reconciled.Set(float64(at.UnixMilli()) / 1000)
}

// CloudCall counts one call to the cloud. Op and outcome are constants of the
// client, "/user/getToken.json" and "ok" or a kind of im.Error.
func (m *Metrics) CloudCall(op, outcome string, took time.Duration) {
	m.cloudCalls.WithLabelValues(op, outcome).Inc()
	m.cloudTook.WithLabelValues(op).Observe(took.Seconds())
}

// login counts a login of kind "user" or "admin".
func (m *Metrics) login(kind string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = problemOf(err).code
	}
	m.logins.WithLabelValues(kind, outcome).Inc()
}

// WatchHasher reports how many callers wait for a password hash. Call it once.
func (m *Metrics) WatchHasher(waiting func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "imbridge", Name: "password_hash_waiting",
		Help: "Callers that wait for a password hash."}, func() float64 { return float64(waiting()) }))
}

// WatchPool reports the database connections, and how many of them are in use.
// Call it once.
func (m *Metrics) WatchPool(connections func() (open, inUse int)) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "imbridge", Name: "database_connections_open",
			Help: "Open database connections."}, func() float64 { open, _ := connections(); return float64(open) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "imbridge", Name: "database_connections_in_use",
			Help: "Database connections in use."}, func() float64 { _, inUse := connections(); return float64(inUse) }))
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
