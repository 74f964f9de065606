package sandbox

import (
	"encoding/json"
	"net/http"
)

// rongNavi is the path of the navigator: it tells clients where their socket is.
const rongNavi = "/v2/navi.json"

// rongCORS is what lets pages of other origins ask the navigator.
var rongCORS = http.Header{
	"Access-Control-Allow-Origin":  {"*"},
	"Access-Control-Allow-Methods": {"POST"},
	"Access-Control-Allow-Headers": {"RC-Appkey, RC-Negotiate, Content-Type"},
	"Access-Control-Max-Age":       {"600"},
}

// navi sends clients to the address that they have reached already. It does not
// look at their tokens: SDKs keep the answer for two hours, so only the socket
// can tell who may connect.
func (rc *rongcloud) navi(c *call) answer {
	if c.method != http.MethodPost {
		a := rongRefusal(http.StatusMethodNotAllowed, "want POST").answer()
		a.header.Set("Allow", http.MethodPost+", "+http.MethodOptions)
		return a
	}
	anti := 0
	rc.s.mu.Lock()
	if rc.s.app.openAnti {
		anti = 1
	}
	rc.s.mu.Unlock()
	type server struct {
		Addr     string `json:"addr"`
		Protocol int    `json:"protocol"` // 5 is ws
		Weight   int    `json:"weight"`
	}
	body, err := json.Marshal(struct {
		Code       int      `json:"code"`
		Type       int      `json:"type"`
		OpenAnti   int      `json:"openAnti"`
		ServerAddr []server `json:"serverAddr"`
	}{200, 0, anti, []server{{c.host, 5, 1}}})
	if err != nil {
		return rongRefusal(1000, "internal error").answer()
	}
	a := jsonAnswer(http.StatusOK, body)
	for name, value := range rongCORS {
		a.header[name] = value
	}
	return a
}

// preflight answers what browsers ask before they send a page's request.
func (rc *rongcloud) preflight(r *http.Request) (answer, bool) {
	if r.Method != http.MethodOptions || r.URL.Path != rongNavi {
		return answer{}, false
	}
	return answer{status: http.StatusNoContent, header: rongCORS.Clone()}, true
}
