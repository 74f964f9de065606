package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// overviewView is what the console's first page shows.
type overviewView struct {
	overviewResponse
	Lanes   []lane
	Latency lane
	// TokenTotal is how many there are in all states.
	TokenTotal int64
	// Stuck is since when the oldest row of the queue has waited, where that is
	// long enough to look at.
	Stuck *time.Time
	// Quiet: nothing has happened within the hour.
	Quiet bool
}

// A lane is one series of the chart, drawn by hand: a bar for each minute.
type lane struct {
	Key   string
	Total int64
	Peak  int64
	// Path of all bars, in a space of 600 by 40.
	Path string
}

const (
	laneWidth  = 600
	laneHeight = 40
	// stuckAfter is how long a row waits before the overview says so.
	stuckAfter = time.Minute
)

// laneOf draws values as bars, the highest as high as the lane. A minute in which
// anything happened shows.
func laneOf(key string, values []int64) lane {
	l := lane{Key: key, Total: sum(values)}
	for _, v := range values {
		l.Peak = max(l.Peak, v)
	}
	var path strings.Builder
	width := laneWidth / len(values)
	for i, v := range values {
		if v <= 0 {
			continue
		}
		height := max(2, int(v*laneHeight/l.Peak))
		fmt.Fprintf(&path, "M%d %dh%dv%dh-%dz", i*width+1, laneHeight-height, width-2, height, width-2)
	}
	l.Path = path.String()
	return l
}

func (h *api) overviewPage(c echo.Context) error {
	now, err := h.overviewNow(c.Request().Context())
	if err != nil {
		return err
	}
	past := now.LastHour
	data := overviewView{overviewResponse: now, TokenTotal: now.Tokens.Good + now.Tokens.Ending + now.Tokens.Ended + now.Tokens.Void,
		Lanes: []lane{laneOf("issued", past.Issued), laneOf("reused", past.Reused), laneOf("renewed", past.Renewed),
			laneOf("refused", past.Refused), laneOf("failed", past.Failed)},
		Latency: laneOf("latency", past.LatencyMS)}
	data.Quiet = true
	for _, l := range data.Lanes {
		data.Quiet = data.Quiet && l.Total == 0
	}
	if at := now.Queue.OldestAt; at != nil && h.Now().Sub(*at) > stuckAfter {
		data.Stuck = at
	}
	return h.show(c, http.StatusOK, "admin_overview", h.adminView(c, "admin.overview", "/admin", data))
}
