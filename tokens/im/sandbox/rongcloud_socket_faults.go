package sandbox

import (
	"slices"
	"strings"
)

// frameModes are the faults that one frame of the socket can have. In front of
// its topic the path has the socket's own: "/websocket/pullMsg".
var frameModes = []string{modeResetBefore, modeResetAfter, modeEmpty}

func frameFault(path string) bool { return strings.HasPrefix(path, rongSocket+"/") }

// pickFrame returns the mode of the fault that hits a frame, and "" where none
// does. Faults of every path are for calls: they do not hit frames.
func (t *faultTable) pickFrame(topic, userID string) string {
	for _, f := range t.list {
		if f.Path != rongSocket+"/"+topic || f.User != "" && f.User != userID || !slices.Contains(frameModes, f.Mode) {
			continue
		}
		if f.fires() {
			return f.Mode
		}
	}
	return ""
}

// suffer handles a frame that wants an answer, while faults hit it: with
// reset_before nothing is done, with reset_after and empty the answer is lost.
func (rc *rongcloud) suffer(c *connection, f rongFrame, handle func(*connection, rongFrame)) {
	mode := rc.s.faults.pickFrame(f.topic, c.userID)
	c.muted = mode == modeResetAfter || mode == modeEmpty
	if mode != modeResetBefore {
		handle(c, f)
	}
	c.muted = false
	if mode == modeResetBefore || mode == modeResetAfter {
		c.ended = true
		c.drop()
		rc.s.forget(c)
	}
}
