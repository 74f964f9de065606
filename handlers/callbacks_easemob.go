package handlers

import (
	"crypto/md5" //nolint:gosec // Easemob's signature is MD5 by definition
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"imbridge/models"
)

// EasemobCallbackPath is what the console's address of the callback ends with.
const EasemobCallbackPath = "/v1/callbacks/easemob/message"

const easemobName = "easemob"

// EasemobProof proves the signatures of Easemob's callbacks: the MD5 of callId, the
// rule's secret and the timestamp as they were sent, in hex. Each rule in the
// console has a secret of its own; any of them will do.
func EasemobProof(secrets ...string) func(callID, timestamp, signature string) bool {
	return func(callID, timestamp, signature string) bool {
		proven := false
		for _, secret := range secrets {
			sum := md5.Sum([]byte(callID + secret + timestamp)) //nolint:gosec // see above
			proven = sameSum(sum[:], signature) || proven
		}
		return proven
	}
}

// easemobQuestion is what we read of Easemob's callback before sending.
type easemobQuestion struct {
	CallID string `json:"callId"`
	// Timestamp is a number, or a text with one.
	Timestamp json.RawMessage `json:"timestamp"`
	ChatType  string          `json:"chat_type"`
	From      string          `json:"from"`
	To        string          `json:"to"`
	Security  string          `json:"security"`
}

type easemobVerdict struct {
	Valid bool `json:"valid"`
	// Code is what the sender's SDK reports.
	Code string `json:"code,omitempty"`
}

// easemobCallback answers Easemob before it delivers what a client sent.
func (h *api) easemobCallback(c echo.Context) error {
	if h.Callbacks.Easemob == nil {
		return &problem{code: "not_found"}
	}
	body, err := callbackBody(c)
	if err != nil {
		h.Metrics.callbacks.WithLabelValues(easemobName, callbackMalformed).Inc()
		return err
	}
	var in easemobQuestion
	if err := json.Unmarshal(body, &in); err != nil {
		return h.refuseCallback(easemobName, callbackMalformed)
	}
	timestamp := strings.Trim(string(in.Timestamp), `"`)
	if in.CallID == "" || !h.Callbacks.Easemob(in.CallID, timestamp, in.Security) {
		return h.refuseCallback(easemobName, callbackForged)
	}
	at, ok := h.fresh(timestamp)
	if !ok {
		return h.refuseCallback(easemobName, callbackLate)
	}
	if !strings.HasPrefix(in.CallID, h.Callbacks.AppKey+"_") {
		return h.refuseCallback(easemobName, callbackForeign)
	}
	q := callback{cloud: easemobName, signature: strings.ToLower(in.Security), at: at, budget: easemobBudget,
		from: h.bareName(in.From), to: h.bareName(in.To), personal: in.ChatType == "chat"}
	if q.personal && (q.from == "" || q.to == "") {
		return h.refuseCallback(easemobName, callbackMalformed)
	}
	pass, verdict, err := h.pass(c, q)
	if err != nil {
		return err
	}
	out := easemobVerdict{Valid: pass}
	switch {
	case pass:
	case verdict == models.VerdictStrangers, verdict == models.VerdictBlocked:
		// One word for both, which is true of both: who is blocked is not told so.
		out.Code = "not_accepted"
	default:
		out.Code = "not_allowed"
	}
	return c.JSON(http.StatusOK, out)
}

// bareName is a user's name, which some of Easemob's callbacks wrap into
// org#app_name@easemob.com.
func (h *api) bareName(id string) string {
	if name, wrapped := strings.CutSuffix(id, "@easemob.com"); wrapped {
		return strings.TrimPrefix(name, h.Callbacks.AppKey+"_")
	}
	return id
}
