package sandbox

import (
	"slices"
	"strings"
)

// frameModes are the faults that one frame of a socket can have. Its path is the
// socket's own and what the frame does: "/websocket/pullMsg", "/ws/pull".
var frameModes = []string{modeResetBefore, modeResetAfter, modeEmpty}

// rongGreeting is the path of RongCloud's answer to the opening of a socket.
const rongGreeting = rongSocket + "/connack"

// easeFrames are what clients of Easemob's socket can ask for.
var easeFrames = []string{"provision", "unread", "pull", "message", "roster"}

func frameFault(path string) bool {
	return strings.HasPrefix(path, rongSocket+"/") || strings.HasPrefix(path, easePath+"/")
}

// strangeFrame tells whether a path names a frame that Easemob's socket does not
// have. RongCloud's topics are too many to know.
func strangeFrame(path string) bool {
	name, ours := strings.CutPrefix(path, easePath+"/")
	return ours && !slices.Contains(easeFrames, name)
}

// pickFrame returns the mode of the fault that hits a frame, and "" where none
// does. Faults of every path are for calls: they do not hit frames.
func (t *faultTable) pickFrame(path, userID string) string {
	for _, f := range t.list {
		if f.Path != path || f.User != "" && f.User != userID || !slices.Contains(frameModes, f.Mode) {
			continue
		}
		if f.fires() {
			return f.Mode
		}
	}
	return ""
}

// mutes tells whether the answer is lost, and breaks whether the connection is.
func mutes(mode string) bool  { return mode == modeResetAfter || mode == modeEmpty }
func breaks(mode string) bool { return mode == modeResetBefore || mode == modeResetAfter }

// suffer handles a frame that wants an answer, while faults hit it: with
// reset_before nothing is done, with reset_after and empty the answer is lost.
func (rc *rongcloud) suffer(c *connection, f rongFrame, handle func(*connection, rongFrame)) {
	mode := rc.s.faults.pickFrame(rongSocket+"/"+f.topic, c.userID)
	c.muted = mutes(mode)
	if mode != modeResetBefore {
		handle(c, f)
	}
	c.muted = false
	if breaks(mode) {
		rc.breakOff(c)
	}
}

// sufferGreeting does the same to CONNACK. After empty the client hears nothing at
// all, and nothing that it sends is answered: a socket that opened and is dead. The
// cloud takes it for one that is online.
func (rc *rongcloud) sufferGreeting(c *connection, userID string, greet func()) {
	mode := rc.s.faults.pickFrame(rongGreeting, userID)
	c.muted = mutes(mode)
	if mode != modeResetBefore {
		greet()
	}
	c.ended = c.ended || c.muted
	if breaks(mode) {
		rc.breakOff(c)
	}
}

func (rc *rongcloud) breakOff(c *connection) {
	c.ended = true
	c.drop()
	rc.s.forget(c)
}

// suffer does the same to a frame of Easemob's socket. Handle takes the lock
// itself: while a message waits for its judge, notes of other people's messages
// are lost with its answer, until the client asks for what is unread.
func (es *easeLines) suffer(l *easeLine, name, userID string, handle func()) {
	es.s.mu.Lock()
	mode := es.s.faults.pickFrame(easePath+"/"+name, userID)
	l.muted = mutes(mode)
	es.s.mu.Unlock()
	if mode != modeResetBefore {
		handle()
	}
	es.s.mu.Lock()
	defer es.s.mu.Unlock()
	l.muted = false
	if breaks(mode) {
		l.ended = true
		l.drop()
		es.forget(l)
	}
}
