package e2e_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"wechatfn/shared/jssdk"
)

// Without a ticket the function writes a refresh request, the refresher handles it, and
// the next request gets a signature.
func TestRefreshRequestLeadsToASignature(t *testing.T) {
	onEachDriver(t, testRefreshRequestLeadsToASignature)
}

func testRefreshRequestLeadsToASignature(t *testing.T, launch launcher) {
	for _, eventName := range []string{"INSERT", "MODIFY"} {
		t.Run(eventName, func(t *testing.T) {
			fx := newFixture(t, launch)
			signature, refresher := fx.start("signature"), fx.start("refresher")

			wantProblem(t, signature.serve(recorded(t, "signature")), http.StatusServiceUnavailable, "ticket_unavailable")
			signature.wantCalls(calls{"GetItem ticket": 1, "PutItem refresh_request": 1})
			if got, want := fx.keys(""), []string{"refresh_request#" + appID}; !slices.Equal(got, want) {
				t.Fatalf("the table holds %q, want %q", got, want)
			}

			report := refresher.report(fx.streamEvent(eventName))
			if left := report.Accounts[0].Tickets["jsapi"].SecondsLeft; left < 7000 {
				t.Errorf("the new ticket has %d s left", left)
			}
			refresher.wantCalls(calls{"GetItem refresh_request": 1, "GetItem token": 1, "PutItem token": 3, "PutItem ticket": 1})
			fx.wantTokenCalls(1, 1)

			wantSignature(t, fx, fx.start("signature").serve(recorded(t, "signature")), appID)
			for _, secret := range []string{fx.ticket(appID, "jsapi"), fx.record(nil).Token.Value, appSecret} {
				if !fx.canaries.foundIn("a line with " + secret + " in it") {
					t.Error("a secret was not planted as a canary")
				}
			}
		})
	}
}

// This counts the calls for a signature.
func TestCallsOfASignature(t *testing.T) { onEachDriver(t, testCallsOfASignature) }

func testCallsOfASignature(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	refresher, signature := fx.start("refresher"), fx.start("signature")
	refresher.tick()
	refresher.wantCalls(calls{"GetItem token": 1, "PutItem token": 3, "PutItem ticket": 1})
	fx.wantTokenCalls(1, 1)

	refresher.tick()
	refresher.wantCalls(calls{"GetItem token": 1})
	fx.wantTokenCalls(0, 0)

	wantSignature(t, fx, signature.serve(recorded(t, "signature")), appID)
	signature.wantCalls(calls{"GetItem ticket": 1})
	for range 3 {
		wantSignature(t, fx, signature.serve(recorded(t, "signature")), appID)
	}
	signature.wantCalls(calls{})
	fx.wantTokenCalls(0, 0)
	signature.wantProcesses(1)
}

// However many instances find no ticket, one refresh request is written.
func TestTwentyInstancesWriteOneRefreshRequest(t *testing.T) {
	const instances = 20
	fx := newFixture(t, runtimeAPI)
	fleet := make([]*function, instances)
	for i := range fleet {
		fleet[i] = fx.start("signature")
	}
	event := recorded(t, "signature")
	var wg sync.WaitGroup
	for _, f := range fleet {
		wg.Go(func() {
			if payload, err := f.invoke(event); err != nil {
				t.Error(err)
			} else if !strings.Contains(string(payload), "ticket_unavailable") {
				t.Errorf("answer %s", payload)
			}
		})
	}
	wg.Wait()
	total := calls{}
	for _, f := range fleet {
		for call, n := range f.table.take() {
			total[call] += n
		}
	}
	if total["GetItem ticket"] != instances || total["PutItem refresh_request"] != 1 || total["PutItem refresh_request refused"] != instances-1 {
		t.Errorf("calls of all instances: %v", total)
	}
}

func TestSignatureOfASecondAccount(t *testing.T) { onEachDriver(t, testSignatureOfASecondAccount) }

func testSignatureOfASecondAccount(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.twoAccounts()
	signature, refresher := fx.start("signature"), fx.start("refresher")
	query := "/signature?url=" + url.QueryEscape(pageURL)

	wantProblem(t, signature.get(query+"&app=second"), http.StatusServiceUnavailable, "ticket_unavailable")
	if got, want := fx.keys(""), []string{"refresh_request#" + secondID}; !slices.Equal(got, want) {
		t.Fatalf("the table holds %q, want %q", got, want)
	}
	if report := refresher.report(fx.streamEvent("INSERT")); len(report.Accounts) != 1 || report.Accounts[0].App != "second" {
		t.Errorf("report %+v", report)
	}
	fx.wantTokenCalls(1, 1) // there was no refresh request for the other account
	refresher.tick()
	fx.wantTokenCalls(1, 1)
	fx.secrets.wantReads(1) // both accounts' AppSecrets are in one secret

	signature = fx.start("signature") // one that has not cached that there is no ticket
	wantSignature(t, fx, signature.get(query+"&app=second"), secondID)
	wantSignature(t, fx, signature.get(query+"&app=default"), appID)
	wantSignature(t, fx, signature.get(query), appID)
	wantProblem(t, signature.get(query+"&app=third"), http.StatusBadRequest, "app_unknown")
}

func TestSignatureCacheTable(t *testing.T) { onEachDriver(t, testSignatureCacheTable) }

func testSignatureCacheTable(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.settings["SIGNATURE_CACHE"] = "table"
	fx.start("refresher").tick()
	query := "/signature?url=" + url.QueryEscape(pageURL)

	signature := fx.start("signature")
	first := wantSignature(t, fx, signature.get(query), appID)
	signature.wantCalls(calls{"GetItem ticket": 1, "GetItem signature": 1, "PutItem signature": 1})
	if again := wantSignature(t, fx, signature.get(query), appID); again != first {
		t.Errorf("signature %+v, and then %+v", first, again)
	}
	signature.wantCalls(calls{"GetItem signature": 1})

	other := fx.start("signature")
	if theirs := wantSignature(t, fx, other.get(query), appID); theirs != first {
		t.Errorf("another process answers %+v, want the stored %+v", theirs, first)
	}
	forced := wantSignature(t, fx, other.get(query+"&force=true"), appID)
	other.wantCalls(calls{"GetItem ticket": 1, "GetItem signature": 2, "PutItem signature": 1})
	if forced == first {
		t.Error("force=true returns the stored signature")
	}
	if now := wantSignature(t, fx, signature.get(query), appID); now != forced {
		t.Errorf("after force=true the table has %+v, want %+v", now, forced)
	}
}

func TestCardSignature(t *testing.T) { onEachDriver(t, testCardSignature) }

func testCardSignature(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.settings["WECHAT_TICKETS"] = "jsapi,wx_card"
	fx.start("refresher").tick()
	fx.wantTokenCalls(1, 2)

	a := fx.start("signature").serve(recorded(t, "signature-card"))
	var card struct{ CardID, CardExt string }
	var ext struct{ OpenID, Timestamp, Nonce_Str, Signature string }
	decode(t, a, &card)
	if err := json.Unmarshal([]byte(card.CardExt), &ext); err != nil {
		t.Fatal(err)
	}
	values := []string{fx.ticket(appID, "wx_card"), card.CardID, ext.OpenID, ext.Timestamp, ext.Nonce_Str}
	slices.Sort(values)
	if want := sha1Hex(strings.Join(values, "")); ext.Signature != want || ext.OpenID == "" {
		t.Errorf("card signature %s, want %s; ext %+v", ext.Signature, want, ext)
	}
}

// If the table does not answer a call, the function answers before Lambda ends it.
func TestSignatureAnswersInTime(t *testing.T) {
	for _, c := range []struct {
		name        string
		cache, call string // the first call that is not answered
		ticket      bool   // there is one when the process starts
		status      int
	}{
		{"any call", "none", "", false, http.StatusServiceUnavailable},
		{"the write of a refresh request", "none", "PutItem refresh_request", false, http.StatusServiceUnavailable},
		{"the write of a signature", "table", "PutItem signature", true, http.StatusOK},
		{"the read of a signature", "table", "GetItem signature", true, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, runtimeAPI)
			fx.settings["SIGNATURE_CACHE"] = c.cache
			if c.ticket {
				fx.start("refresher").tick()
			}
			signature := fx.start("signature")
			signature.table.hang(c.call)
			if a := signature.serve(recorded(t, "signature")); a.status != c.status {
				t.Errorf("answer %d %s", a.status, a.body)
			}
		})
	}
}

func TestSignatureRoutes(t *testing.T) { onEachDriver(t, testSignatureRoutes) }

func testSignatureRoutes(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.start("refresher").tick()
	signature := fx.start("signature")
	for _, c := range []struct {
		target string
		status int
	}{
		{"/signature?url=" + url.QueryEscape(pageURL), http.StatusOK},
		{"/get-signature?url=" + url.QueryEscape(pageURL), http.StatusOK},
		{"/signature/health", http.StatusOK},
		{"/signature", http.StatusBadRequest},
		{"/signature?url=" + url.QueryEscape("https://evil.com"), http.StatusForbidden},
		{"/signature/nothing", http.StatusNotFound},
	} {
		t.Run(c.target, func(t *testing.T) {
			a := signature.get(c.target)
			if got := a.header.Get("Access-Control-Allow-Origin"); a.status != c.status || got != origin {
				t.Errorf("answer %d for %q, want %d", a.status, got, c.status)
			}
		})
	}
}

// wantSignature checks an answer against WeChat's ticket, without the code under test.
func wantSignature(t *testing.T, fx *fixture, a answer, appID string) jssdk.Signature {
	t.Helper()
	var s jssdk.Signature
	decode(t, a, &s)
	if s.AppID != appID || s.URL != pageURL {
		t.Errorf("signed %q for %s", s.URL, s.AppID)
	}
	want := sha1Hex(fmt.Sprintf("jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", fx.ticket(appID, "jsapi"), s.NonceStr, s.Timestamp, pageURL))
	if s.Signature != want {
		t.Errorf("signature %s, want %s", s.Signature, want)
	}
	if err := fx.sim.VerifySignature(appID, pageURL, s.NonceStr, s.Timestamp, s.Signature); err != nil {
		t.Error(err)
	}
	if a.header.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		t.Errorf("headers %v", a.header)
	}
	return s
}

func wantProblem(t testing.TB, a answer, status int, code string) {
	t.Helper()
	var problem struct {
		Code   string
		Status int
	}
	if err := json.Unmarshal(a.body, &problem); err != nil || a.status != status || problem.Status != status || problem.Code != code {
		t.Errorf("answer %d %s, want %d %s", a.status, a.body, status, code)
	}
	if status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
}

func decode(t *testing.T, a answer, v any) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

func sha1Hex(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}
