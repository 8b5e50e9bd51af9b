package e2e_test

import (
	"net/http"
	"testing"

	"wechatfn/dev/wechatsim/push"
)

// Secrets that were changed in WeChat's console are used as soon as they are stored, by a
// process that has cached the old ones.
func TestNewPushSecrets(t *testing.T) { onEachDriver(t, testNewPushSecrets) }

func testNewPushSecrets(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
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
	fx.pushes.wantReads(0) // the last read is less than 5 s ago
}

// Secrets of an account that are added to the secret are used as soon as they are stored.
func TestAddedPushSecrets(t *testing.T) { onEachDriver(t, testAddedPushSecrets) }

func testAddedPushSecrets(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.twoAccounts()
	verify := fx.start("verify")
	check(t, verify.pusher(), http.StatusOK, "")
	fx.pushes.wantReads(1)
	fx.pushes.put(map[string]pushSecret{"default": {Token: pushToken, AESKey: pushKey}, "second": {Token: newToken, AESKey: newKey}})
	second := func(c *push.Config) { c.URL, c.AppID, c.Token = c.URL+"/second", secondID, newToken }
	check(t, verify.pusher(second), http.StatusOK, "")
	fx.pushes.wantReads(1)
}

// During a rotation WeChat may use the new or the old token and key.
func TestRotationOfPushSecrets(t *testing.T) { onEachDriver(t, testRotationOfPushSecrets) }

func testRotationOfPushSecrets(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.settings["REPLY_FUNCTION"] = replyName
	fx.replies.set(replying(textReply))
	fx.pushes.put(map[string]pushSecret{"default": {newToken, newKey, pushToken, pushKey}})
	verify := fx.start("verify")
	for _, c := range []struct {
		name string
		use  func(*push.Config)
	}{
		{"the new ones", signedWith(newToken, newKey)},
		{"the old ones", signedWith(pushToken, pushKey)},
		{"the new token", signedWith(newToken, pushKey)},
		{"the new key", signedWith(pushToken, newKey)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := verify.pusher(c.use)
			check(t, p, http.StatusOK, "")
			d := verify.deliver(p, fx.sample("text"))
			if d.Verdict != push.Accepted || d.Reply == nil || !d.Reply.Encrypted {
				t.Errorf("%v because of %s: answer %d %s", d.Verdict, d.Reason, d.Status, d.Body)
			}
		})
	}
	fx.pushes.wantReads(1)
	fx.bus.want(4, 4)
}

// Each account has an address and secrets of its own.
func TestPushesOfTwoAccounts(t *testing.T) { onEachDriver(t, testPushesOfTwoAccounts) }

func testPushesOfTwoAccounts(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.twoAccounts()
	fx.pushes.put(map[string]pushSecret{"default": {Token: pushToken, AESKey: pushKey}, secondID: {Token: newToken, AESKey: newKey}})
	verify := fx.start("verify")
	second := func(c *push.Config) {
		c.URL += "/second"
		c.Token, c.EncodingAESKey, c.AppID = newToken, newKey, secondID
	}
	for _, c := range []struct {
		appID string
		p     *push.Sender
	}{
		{appID, verify.pusher()},
		{secondID, verify.pusher(second)},
	} {
		t.Run(c.appID, func(t *testing.T) {
			check(t, c.p, http.StatusOK, "")
			wantAccepted(t, verify.deliver(c.p, fx.sample("text")))
			if events := fx.bus.want(1, 1); len(events) == 1 && events[0].Resources[0] != c.appID {
				t.Errorf("event %+v", events[0])
			}
		})
	}
	// The same message to both accounts is two messages.
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
	otherID := func(c *push.Config) { c.AppID = secondID } // as if two accounts had the same secrets
	wantRefused(t, verify.deliver(verify.pusher(otherID), m), http.StatusForbidden, "push_refused")
	verify.wantNoCalls()
	fx.pushes.wantReads(1)
	wantHealth(t, verify, http.StatusOK, `"accounts":[{"app":"default","ready":true},{"app":"second","ready":true}]`)
}

// atPath adds to the address.
func atPath(more string) func(*push.Config) {
	return func(c *push.Config) { c.URL += more }
}

func TestDomainProof(t *testing.T) { onEachDriver(t, testDomainProof) }

func testDomainProof(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.settings["WECHAT_DOMAIN_PROOFS"] = "AbCdEf0123456789,xyz=other-content_1"
	verify := fx.start("verify")
	for _, c := range []struct{ path, content string }{{"/MP_verify_AbCdEf0123456789.txt", "AbCdEf0123456789"}, {"/MP_verify_xyz.txt", "other-content_1"}} {
		t.Run(c.path, func(t *testing.T) {
			if a := verify.get(c.path); a.status != http.StatusOK || string(a.body) != c.content || a.header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("answer %d %s", a.status, a.body)
			}
		})
	}
	wantProblem(t, verify.get("/MP_verify_other.txt"), http.StatusNotFound, "not_found")
	verify.wantNoCalls()
	fx.pushes.wantReads(0)
}
