package e2e_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"wechatfn/shared/manifest"
)

// TestGrantsAreUsed walks every way that leads to the table and compares what
// was called with what the manifest grants. That nothing else is called is
// checked in each test: the proxy refuses it.
func TestGrantsAreUsed(t *testing.T) {
	fx := newLoginFixture(t)
	fx.settings["SIGNATURE_CACHE"] = "table"
	cold, refresher, signature := fx.start("signature"), fx.start("refresher"), fx.start("signature")

	cold.table.dropAnswers("PutItem refresh_request") // so that the write is settled by reading back
	cold.serve(recorded(t, "signature"))
	refresher.report(fx.streamEvent("INSERT"))
	refresher.report(fx.streamEvent("INSERT")) // looks whether what is published is there
	wantSignature(t, fx, signature.serve(recorded(t, "signature")), appID)

	verify := fx.start("verify")
	verify.table.dropAnswers("PutItem push") // so too
	wantAccepted(t, verify.deliver(verify.pusher(), fx.sample("text")))

	oauth := fx.start("oauth")
	oauth.table.dropAnswers("PutItem refresh_request")
	mini := oauth.mini("ming").logIn(nil)
	wantProblem(t, mini.get("/miniprogram/session"), http.StatusServiceUnavailable, "token_unavailable")
	oauth.table.dropAnswers("PutItem union") // and so too
	for _, page := range []string{origin, otherOrigin} {
		b := oauth.browser("hua")
		callback := b.beginAndApprove("return_to=" + page)
		if a := b.visit(callback); page == otherOrigin {
			b.fetch(http.MethodPost, "/oauth/token", redeemBody(b.loginCodeOf(a)))
		} else {
			b.wantProfile("") // which the registry tells
		}
	}

	used := map[string]map[string]bool{"oauth": oauth.table.everUsed(), "signature": cold.table.everUsed(), "refresher": refresher.table.everUsed(), "verify": verify.table.everUsed()}
	maps.Copy(used["signature"], signature.table.everUsed())
	for name, got := range used {
		m, _ := manifest.Lookup(name)
		if want := grants(m); !maps.Equal(got, want) {
			t.Errorf("%s called %q, granted is %q", name, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
}
