package sandbox

import (
	"strings"
	"testing"
)

func TestPrivatePublish(t *testing.T) {
	r := newRig(t)
	send := func(change ...string) cloudAnswer {
		pairs := map[string]string{"fromUserId": "a", "toUserId": "b", "objectName": "RC:TxtMsg", "content": `{"content":"hi"}`}
		for i := 0; i < len(change); i += 2 {
			pairs[change[i]] = change[i+1]
		}
		var list []string
		for k, v := range pairs {
			list = append(list, k, v)
		}
		return r.call("/message/private/publish.json", list...)
	}
	text := func(n int) string { return `{"content":"` + strings.Repeat("x", n-len(`{"content":""}`)) + `"}` }
	for _, tc := range []struct {
		name   string
		change []string
		code   int
	}{
		{"sound", nil, 200},
		{"own type", []string{"objectName", "app:card"}, 200},
		{"unknown RC: type", []string{"objectName", "RC:Mine"}, 1002},
		{"type of 32 characters", []string{"objectName", strings.Repeat("名", 32)}, 200},
		{"type of 33 characters", []string{"objectName", strings.Repeat("a", 33)}, 1005},
		{"no type", []string{"objectName", ""}, 1002},
		{"no content", []string{"content", ""}, 1002},
		{"content that is no JSON", []string{"content", "hi"}, 1002},
		{"content of 128 kB", []string{"content", text(128 << 10)}, 200},
		{"content of 128 kB and a byte", []string{"content", text(128<<10 + 1)}, 1005},
		{"body of 512 kB and more", []string{"content", text(512<<10 + 1)}, 1508},
		{"no sender", []string{"fromUserId", ""}, 1002},
		{"no recipient", []string{"toUserId", ""}, 1002},
		{"flag of 2", []string{"isIncludeSender", "2"}, 1002},
		{"flag in words", []string{"isPersisted", "yes"}, 1501},
	} {
		if a := send(tc.change...); a.code != tc.code {
			t.Errorf("%s: code %d %v, want %d", tc.name, a.code, a.fields, tc.code)
		}
	}
	common := []string{"fromUserId", "a", "objectName", "RC:TxtMsg", "content", "{}"}
	if a := r.call("/message/private/publish.json", append(repeat("toUserId", 1001), common...)...); a.code != 1502 {
		t.Errorf("1001 recipients = code %d, want 1502", a.code)
	}
	r.ok("/user/blacklist/add.json", "userId", "u1", "blackUserId", "a")
	two := append(repeat("toUserId", 2), common...)
	if got := r.ok("/message/private/publish.json", two...).fields["messageUIDs"].([]any); len(got) != 2 {
		t.Errorf("messageUIDs = %v, want 2: the blacklist does not count by default", got)
	}
	got := r.ok("/message/private/publish.json", append(two, "verifyBlacklist", "1")...).fields["messageUIDs"].([]any)
	if len(got) != 1 || got[0].(map[string]any)["userId"] != "u0" {
		t.Errorf("messageUIDs with verifyBlacklist = %v, want u0 only", got)
	}
}
