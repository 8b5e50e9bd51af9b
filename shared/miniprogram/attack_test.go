package miniprogram

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/store"
)

// What mpauthx lets an attacker do, tried here. That a rotation takes the current
// token, and a logout ends one device, is tried where these routes are: package oauth,
// and functions.

// An openid, or whatever else one may know of a user, opens nothing.
func TestAttackByOpenID(t *testing.T) {
	w := newWorld(t)
	victim := w.phone("hua", "sku", "shop")
	victim.in(false)
	s, err := w.sessions.Check(t.Context(), victim.token)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{
		s.OpenID, s.UnionID, s.ID, s.OpenID + "|shop|" + strings.Repeat("0", 64), base64.RawURLEncoding.EncodeToString([]byte(s.OpenID)),
		victim.token[:22], victim.token[:63], victim.token + "A", strings.ToLower(victim.token), victim.token[:22] + strings.Repeat("A", 42),
	} {
		thief := *victim
		thief.token = token
		if len(token) == len(victim.token) && token[:22] == victim.token[:22] {
			continue // who knows the family has had a token: it ends, see package session
		}
		wantCode(t, "decrypt", thief.decrypt(wechatsim.MiniOptions{}), 401, "session_missing")
		wantCode(t, "check", thief.check(""), 401, "session_missing")
	}
	if err := victim.alive(); err != nil {
		t.Errorf("the victim's session: %v", err)
	}
}

// A stranger's login, or data, with a bearer token of the victim's or the victim's
// openid, is the stranger's.
func TestAttackByLogin(t *testing.T) {
	w := newWorld(t)
	victim, thief := w.phone("hua"), w.phone("ming")
	victim.in(true)
	code := thief.code()
	data := thief.data(wechatsim.MiniOptions{OpenID: w.sim.OpenID(miniID, "hua")})
	data["code"] = code
	for _, more := range []string{"openid", "openId", "userId", "unionid", "session_key", "id"} {
		data[more] = w.sim.OpenID(miniID, "hua")
	}
	wantCode(t, "data that names the victim", thief.do("POST", "/miniprogram/login", data), 400, "data_of_other_user")
	delete(data, "encryptedData")
	delete(data, "iv")
	data["code"] = thief.code()
	delete(data, "rawData")
	delete(data, "signature")
	want(t, "a body that names the victim", thief.do("POST", "/miniprogram/login", data), 200, w.sim.OpenID(miniID, "ming"))
	thief.token = victim.token
	if g := thief.in(false); g.Token == victim.token || g.OpenID != w.sim.OpenID(miniID, "ming") {
		t.Errorf("%+v", g)
	}
	if err := victim.alive(); err != nil || victim.stored().Profile.Nickname != "Li Hua" {
		t.Errorf("the victim's session: %v, %+v", err, victim.stored().Profile)
	}
}

// The client can make its data say anything (see Decrypt): a unionid in it links nobody.
func TestAttackByForgedUnionID(t *testing.T) {
	w := newWorld(t)
	p := w.phone("ming", "app", "other") // of no Open Platform account: WeChat tells no unionid
	p.appID = otherID
	code := p.code()
	key, _ := w.sim.SessionKey(otherID, "ming")
	plain := `{"unionId":"` + w.sim.UnionID(miniID, "hua") + `","nickName":"x","watermark":{"timestamp":` + now() + `,"appid":"` + otherID + `"}}`
	text, iv := sealWith(key, plain)
	want(t, "login", p.do("POST", "/miniprogram/login", map[string]any{"app": "other", "code": code, "encryptedData": text, "iv": iv}), 200, `"newUser":true`)
	if u := p.stored(); u.UnionID != "" || u.Profile == nil {
		t.Errorf("%+v", u)
	}
	if ids, err := w.sessions.OpenIDs(t.Context(), w.sim.UnionID(miniID, "hua")); err != nil || len(ids) != 0 {
		t.Errorf("%v, %v", ids, err)
	}
}

// Each session has a token of its own, of which the table holds hashes, with its end
// in the same write.
func TestAttackOnTheTable(t *testing.T) {
	w := newWorld(t)
	tokens := map[string]bool{}
	for _, device := range []string{"phone", "tablet", "", "' OR 1=1 --", `"; DROP TABLE users; --`, "a|b|c", "*", "<b>"} {
		p := w.phone("hua", "device", device)
		p.in(true)
		tokens[p.token] = true
		if err := p.alive(); err != nil {
			t.Errorf("%q: %v", device, err)
		}
	}
	if len(tokens) != 8 {
		t.Errorf("%d tokens", len(tokens))
	}
	for _, item := range w.store.Written() {
		switch store.Kind(item.Key) {
		case "session":
			if item.ExpiresAt.IsZero() {
				t.Errorf("%s is written without its end", store.Kind(item.Key))
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
	for _, d := range w.phone("hua").stored().Devices {
		devices = append(devices, d.Device)
	}
	if text, _ := json.Marshal(devices); !strings.Contains(string(text), "DROP TABLE") {
		t.Errorf("%s", text)
	}
}

// Whichever way a ciphertext is wrong, the answer is the same, byte by byte: there is
// no oracle for paddings.
func TestAttackByPaddingOracle(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua")
	p.in(false)
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
