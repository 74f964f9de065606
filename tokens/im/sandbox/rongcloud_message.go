package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	rongMaxRecipients = 1000
	rongMaxObjectName = 32        // characters
	rongMaxContent    = 128 << 10 // bytes
)

// rongObjectNames are the built-in message types that a server may send. Names
// of one's own must not start with "RC:".
var rongObjectNames = map[string]bool{
	"RC:TxtMsg": true, "RC:ImgMsg": true, "RC:GIFMsg": true, "RC:HQVCMsg": true, "RC:VcMsg": true,
	"RC:FileMsg": true, "RC:SightMsg": true, "RC:LBSMsg": true, "RC:ReferenceMsg": true, "RC:ImgTextMsg": true,
	"RC:CombineMsg": true, "RC:InfoNtf": true, "RC:ProfileNtf": true, "RC:ContactNtf": true, "RC:GrpNtf": true,
	"RC:CmdNtf": true, "RC:CmdMsg": true, "RC:ReadNtf": true, "RC:RcCmd": true, "RC:RcNtf": true,
}

// publishPrivate takes a message to users. The ids need not be registered. A
// recipient who blocked the sender drops out when verifyBlacklist is 1.
func (rc *rongcloud) publishPrivate(f rongForm, _ time.Time) (rongReply, *rongError) {
	from, no := rc.userID(f, "fromUserId")
	if no != nil {
		return nil, no
	}
	to, no := rc.userIDs(f, "toUserId", rongMaxRecipients)
	if no != nil {
		return nil, no
	}
	if no := checkMessage(f); no != nil {
		return nil, no
	}
	obey, no := f.number("verifyBlacklist", 0, 0, 1)
	if no != nil {
		return nil, no
	}
	uids := []rongReply{}
	for _, id := range to {
		if obey == 1 && rc.s.blocks(id, from) {
			continue
		}
		m := rc.newMessage(from, id, f.text("objectName"), f.text("content"))
		if f.text("isPersisted") == "0" {
			m.stored, m.counted = false, false
		}
		rc.deliver(m, nil, f.text("isIncludeSender") == "1")
		uids = append(uids, rongReply{"userId": id, "messageUID": m.uid})
	}
	rc.s.store.messages += len(uids)
	return rongReply{"messageUIDs": uids}, nil
}

func checkMessage(f rongForm) *rongError {
	name, content := f.text("objectName"), f.text("content")
	switch {
	case name == "":
		return rongRefusal(1002, "objectName is required")
	case utf8.RuneCountInString(name) > rongMaxObjectName:
		return rongRefusal(1005, "objectName is longer than 32 characters")
	case strings.HasPrefix(name, "RC:") && !rongObjectNames[name]:
		return rongRefusal(1002, "objectName must not start with RC: unless it is built in")
	case content == "":
		return rongRefusal(1002, "content is required")
	case len(content) > rongMaxContent:
		return rongRefusal(1005, "content is longer than 128 kB")
	case !json.Valid([]byte(content)):
		return rongRefusal(1002, "content is no JSON")
	}
	for _, flag := range []string{"isPersisted", "isIncludeSender", "contentAvailable"} {
		if _, no := f.number(flag, 0, 0, 1); no != nil {
			return no
		}
	}
	return nil
}

// rongMessageUID has the shape of RongCloud's: four groups of four.
func rongMessageUID() string {
	t := rand.Text()
	return t[:4] + "-" + t[4:8] + "-" + t[8:12] + "-" + t[12:16]
}
