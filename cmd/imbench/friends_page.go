package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"text/tabwriter"
	"time"
)

const (
	pageRounds  = 300
	countRounds = 200 // enough for what runs behind not to count
)

// A friendsPage is one place in a list, and what reading it took.
type friendsPage struct {
	name, url, bearer string
	took              []time.Duration
	selects, reads    float64 // of the database for one answer; negative where nobody counts
}

func (p *friendsPage) median() time.Duration {
	return percentile(slices.Sorted(slices.Values(p.took)), 50)
}

type friendsAnswer struct {
	Friends    []struct{} `json:"friends"`
	NextCursor *string    `json:"next_cursor"`
}

// pages measures one after the other in turn, so that what changes on the machine
// meanwhile meets all. The last is that of the short list.
func (f *friendBench) pages(ctx context.Context) ([]*friendsPage, error) {
	base := fmt.Sprintf("%s/v1/friends?remarks=true&limit=%d", f.process.url["api"], friendPage)
	long := f.access(popular)
	all := []*friendsPage{{name: "start of 3000", url: base, bearer: long}}
	// The cursors come from a walk through the whole list.
	next := base
	for i := 1; i <= manyFriends/friendPage; i++ {
		var a friendsAnswer
		if err := f.ask(ctx, http.StatusOK, http.MethodGet, next, long, nil, &a); err != nil {
			return nil, err
		}
		last := i == manyFriends/friendPage
		if len(a.Friends) != friendPage || (a.NextCursor == nil) != last {
			return nil, fmt.Errorf("page %d has %d friends and a next one: %t; want %d, %t", i, len(a.Friends), a.NextCursor != nil, friendPage, !last)
		}
		if last {
			break
		}
		next = base + "&cursor=" + url.QueryEscape(*a.NextCursor)
		switch i + 1 {
		case manyFriends / friendPage / 2:
			all = append(all, &friendsPage{name: "middle", url: next, bearer: long})
		case manyFriends / friendPage:
			all = append(all, &friendsPage{name: "end", url: next, bearer: long})
		}
	}
	all = append(all, &friendsPage{name: "list of 50", url: base, bearer: f.access(quiet)})
	f.progress.begin("pages", "requests", len(all)*pageRounds)
	for round := -pageRounds / 10; round < pageRounds; round++ { // the first ones warm up
		for _, p := range all {
			start := time.Now()
			if err := f.ask(ctx, http.StatusOK, http.MethodGet, p.url, p.bearer, nil, nil); err != nil {
				return nil, err
			}
			if round >= 0 {
				p.took = append(p.took, time.Since(start))
				f.progress.add(1)
			}
		}
	}
	f.progress.end()
	for _, p := range all {
		if err := f.count(ctx, p); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// count asks the database's server what one answer costs it.
func (f *friendBench) count(ctx context.Context, p *friendsPage) error {
	p.selects, p.reads = -1, -1
	if f.db.server == nil {
		return nil
	}
	selects, reads, err := f.counters(ctx)
	if err != nil {
		return err
	}
	for range countRounds {
		if err := f.ask(ctx, http.StatusOK, http.MethodGet, p.url, p.bearer, nil, nil); err != nil {
			return err
		}
	}
	selectsThen, readsThen, err := f.counters(ctx)
	p.selects, p.reads = float64(selectsThen-selects)/countRounds, float64(readsThen-reads)/countRounds
	return err
}

// counters are the server's since its start: SELECTs, and rows read by an index.
func (f *friendBench) counters(ctx context.Context) (selects, reads int64, err error) {
	rows, err := f.db.server.QueryContext(ctx, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_select', 'Handler_read_key', 'Handler_read_next')")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return 0, 0, err
		}
		if name == "Com_select" {
			selects = n
		} else {
			reads += n
		}
	}
	return selects, reads, rows.Err()
}

// reportPages prints the table. It returns errBelow where a page of the long list
// takes too long.
func reportPages(w io.Writer, all []*friendsPage) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "page of 50\tp50\tp99\tratio\tSELECTs\tindex reads\t")
	short50 := all[len(all)-1].median()
	var bad error
	for _, p := range all {
		ratio := float64(p.median()) / float64(short50)
		if !(ratio <= pageRatio) {
			bad = errBelow
		}
		counted := func(n float64) string {
			if n < 0 {
				return "-"
			}
			return fmt.Sprintf("%.1f", n)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.2f\t%s\t%s\t\n", p.name, short(p.median()), short(percentile(slices.Sorted(slices.Values(p.took)), 99)), ratio, counted(p.selects), counted(p.reads))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "ratio to the list of 50, at most %.1f wanted: %s\n\n", pageRatio, verdict(bad))
	return bad
}

func verdict(bad error) string {
	if bad != nil {
		return "not good enough"
	}
	return "good enough"
}
