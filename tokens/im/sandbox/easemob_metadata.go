package sandbox

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	easeMaxMetadata     = 2 << 10  // bytes of one user's keys and values
	easeMetadataBody    = 16 << 10 // a form is longer than what it carries
	easeMetadataTargets = 100
)

// easeMetadataLimits are the characters of the keys that clients understand.
var easeMetadataLimits = map[string]int{
	"nickname": 64, "avatarurl": 256, "phone": 32, "mail": 64, "gender": 1, "sign": 256, "birth": 64,
}

func (e *easemob) metadataRoutes() []easeRoute {
	each := limit{100, time.Second}
	return []easeRoute{
		{method: "PUT", path: "/metadata/user/{u}", limit: each, auth: easeOwnerToo, maxBody: easeMetadataBody, form: true, do: e.setMetadata},
		{method: "POST", path: "/metadata/user/get", limit: each, maxBody: easeMetadataBody, do: e.batchMetadata},
		{method: "GET", path: "/metadata/user/capacity", limit: each, do: e.metadataCapacity},
		{method: "GET", path: "/metadata/user/{u}", limit: each, auth: easeOwnerToo, do: e.getMetadata},
		{method: "DELETE", path: "/metadata/user/{u}", limit: each, auth: easeOwnerToo, do: e.deleteMetadata},
	}
}

// metadataSize is what a user's metadata counts, in bytes.
func (u *easeUser) metadataSize() int {
	n := 0
	for k, v := range u.metadata {
		n += len(k) + len(v)
	}
	return n
}

// setMetadata merges a form into a user's metadata.
func (e *easemob) setMetadata(q *easeCall) (easeReply, *easeError) {
	media, _, err := mime.ParseMediaType(q.header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, easeRefusal("UNSUPPORTED_MEDIA_TYPE", "Content type '"+media+"' not supported")
	}
	u, no := q.user("u")
	if no != nil {
		return nil, no
	}
	form, err := url.ParseQuery(string(q.call.body))
	if err != nil || len(form) == 0 {
		return nil, easeRefusal("illegal_argument", "the form is empty or malformed")
	}
	next, data := map[string]string{}, map[string]string{}
	for k, v := range u.metadata {
		next[k] = v
	}
	for k, list := range form {
		v := list[len(list)-1]
		if k == "" || !utf8.ValidString(k) || !utf8.ValidString(v) {
			return nil, easeRefusal("illegal_argument", "the form is no text")
		}
		if most, ok := easeMetadataLimits[k]; ok && utf8.RuneCountInString(v) > most {
			return nil, easeRefusal("illegal_argument", k+" is too long")
		}
		next[k], data[k] = v, v
	}
	before := u.metadata
	u.metadata = next
	if u.metadataSize() > easeMaxMetadata {
		u.metadata = before
		return nil, easeRefusal("FORBIDDEN", "the metadata of a user is at most 2 KB").with(http.StatusForbidden)
	}
	return easeReply{"data": data}, nil
}

// getMetadata answers for ids that nobody has, with nothing.
func (e *easemob) getMetadata(q *easeCall) (easeReply, *easeError) {
	data := map[string]string{}
	if u := e.s.easeUser(q.args["u"]); u != nil {
		data = u.metadata
	}
	return easeReply{"data": data}, nil
}

func (e *easemob) batchMetadata(q *easeCall) (easeReply, *easeError) {
	targets, no := q.names("targets", easeMetadataTargets)
	if no != nil {
		return nil, no
	}
	wanted, no := q.names("properties", easeMetadataTargets)
	if no != nil {
		return nil, no
	}
	data := map[string]map[string]string{}
	for _, name := range targets {
		row := map[string]string{}
		if u := e.s.store.ease.users[name]; u != nil {
			for k, v := range u.metadata {
				if slices.Contains(wanted, easeName(k)) {
					row[k] = v
				}
			}
		}
		data[name] = row
	}
	return easeReply{"data": data}, nil
}

func (e *easemob) deleteMetadata(q *easeCall) (easeReply, *easeError) {
	if u := e.s.easeUser(q.args["u"]); u != nil {
		u.metadata = map[string]string{}
	}
	return easeReply{"data": true}, nil
}

// metadataCapacity is how many bytes all users' metadata takes.
func (e *easemob) metadataCapacity(*easeCall) (easeReply, *easeError) {
	used := 0
	for _, u := range e.s.store.ease.order {
		used += u.metadataSize()
	}
	return easeReply{"data": used}, nil
}
