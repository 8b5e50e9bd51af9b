package wechatsim

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// CallerHeader names the caller's address, for callers that share one socket address. It overrides
// the address of the connection.
const CallerHeader = "X-Wechatsim-Caller"

// request is a call as the endpoints get it. A GET has everything in the query (but see
// Switches.SessionProofInBody). A POST has JSON in the body, and the access token in the query.
type request struct {
	path, method string
	caller       netip.Addr
	now          time.Time
	token, typ   string
	body         params
	notJSON      bool

	code, refresh, openid, lang string // calls about a user's login
	rawQuery, browserUser       string // pages: the raw query, and the User.ID in the cookie

	jsCode, signature, sigMethod string // calls about a mini-program's session
}

type params struct {
	GrantType string `json:"grant_type"`
	AppID     string `json:"appid"`
	Secret    string `json:"secret"`
	AppSecret string `json:"appsecret"` // the name of clear_quota/v2
	Force     bool   `json:"force_refresh"`

	Code      string `json:"code"` // mini-programs
	OpenID    string `json:"openid"`
	Signature string `json:"signature"`
	SigMethod string `json:"sig_method"`
}

func parse(hr *http.Request) (*request, error) {
	q := hr.URL.Query()
	r := &request{path: hr.URL.Path, method: hr.Method, token: q.Get("access_token"), typ: q.Get("type")}
	var err error
	if r.caller, err = caller(hr); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(hr.Body, 64<<10))
	if err != nil {
		return nil, errors.New("the body cannot be read")
	}
	r.notJSON = json.Unmarshal(text, &r.body) != nil && hr.Method == http.MethodPost
	if hr.Method != http.MethodPost {
		r.body.GrantType, r.body.AppID, r.body.Secret = q.Get("grant_type"), q.Get("appid"), q.Get("secret")
		r.code, r.refresh, r.openid, r.lang = q.Get("code"), q.Get("refresh_token"), q.Get("openid"), q.Get("lang")
		r.rawQuery, r.browserUser = hr.URL.RawQuery, browserUser(hr)
		r.jsCode, r.signature, r.sigMethod = q.Get("js_code"), q.Get("signature"), q.Get("sig_method")
	}
	return r, nil
}

func caller(hr *http.Request) (netip.Addr, error) {
	host := hr.Header.Get(CallerHeader)
	if host == "" {
		var err error
		if host, _, err = net.SplitHostPort(hr.RemoteAddr); err != nil {
			host = hr.RemoteAddr
		}
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return a, errors.New("the caller's address is not an IP")
	}
	return a.Unmap().WithZone(""), nil
}
