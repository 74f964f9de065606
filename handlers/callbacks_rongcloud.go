package handlers

import (
	"crypto/sha1" //nolint:gosec // RongCloud's signature is SHA-1 by definition
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// RongCloudCallbackPath is what the console's address of the callback ends with.
const RongCloudCallbackPath = "/v1/callbacks/rongcloud/message"

const rongCloudName = "rongcloud"

// RongCloudProof proves the signatures of RongCloud's callbacks: the SHA-1 of app
// secret, nonce and timestamp as they were sent, in hex. The secret lives in what
// it returns, where nothing prints it.
func RongCloudProof(appSecret string) func(nonce, timestamp, signature string) bool {
	appSecret = strings.TrimSpace(appSecret)
	return func(nonce, timestamp, signature string) bool {
		sum := sha1.Sum([]byte(appSecret + nonce + timestamp)) //nolint:gosec // see above
		return sameSum(sum[:], signature)
	}
}

// sameSum compares in constant time. Hex in capitals is as good.
func sameSum(want []byte, signature string) bool {
	got, err := hex.DecodeString(signature)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}

type rongCloudVerdict struct {
	Pass int `json:"pass"`
}

// rongCloudCallback answers RongCloud before it delivers what a client sent. The
// signature covers neither the body nor a border between nonce and timestamp: it
// proves who asks and when, and counts once as a whole.
func (h *api) rongCloudCallback(c echo.Context) error {
	if h.Callbacks.RongCloud == nil {
		return &problem{code: "not_found"}
	}
	query := c.QueryParams()
	nonce, timestamp, signature := query.Get("nonce"), query.Get("signTimestamp"), query.Get("signature")
	if nonce == "" || !h.Callbacks.RongCloud(nonce, timestamp, signature) {
		return h.refuseCallback(rongCloudName, callbackForged)
	}
	at, ok := h.fresh(timestamp)
	if !ok {
		return h.refuseCallback(rongCloudName, callbackLate)
	}
	body, err := callbackBody(c)
	if err != nil {
		h.Metrics.callbacks.WithLabelValues(rongCloudName, callbackMalformed).Inc()
		return err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return h.refuseCallback(rongCloudName, callbackMalformed)
	}
	if form.Get("appKey") != h.Callbacks.AppKey || query.Has("appKey") && query.Get("appKey") != h.Callbacks.AppKey {
		return h.refuseCallback(rongCloudName, callbackForeign)
	}
	q := callback{cloud: rongCloudName, signature: strings.ToLower(signature), at: at, budget: rongCloudBudget,
		from: form.Get("fromUserId"), to: form.Get("targetId"), personal: form.Get("channelType") == "PERSON"}
	if q.personal && (q.from == "" || q.to == "") {
		return h.refuseCallback(rongCloudName, callbackMalformed)
	}
	pass, _, err := h.pass(c, q)
	if err != nil {
		return err
	}
	out := rongCloudVerdict{}
	if pass {
		out.Pass = 1
	}
	return c.JSON(http.StatusOK, out)
}
