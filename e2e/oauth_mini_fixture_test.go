package e2e_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"

	"wechatfn/dev/wechatsim"
)

const (
	// miniID is in the recorded events.
	miniID     = "wx3f8e7d6c5b4a3921"
	miniSecret = "1029384756abcdef5647382910fedcba"
)

// mini is a mini-program on the phone of a user.
type mini struct {
	f     *function
	user  string
	token string
}

func (f *function) mini(user string) *mini { return &mini{f: f, user: user} }

// send calls us as wx.request does: no cookies, no origin.
func (m *mini) send(method, target string, body any) answer {
	m.f.fx.Helper()
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			m.f.fx.Fatal(err)
		}
		text = string(b)
	}
	r := httptest.NewRequestWithContext(m.f.fx.Context(), method, api+target, strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Referer", "https://servicewechat.com/"+miniID+"/12/page-frame.html")
	if m.token != "" {
		r.Header.Set("Authorization", "Bearer "+m.token)
	}
	a, err := m.f.send(r)
	if err != nil {
		m.f.fx.Fatal(err)
	}
	m.f.fx.recordAnswer(a, nil)
	return a
}

func (m *mini) get(target string) answer { m.f.fx.Helper(); return m.send(http.MethodGet, target, nil) }

func (m *mini) post(target string, body any) answer {
	m.f.fx.Helper()
	return m.send(http.MethodPost, target, body)
}

// code returns what wx.login returns.
func (m *mini) code() string {
	m.f.fx.Helper()
	code, err := m.f.fx.sim.MiniLogin(miniID, m.user)
	if err != nil {
		m.f.fx.Fatal(err)
	}
	m.f.fx.canaries.plant(code)
	return code
}

// data returns what wx.getUserInfo returns.
func (m *mini) data() map[string]any {
	m.f.fx.Helper()
	d, err := m.f.fx.sim.MiniUserData(miniID, m.user, wechatsim.MiniOptions{})
	if err != nil {
		m.f.fx.Fatal(err)
	}
	return map[string]any{"rawData": d.RawData, "signature": d.Signature, "encryptedData": d.EncryptedData, "iv": d.IV}
}

// phoneCode returns what the button for the phone number returns.
func (m *mini) phoneCode() map[string]any {
	m.f.fx.Helper()
	code, err := m.f.fx.sim.PhoneCode(miniID, m.user)
	if err != nil {
		m.f.fx.Fatal(err)
	}
	m.f.fx.canaries.plant(code)
	return map[string]any{"code": code}
}

type miniGrant struct {
	Token, OpenID, UnionID string
	ExpiresIn              int64
	NewUser                bool
}

func (m *mini) login(more map[string]any) answer {
	m.f.fx.Helper()
	body := map[string]any{"app": "mini", "code": m.code()}
	if _, withProfile := more["rawData"]; withProfile {
		maps.Copy(body, m.data()) // after wx.login
		delete(more, "rawData")
	}
	maps.Copy(body, more)
	return m.post("/miniprogram/login", body)
}

// grant logs in, which must succeed.
func (m *mini) grant(more map[string]any) (g miniGrant) {
	m.f.fx.Helper()
	a := m.login(more)
	if err := json.Unmarshal(a.body, &g); err != nil || a.status != http.StatusOK || g.Token == "" {
		m.f.fx.Fatalf("answer %d %s, %v", a.status, a.body, err)
	}
	m.token = g.Token
	return g
}

func (m *mini) logIn(more map[string]any) *mini {
	m.f.fx.Helper()
	m.grant(more)
	return m
}

// wantMiniCalls checks the calls of WeChat for mini-programs since they were last checked.
func (fx *fixture) wantMiniCalls(logins, phones, checks int) {
	fx.Helper()
	for _, c := range []struct {
		path string
		want int
	}{{wechatsim.PathCodeToSession, logins}, {wechatsim.PathPhoneNumber, phones}, {wechatsim.PathCheckSession, checks}} {
		if got := fx.sim.Calls(c.path); got != c.want {
			fx.Errorf("WeChat was asked for %s %d times, want %d", c.path, got, c.want)
		}
	}
	fx.sim.ResetCounts()
}
