package notice

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"imbridge/models"
)

// Types of messages, for receivers to branch on. They are for ever.
const (
	TypeRaised = "notice.raised"
	TypeTest   = "notice.test"
)

// A Message is one announcement of a notice.
type Message struct {
	// ID is the same in every attempt at one announcement, and another for each
	// announcement: receivers know by it what they have had already.
	ID   string
	Type string
	// At is when the attempt is made.
	At     time.Time
	Notice models.Notice
}

// messageOf is the announcement that n stands at.
func messageOf(n models.Notice, now time.Time) Message {
	return Message{ID: "msg_" + n.ID + "_" + strconv.FormatInt(n.Announcement, 10), Type: TypeRaised, At: now, Notice: n}
}

// TestMessage is for trying the ways of delivery. Its id is made of id.
func TestMessage(id string, now time.Time) Message {
	return Message{ID: "msg_test_" + id, Type: TypeTest, At: now, Notice: models.Notice{
		ID: id, Kind: "test", Subject: "test", Count: 1, FirstAt: now, LastAt: now,
		Message: "Somebody tries whether notices arrive here.", Cure: "Nothing: this one did."}}
}

type messageJSON struct {
	Type      string     `json:"type"`
	Timestamp time.Time  `json:"timestamp"`
	Data      noticeJSON `json:"data"`
}

type noticeJSON struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"`
	Subject    string     `json:"subject"`
	Title      string     `json:"title"`
	Message    string     `json:"message"`
	Cure       string     `json:"cure"`
	Count      int64      `json:"count"`
	FirstAt    time.Time  `json:"first_at"`
	LastAt     time.Time  `json:"last_at"`
	ResolvedAt *time.Time `json:"resolved_at"`
}

// json is the body of a webhook.
func (m Message) json() ([]byte, error) {
	n := m.Notice
	data := noticeJSON{ID: n.ID, Kind: n.Kind, Subject: n.Subject, Title: Title(n.Kind), Message: n.Message, Cure: n.Cure, Count: n.Count,
		FirstAt: n.FirstAt.UTC(), LastAt: n.LastAt.UTC()}
	if !n.ResolvedAt.IsZero() {
		at := n.ResolvedAt.UTC()
		data.ResolvedAt = &at
	}
	return json.Marshal(messageJSON{Type: m.Type, Timestamp: m.At.UTC(), Data: data})
}

// subject is one line for a mail.
func (m Message) subject() string { return "[imbridge] " + Title(m.Notice.Kind) }

// text is a mail: what happened, since when, how often, what to do.
func (m Message) text() string {
	n := m.Notice
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nSince      %s\nLast seen  %s, seen %s\n", n.Message, clock(n.FirstAt), clock(n.LastAt), times(n.Count))
	if !n.ResolvedAt.IsZero() {
		fmt.Fprintf(&b, "Over since %s\n", clock(n.ResolvedAt))
	}
	fmt.Fprintf(&b, "\nWhat to do\n%s\n\nNotice %s (%s, %s). All of them: GET /v1/admin/notices.\n", n.Cure, n.ID, n.Kind, n.Subject)
	return b.String()
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return strconv.FormatInt(n, 10) + " times"
}
