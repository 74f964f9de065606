package handlers

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens"
)

const (
	// sampleEvery is how often an Overview notes the counters, and samples how
	// many it keeps: an hour of them.
	sampleEvery = 10 * time.Second
	maxSamples  = 361
	// countEvery is how long figures of the database are shown before they are
	// counted again.
	countEvery = 5 * time.Second
)

// An Overview remembers what the counters of this process were over the last
// hour, and what the database counted last. It asks nothing of anybody but
// Metrics until somebody looks.
type Overview struct {
	Metrics *Metrics
	Now     func() time.Time

	mu      sync.Mutex
	samples []sample

	counting sync.Mutex
	counted  time.Time
	figures  figures
}

// A sample is what the counters were at a moment.
type sample struct {
	at     time.Time
	events map[string]float64 // connect tokens by event
	calls  float64            // to the cloud
	failed float64            // of them that the cloud did not answer, or held against us
	held   float64            // of them that the quota held back
	took   float64            // seconds
	timed  float64            // calls that took is of
}

// figures are what the database counts.
type figures struct {
	accounts models.Accounts
	tokens   models.TokenCounts
	queue    models.OutboxStats
	notices  []models.Notice
}

// Run notes the counters until ctx ends.
func (o *Overview) Run(ctx context.Context) error {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		o.Note()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Note remembers the counters as they are now.
func (o *Overview) Note() {
	now := o.read()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.samples = append(o.samples, now)
	if len(o.samples) > maxSamples {
		o.samples = append(o.samples[:0], o.samples[len(o.samples)-maxSamples:]...)
	}
}

// read takes the counters from the registry.
func (o *Overview) read() sample {
	s := sample{at: o.Now(), events: make(map[string]float64)}
	families, err := o.Metrics.registry.Gather()
	if err != nil && len(families) == 0 {
		return s
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := make(map[string]string, len(m.GetLabel()))
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			switch f.GetName() {
			case "imbridge_tokens_total":
				s.events[labels["event"]] += m.GetCounter().GetValue()
			case "imbridge_cloud_calls_total":
				n := m.GetCounter().GetValue()
				s.calls += n
				switch labels["outcome"] {
				case "ok":
				case "throttled":
					s.held += n
					s.failed += n
				default:
					s.failed += n
				}
			case "imbridge_cloud_call_duration_seconds":
				s.took += m.GetHistogram().GetSampleSum()
				s.timed += float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return s
}

// bucketed is an hour in parts of a minute, the oldest first.
const (
	buckets   = 60
	bucketLen = time.Minute
)

// shownEvents are the lanes of the chart.
var shownEvents = []string{tokens.EventIssued, tokens.EventReused, tokens.EventRenewed, tokens.EventRefused, tokens.EventFailed}

// history is what happened within the last hour, by minute.
type history struct {
	events              map[string][]int64
	calls, failed, held [buckets]int64
	// latency is milliseconds on average, 0 where nothing was called.
	latency [buckets]int64
	// mints is the most tokens that were asked for in a second, of the last five
	// minutes.
	mints float64
}

// history spreads the differences of samples over the minutes they fall into.
func (o *Overview) history() history {
	now := o.read()
	o.mu.Lock()
	samples := append(append([]sample{}, o.samples...), now)
	o.mu.Unlock()
	h := history{events: make(map[string][]int64)}
	for _, e := range shownEvents {
		h.events[e] = make([]int64, buckets)
	}
	var took, timed [buckets]float64
	for i := 1; i < len(samples); i++ {
		a, b := samples[i-1], samples[i]
		age := now.at.Sub(b.at)
		slot := buckets - 1 - int(age/bucketLen)
		if age < 0 || slot < 0 {
			continue
		}
		for _, e := range shownEvents {
			h.events[e][slot] += int64(b.events[e] - a.events[e])
		}
		h.calls[slot] += int64(b.calls - a.calls)
		h.failed[slot] += int64(b.failed - a.failed)
		h.held[slot] += int64(b.held - a.held)
		took[slot] += b.took - a.took
		timed[slot] += b.timed - a.timed
		if age < recentFor {
			h.mints = max(h.mints, (minted(b)-minted(a))/max(b.at.Sub(a.at), sampleEvery).Seconds())
		}
	}
	for i := range took {
		if timed[i] > 0 {
			h.latency[i] = max(1, int64(took[i]/timed[i]*1000))
		}
	}
	return h
}

// recentFor is what counts as now where a moment alone says little.
const recentFor = 5 * time.Minute

// minted is how often the cloud was asked for a token.
func minted(s sample) float64 {
	return s.events[tokens.EventIssued] + s.events[tokens.EventRenewed] + s.events[tokens.EventRefused] + s.events[tokens.EventFailed]
}

// shownNotices are how many of the open ones an overview names.
const shownNotices = 5

// count asks the database, for all who look within countEvery at once.
func (o *Overview) count(ctx context.Context, store *models.Store, issuer *tokens.Issuer) (figures, error) {
	o.counting.Lock()
	defer o.counting.Unlock()
	if now := o.Now(); !o.counted.IsZero() && now.Sub(o.counted) >= 0 && now.Sub(o.counted) < countEvery {
		return o.figures, nil
	}
	var (
		f   figures
		err error
	)
	if f.accounts, err = store.CountAccounts(ctx); err != nil {
		return f, err
	}
	if f.tokens, err = store.CountTokens(ctx, issuer.App(), issuer.SecretVersion()); err != nil {
		return f, err
	}
	if f.queue, err = store.OutboxStats(ctx); err != nil {
		return f, err
	}
	open := true
	if f.notices, err = store.Notices(ctx, models.NoticeFilter{Open: &open}, "", shownNotices+1); err != nil {
		return f, err
	}
	o.figures, o.counted = f, o.Now()
	return f, nil
}

// forget makes the next look count anew: an admin has just changed something.
func (o *Overview) forget() {
	o.counting.Lock()
	defer o.counting.Unlock()
	o.counted = time.Time{}
}

type overviewResponse struct {
	At       time.Time        `json:"at"`
	Accounts accountsJSON     `json:"accounts"`
	Tokens   tokenCountsJSON  `json:"tokens"`
	Queue    queueFiguresJSON `json:"queue"`
	Cloud    cloudFigures     `json:"cloud"`
	// OpenNotices are the newest, at most shownNotices.
	OpenNotices []openNotice `json:"open_notices"`
	// MoreNotices: there are others.
	MoreNotices bool        `json:"more_notices"`
	LastHour    minutesJSON `json:"last_hour"`
}

// openNotice is one that waits for somebody.
type openNotice struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Subject string    `json:"subject"`
	Message string    `json:"message"`
	Cure    string    `json:"cure"`
	Count   int64     `json:"count"`
	LastAt  time.Time `json:"last_at"`
}

type accountsJSON struct {
	Active   int64 `json:"active"`
	Banned   int64 `json:"banned"`
	Deleted  int64 `json:"deleted"`
	Sessions int64 `json:"sessions"`
}

type tokenCountsJSON struct {
	Good   int64 `json:"good"`
	Ending int64 `json:"ending"`
	Ended  int64 `json:"ended"`
	Void   int64 `json:"void"`
}

type queueFiguresJSON struct {
	Waiting  int64      `json:"waiting"`
	Buried   int64      `json:"buried"`
	OldestAt *time.Time `json:"oldest_at"`
}

type cloudFigures struct {
	Breaker string `json:"breaker"`
	// Calls, Failed and HeldBack are of the last hour, of this process.
	Calls    int64 `json:"calls"`
	Failed   int64 `json:"failed"`
	HeldBack int64 `json:"held_back"`
	// LatencyMS is the average of the last five minutes; null: nothing was called.
	LatencyMS *int64 `json:"latency_ms"`
	// BusiestMinute is the most calls within one minute of the hour.
	BusiestMinute int64 `json:"busiest_minute"`
	// QuotaPercent is how much of this process's share for minting was in use at
	// most within the last five minutes; null: nobody knows the share.
	QuotaPercent *int64 `json:"quota_percent"`
}

// minutesJSON are figures by minute, the oldest first.
type minutesJSON struct {
	Issued    []int64 `json:"issued"`
	Reused    []int64 `json:"reused"`
	Renewed   []int64 `json:"renewed"`
	Refused   []int64 `json:"refused"`
	Failed    []int64 `json:"failed"`
	Calls     []int64 `json:"calls"`
	LatencyMS []int64 `json:"latency_ms"`
}

func (h *api) overview(c echo.Context) error {
	out, err := h.overviewNow(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

func (h *api) overviewNow(ctx context.Context) (overviewResponse, error) {
	f, err := h.Overview.count(ctx, h.Store, h.Issuer)
	if err != nil {
		return overviewResponse{}, err
	}
	past := h.Overview.history()
	out := overviewResponse{At: h.Now().UTC(),
		Accounts:    accountsJSON{f.accounts.Active, f.accounts.Banned, f.accounts.Deleted, f.accounts.Sessions},
		Tokens:      tokenCountsJSON{f.tokens.Good, f.tokens.Ending, f.tokens.Ended, f.tokens.Void},
		Queue:       queueFiguresJSON{f.queue.Waiting, f.queue.Buried, timeOrNull(f.queue.OldestAt)},
		Cloud:       cloudFigures{Breaker: "closed", Calls: sum(past.calls[:]), Failed: sum(past.failed[:]), HeldBack: sum(past.held[:]), LatencyMS: recent(past)},
		OpenNotices: []openNotice{}, MoreNotices: len(f.notices) > shownNotices,
		LastHour: minutesJSON{past.events[tokens.EventIssued], past.events[tokens.EventReused], past.events[tokens.EventRenewed],
			past.events[tokens.EventRefused], past.events[tokens.EventFailed], past.calls[:], past.latency[:]}}
	if h.CloudState != nil {
		out.Cloud.Breaker = h.CloudState()
	}
	if share := h.Settings.MintsPerSecond; share > 0 {
		percent := int64(math.Ceil(past.mints / share * 100))
		out.Cloud.QuotaPercent = &percent
	}
	for _, n := range past.calls {
		out.Cloud.BusiestMinute = max(out.Cloud.BusiestMinute, n)
	}
	for _, n := range f.notices[:min(len(f.notices), shownNotices)] {
		out.OpenNotices = append(out.OpenNotices, openNotice{n.ID, n.Kind, n.Subject, n.Message, n.Cure, n.Count, n.LastAt.UTC()})
	}
	return out, nil
}

func sum(list []int64) (n int64) {
	for _, v := range list {
		n += v
	}
	return n
}

// recent is how long calls of the last five minutes took, by minute on average.
func recent(past history) *int64 {
	var total, n int64
	for i := buckets - 5; i < buckets; i++ {
		if past.latency[i] > 0 {
			total += past.latency[i] * past.calls[i]
			n += past.calls[i]
		}
	}
	if n == 0 {
		return nil
	}
	ms := total / n
	return &ms
}
