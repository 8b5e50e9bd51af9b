package e2e_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"wechatfn/shared/manifest"
)

// The functions use all grants of the manifest. This makes every request that calls the
// table, and compares the calls with the grants. Other calls fail in every test: the proxy
// refuses them.
func TestAllGrantsAreUsed(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	fx.settings["SIGNATURE_CACHE"] = "table"
	cold, refresher, signature := fx.start("signature"), fx.start("refresher"), fx.start("signature")

	cold.table.dropAnswers("PutItem refresh_request") // so that the write is read back
	cold.serve(recorded(t, "signature"))
	refresher.report(fx.streamEvent("INSERT"))
	refresher.report(fx.streamEvent("INSERT")) // checks whether the published tickets exist
	wantSignature(t, fx, signature.serve(recorded(t, "signature")), appID)

	verify := fx.start("verify")
	verify.table.dropAnswers("PutItem push")
	wantAccepted(t, verify.deliver(verify.pusher(), fx.sample("text")))

	oauth := fx.start("oauth")
	oauth.table.dropAnswers("PutItem refresh_request")
	mini := oauth.mini("ming").logIn(nil)
	wantProblem(t, mini.get("/miniprogram/session"), http.StatusServiceUnavailable, "token_unavailable")
	oauth.table.dropAnswers("PutItem union")
	for _, page := range []string{origin, otherOrigin} {
		b := oauth.browser("hua")
		callback := b.beginAndApprove("return_to=" + page)
		if a := b.visit(callback); page == otherOrigin {
			b.fetch(http.MethodPost, "/oauth/token", redeemBody(b.loginCodeOf(a)))
		} else {
			b.wantProfile("") // which is read from the registry
		}
	}

	ofSignature := cold.table.everUsed()
	maps.Copy(ofSignature, signature.table.everUsed())
	for _, c := range []struct {
		function string
		used     map[string]bool
	}{
		{"oauth", oauth.table.everUsed()},
		{"signature", ofSignature},
		{"refresher", refresher.table.everUsed()},
		{"verify", verify.table.everUsed()},
	} {
		t.Run(c.function, func(t *testing.T) {
			m, _ := manifest.Lookup(c.function)
			if want := grants(m); !maps.Equal(c.used, want) {
				t.Errorf("called %q, granted is %q", slices.Sorted(maps.Keys(c.used)), slices.Sorted(maps.Keys(want)))
			}
		})
	}
}
