package sandbox

import (
	"fmt"
	"testing"
)

func TestEasemobTextBothWays(t *testing.T) {
	r := newEaseRig(t)
	ann, bob := r.join("ann"), r.join("bob")
	const words = "你好 👋 <b>"
	id := ann.say("bob", words)
	bob.wantNotice("ann", "easemob.com")
	page := bob.pull("ann", "easemob.com", 0)
	if len(page.list) != 1 || page.list[0].id != id || page.next != id || page.list[0].at != start.UnixMilli() {
		t.Fatalf("pulled %+v, want the message %d of %d", page, id, start.UnixMilli())
	}
	if got, want := bob.text(page.list[0].payload), "1 ann bob "+words; got != want {
		t.Errorf("text = %q, want %q", got, want)
	}
	if page := bob.pull("ann", "easemob.com", page.next); len(page.list) != 0 || !page.last {
		t.Errorf("pulled %+v after the acknowledgement, want the end", page)
	}
	back := bob.say("ann", "ok")
	if back <= id {
		t.Errorf("second id = %d, want more than %d", back, id)
	}
	ann.wantNotice("bob", "easemob.com")
	if got := fmt.Sprint(ann.fetch("bob", "easemob.com")); got != "[1 bob ann ok]" {
		t.Errorf("fetched %s, want the answer", got)
	}
}
