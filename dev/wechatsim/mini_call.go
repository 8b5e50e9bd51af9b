package wechatsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

const phoneCodeLifetime = 300 * time.Second

// serveCodeToSession exchanges a wx.login code for the user's openid and session key, once.
func (s *Sim) serveCodeToSession(r *request) (fields, *refusal) {
	switch {
	case r.body.AppID == "":
		return nil, refuse(41002, "appid missing")
	case r.body.Secret == "":
		return nil, refuse(41004, "appsecret missing")
	case r.jsCode == "":
		return nil, refuse(41008, "missing code")
	case r.body.GrantType != "authorization_code":
		return nil, refuse(40002, "invalid grant_type")
	}
	a, no := s.bySecret(r, r.body.Secret, GroupSNS)
	if no == nil {
		no = s.requireMini(r.body.AppID)
	}
	if no != nil {
		return nil, no
	}
	if c := latest(a.Mini.Codes, func(c *loginCode) bool { return c.Value == r.jsCode }); c != nil {
		if no := s.takeQuota(a, r, limit{"jscode2session " + c.User, minute, s.quotas.CodeToSessionMinute}); no != nil {
			return nil, no
		}
	}
	c, no := s.useCode(a.Mini.Codes, r.jsCode, r.now, s.switches.UsedCodeCode, s.switches.ExpiredCodeCode)
	switch {
	case no != nil:
		return nil, no
	case a.Mini.Blocked[c.User]:
		return nil, refuse(40226, "high-risk user, login blocked")
	}
	return s.miniSession(r.body.AppID, a, c.User, r.now), nil
}

func (s *Sim) miniSession(appID string, a *account, user string, now time.Time) fields {
	if s.switches.SessionKey == SessionKeyAtExchange {
		s.replaceSessionKey(appID, a, user, now)
	}
	f := fields{"openid": s.OpenID(appID, user), "session_key": s.sessionKey(appID, a, user, now)}
	if s.apps[appID].OpenPlatform != "" {
		f["unionid"] = s.unionID(appID, user, "unionid")
	}
	if s.switches.MiniErrcodeZero {
		f["errcode"], f["errmsg"] = 0, "ok"
	}
	return f
}

// servePhoneNumber exchanges the code of the getPhoneNumber button for the user's number, once.
func (s *Sim) servePhoneNumber(r *request) (fields, *refusal) {
	appID, a, no := s.byMiniToken(r)
	switch {
	case no != nil:
		return nil, no
	case r.notJSON:
		return nil, unknown("the body is not JSON")
	}
	if no := s.takeQuota(a, r, limit{"getuserphonenumber", minute, s.quotas.PhoneMinute}); no != nil {
		return nil, no
	}
	if s.isForeignPhoneCode(appID, r.body.Code) {
		return nil, refuse(s.switches.ForeignPhoneCodeCode, "invalid appid")
	}
	// WeChat's page has 40029 for all other errors of a code.
	c, no := s.useCode(a.Mini.PhoneCodes, r.body.Code, r.now, s.switches.UsedPhoneCodeCode, 40029)
	switch {
	case no != nil:
		return nil, no
	case r.body.OpenID != "" && r.body.OpenID != s.OpenID(appID, c.User): // no page names the errcode
		return nil, refuse(40003, "invalid openid")
	}
	u, _ := s.user(appID, c.User)
	return fields{"errcode": 0, "errmsg": "ok", "phone_info": s.phone(u, watermark{Timestamp: r.now.Unix(), AppID: appID})}, nil
}

func (s *Sim) isForeignPhoneCode(appID, code string) bool {
	for id, a := range s.state.Apps {
		if id != appID && latest(a.Mini.PhoneCodes, func(c *loginCode) bool { return c.Value == code }) != nil {
			return true
		}
	}
	return false
}

// serveCheckSession reports whether the caller has the user's valid session key.
func (s *Sim) serveCheckSession(r *request) (fields, *refusal) {
	appID, a, no := s.byMiniToken(r)
	if no == nil {
		_, no = s.verifySessionProof(r, appID, a)
	}
	if no != nil {
		return nil, no
	}
	return fields{"errcode": 0, "errmsg": "ok"}, nil
}

// serveResetSession replaces a valid session key. The new key expires when the old one would have.
func (s *Sim) serveResetSession(r *request) (fields, *refusal) {
	appID, a, no := s.byMiniToken(r)
	if no == nil {
		no = s.takeQuota(a, r, limit{"resetusersessionkey", minute, s.quotas.ResetSessionMinute})
	}
	if no != nil {
		return nil, no
	}
	u, no := s.verifySessionProof(r, appID, a)
	if no != nil {
		return nil, no
	}
	key := s.setSessionKey(appID, a, u.ID, a.Mini.Keys[u.ID].Ends)
	return fields{"errcode": 0, "errmsg": "ok", "openid": s.OpenID(appID, u.ID), "session_key": key}, nil
}

// verifySessionProof checks openid and signature. The example of WeChat's page has them in the query,
// its table in the body.
func (s *Sim) verifySessionProof(r *request, appID string, a *account) (User, *refusal) {
	openid, signature, method := r.openid, r.signature, r.sigMethod
	if s.switches.SessionProofInBody {
		openid, signature, method = r.body.OpenID, r.body.Signature, r.body.SigMethod
	}
	if openid == "" {
		return User{}, refuse(41009, "openid missing")
	}
	u, ok := s.user(appID, openid)
	if !ok || s.OpenID(appID, u.ID) != openid { // user accepts a User.ID too
		return User{}, refuse(40003, "invalid openid")
	}
	k := a.Mini.Keys[u.ID]
	switch {
	case method != "hmac_sha256":
		return User{}, refuse(87008, "invalid sig_method")
	case !k.valid(r.now) || !hmac.Equal([]byte(signature), []byte(sessionHMAC(k.Value, ""))):
		return User{}, refuse(87009, "invalid signature")
	}
	return u, nil
}

// byMiniToken checks a call that sends a mini-program's access token.
func (s *Sim) byMiniToken(r *request) (string, *account, *refusal) {
	appID, a, no := s.byToken(r)
	if no == nil {
		no = s.requireMini(appID)
	}
	return appID, a, no
}

func (s *Sim) requireMini(appID string) *refusal {
	if s.apps[appID].Kind != MiniProgram {
		return unknown("app " + appID + " is no mini-program")
	}
	return nil
}

// sessionHMAC proves possession of a session key; the HMAC's key is its base64 text.
// https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html
func sessionHMAC(sessionKey, data string) string {
	h := hmac.New(sha256.New, []byte(sessionKey))
	h.Write([]byte(data))
	return hex.EncodeToString(h.Sum(nil))
}
