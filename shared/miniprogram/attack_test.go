package miniprogram

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/store"
)

// These tests try what mpauthx lets an attacker do. That a rotation takes the current
// token, and that a logout ends one device, is tried where these routes are: in package
// oauth, and in e2e.

// An openid, or whatever else somebody can know of a user, opens nothing.
func TestAttackByOpenID(t *testing.T) {
	f := newFixture(t)
	victim := f.phone("hua", "sku", "shop")
	victim.mustLogIn(false)
	s, err := f.sessions.Check(t.Context(), victim.token)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, token string }{
		{"openid", s.OpenID},
		{"unionid", s.UnionID},
		{"session id", s.ID},
		{"token of mpauthx", s.OpenID + "|shop|" + strings.Repeat("0", 64)},
		{"openid in base64", base64.RawURLEncoding.EncodeToString([]byte(s.OpenID))},
		{"family", victim.token[:22]},
		{"token, cut", victim.token[:63]},
		{"token and more", victim.token + "A"},
		{"token in lower case", strings.ToLower(victim.token)},
	} { // a whole token of the family proves that somebody had one: it ends the session, see package session
		t.Run(c.name, func(t *testing.T) {
			thief := *victim
			thief.token = c.token
			wantCode(t, "decrypt", thief.decrypt(wechatsim.MiniOptions{}), 401, "session_missing")
			wantCode(t, "check", thief.check(""), 401, "session_missing")
		})
	}
	if err := victim.sessionError(); err != nil {
		t.Errorf("the victim's session: %v", err)
	}
}

// A stranger's login, or data, with a bearer token of the victim's or the victim's
// openid, is the stranger's.
func TestAttackByLogin(t *testing.T) {
	f := newFixture(t)
	victim, thief := f.phone("hua"), f.phone("ming")
	victim.mustLogIn(true)
	code := thief.code()
	data := thief.data(wechatsim.MiniOptions{OpenID: f.sim.OpenID(miniID, "hua")})
	data["code"] = code
	for _, more := range []string{"openid", "openId", "userId", "unionid", "session_key", "id"} {
		data[more] = f.sim.OpenID(miniID, "hua")
	}
	wantCode(t, "data that names the victim", thief.do("POST", "/miniprogram/login", data), 400, "data_of_other_user")
	delete(data, "encryptedData")
	delete(data, "iv")
	data["code"] = thief.code()
	delete(data, "rawData")
	delete(data, "signature")
	want(t, "a body that names the victim", thief.do("POST", "/miniprogram/login", data), 200, f.sim.OpenID(miniID, "ming"))
	thief.token = victim.token
	if g := thief.mustLogIn(false); g.Token == victim.token || g.OpenID != f.sim.OpenID(miniID, "ming") {
		t.Errorf("%+v", g)
	}
	if err := victim.sessionError(); err != nil || victim.stored().Profile.Nickname != "Li Hua" {
		t.Errorf("the victim's session: %v, %+v", err, victim.stored().Profile)
	}
}

// A client can make its data say anything (see Decrypt), so a unionid in it links nobody.
func TestAttackByForgedUnionID(t *testing.T) {
	f := newFixture(t)
	p := f.phone("ming", "app", "other") // of no Open Platform account: WeChat gives no unionid
	p.appID = otherID
	code := p.code()
	key, _ := f.sim.SessionKey(otherID, "ming")
	plain := `{"unionId":"` + f.sim.UnionID(miniID, "hua") + `","nickName":"x","watermark":{"timestamp":` + now() + `,"appid":"` + otherID + `"}}`
	text, iv := sealWith(key, plain)
	want(t, "login", p.do("POST", "/miniprogram/login", map[string]any{"app": "other", "code": code, "encryptedData": text, "iv": iv}), 200, `"newUser":true`)
	if u := p.stored(); u.UnionID != "" || u.Profile == nil {
		t.Errorf("%+v", u)
	}
	if ids, err := f.sessions.OpenIDs(t.Context(), f.sim.UnionID(miniID, "hua")); err != nil || len(ids) != 0 {
		t.Errorf("%v, %v", ids, err)
	}
}

// Each session has a token of its own. The store has hashes of it, written together with
// the time at which they expire.
func TestAttackOnTheTable(t *testing.T) {
	f := newFixture(t)
	tokens := map[string]bool{}
	for _, device := range []string{"phone", "tablet", "", "' OR 1=1 --", `"; DROP TABLE users; --`, "a|b|c", "*", "<b>"} {
		p := f.phone("hua", "device", device)
		p.mustLogIn(true)
		tokens[p.token] = true
		if err := p.sessionError(); err != nil {
			t.Errorf("%q: %v", device, err)
		}
	}
	if len(tokens) != 8 {
		t.Errorf("%d tokens", len(tokens))
	}
	for _, item := range f.store.Written() {
		switch store.Kind(item.Key) {
		case "session":
			if item.ExpiresAt.IsZero() {
				t.Errorf("%s is written and does not expire", store.Kind(item.Key))
			}
		case "user", "union":
		default:
			t.Errorf("%s was written", item.Key)
		}
		for token := range tokens {
			if strings.Contains(item.Key+string(item.Value), token) || strings.Contains(string(item.Value), token[22:]) {
				t.Errorf("a token is stored: %s", item.Key)
			}
		}
	}
	var devices []string
	for _, d := range f.phone("hua").stored().Devices {
		devices = append(devices, d.Device)
	}
	if text, _ := json.Marshal(devices); !strings.Contains(string(text), "DROP TABLE") {
		t.Errorf("%s", text)
	}
}

// Whatever is wrong with a ciphertext, the answer is the same, byte by byte, so nobody can
// use it as a padding oracle.
func TestAttackByPaddingOracle(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	p.mustLogIn(false)
	d := p.data(wechatsim.MiniOptions{})
	text := bytesOf(d["encryptedData"].(string))
	answers := map[string]int{}
	for i := range 256 { // the last byte of the last block but one makes each padding there is
		forged := append([]byte(nil), text...)
		forged[len(forged)-17] ^= byte(i)
		got := p.do("POST", "/miniprogram/decrypt", map[string]any{"encryptedData": base64.StdEncoding.EncodeToString(forged), "iv": d["iv"]})
		if i > 0 {
			answers[got.Body.String()]++
		}
	}
	for answer, n := range answers {
		if n != 255 || !strings.Contains(answer, "data_undecryptable") {
			t.Errorf("%d times %s", n, answer)
		}
	}
}
