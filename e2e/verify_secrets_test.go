package e2e_test

import (
	"net/http"
	"testing"

	"wechatfn/dev/wechatsim/push"
)

// TestNewSecrets: secrets that were changed in WeChat's console work as soon as
// they are stored, in a process that still holds the old ones (P10).
func TestNewSecrets(t *testing.T) {
	fx := newFixture(t)
	verify := fx.start("verify")
	before, after := verify.pusher(), verify.pusher(signedWith(newToken, newKey))
	wantAccepted(t, verify.deliver(before, fx.sample("text")))
	fx.pushes.wantReads(1)

	fx.pushes.put(map[string]pushSecret{"default": {Token: newToken, AESKey: newKey}})
	wantAccepted(t, verify.deliver(after, fx.sample("text")))
	wantAccepted(t, verify.deliver(after, fx.sample("text")))
	fx.pushes.wantReads(1)
	fx.bus.want(3, 3)
	verify.table.take()
	for range 2 {
		wantRefused(t, verify.deliver(before, fx.sample("text")), http.StatusForbidden, "push_refused")
	}
	verify.wantNoCalls()
	fx.pushes.wantReads(0) // it is not yet 30 s since
}

// TestAccountAdded: the same goes for the secrets of an account that is added to
// those stored.
func TestAccountAdded(t *testing.T) {
	fx := newFixture(t)
	fx.twoAccounts()
	verify := fx.start("verify")
	check(t, verify.pusher(), http.StatusOK, "")
	fx.pushes.wantReads(1)
	fx.pushes.put(map[string]pushSecret{"default": {Token: pushToken, AESKey: pushKey}, "second": {Token: newToken, AESKey: newKey}})
	second := func(c *push.Config) { c.URL, c.AppID, c.Token = c.URL+"/second", secondID, newToken }
	check(t, verify.pusher(second), http.StatusOK, "")
	fx.pushes.wantReads(1)
}

// TestRotation: during a rotation WeChat may use either, each with its replies.
func TestRotation(t *testing.T) {
	fx := newFixture(t)
	fx.settings["REPLY_FUNCTION"] = replyName
	fx.replies.set(replying(textReply))
	fx.pushes.put(map[string]pushSecret{"default": {newToken, newKey, pushToken, pushKey}})
	verify := fx.start("verify")
	for name, use := range map[string]func(*push.Config){
		"the new ones":  signedWith(newToken, newKey),
		"the old ones":  signedWith(pushToken, pushKey),
		"the new token": signedWith(newToken, pushKey),
		"the new key":   signedWith(pushToken, newKey),
	} {
		p := verify.pusher(use)
		check(t, p, http.StatusOK, "")
		d := verify.deliver(p, fx.sample("text"))
		if d.Verdict != push.Accepted || d.Reply == nil || !d.Reply.Encrypted {
			t.Errorf("%s: %v because of %s: answer %d %s", name, d.Verdict, d.Reason, d.Status, d.Body)
		}
	}
	fx.pushes.wantReads(1)
	fx.bus.want(4, 4)
}

// TestTwoAccountsPush: each account has an address and secrets of its own.
func TestTwoAccountsPush(t *testing.T) {
	fx := newFixture(t)
	fx.twoAccounts()
	fx.pushes.put(map[string]pushSecret{"default": {Token: pushToken, AESKey: pushKey}, secondID: {Token: newToken, AESKey: newKey}})
	verify := fx.start("verify")
	second := func(c *push.Config) {
		c.URL += "/second"
		c.Token, c.EncodingAESKey, c.AppID = newToken, newKey, secondID
	}
	for wantID, p := range map[string]*push.Sender{
		appID:    verify.pusher(),
		secondID: verify.pusher(second),
	} {
		check(t, p, http.StatusOK, "")
		wantAccepted(t, verify.deliver(p, fx.sample("text")))
		if events := fx.bus.want(1, 1); len(events) == 1 && events[0].Resources[0] != wantID {
			t.Errorf("event %+v, want one of %s", events[0], wantID)
		}
	}
	// The same message of both accounts is two messages.
	m := fx.sample("text")
	wantAccepted(t, verify.deliver(verify.pusher(), m))
	wantAccepted(t, verify.deliver(verify.pusher(second), m))
	wantAccepted(t, verify.deliver(verify.pusher(atPath("/default")), fx.sample("text")))
	wantAccepted(t, verify.deliver(verify.pusher(atPath("?app=default")), fx.sample("text")))
	fx.bus.want(4, 4)
	verify.table.take()
	fx.pushes.wantReads(1)

	wantRefused(t, verify.deliver(verify.pusher(atPath("/second")), m), http.StatusForbidden, "push_refused")
	wantRefused(t, verify.deliver(verify.pusher(atPath("/third")), m), http.StatusNotFound, "app_unknown")
	otherID := func(c *push.Config) { c.AppID = secondID } // as where two accounts share their secrets
	wantRefused(t, verify.deliver(verify.pusher(otherID), m), http.StatusForbidden, "push_refused")
	verify.wantNoCalls()
	fx.pushes.wantReads(1)
	wantHealth(t, verify, http.StatusOK, `"accounts":[{"app":"default","ready":true},{"app":"second","ready":true}]`)
}

// at changes the address.
func atPath(more string) func(*push.Config) {
	return func(c *push.Config) { c.URL += more }
}

func TestDomainProof(t *testing.T) {
	fx := newFixture(t)
	fx.settings["WECHAT_DOMAIN_PROOFS"] = "AbCdEf0123456789,xyz=other-content_1"
	verify := fx.start("verify")
	for path, content := range map[string]string{"/MP_verify_AbCdEf0123456789.txt": "AbCdEf0123456789", "/MP_verify_xyz.txt": "other-content_1"} {
		if a := verify.get(path); a.status != http.StatusOK || string(a.body) != content || a.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: answer %d %s", path, a.status, a.body)
		}
	}
	wantProblem(t, verify.get("/MP_verify_other.txt"), http.StatusNotFound, "not_found")
	verify.wantNoCalls()
	fx.pushes.wantReads(0)
}
