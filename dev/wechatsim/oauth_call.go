package wechatsim

import (
	"fmt"
	"time"
)

// serveExchange exchanges a code for a user's token, once.
func (s *Sim) serveExchange(r *request) (fields, *refusal) {
	switch {
	case r.body.AppID == "":
		return nil, refuse(41002, "appid missing")
	case r.body.Secret == "":
		return nil, refuse(41004, "appsecret missing")
	case r.code == "":
		return nil, refuse(41008, "missing code")
	case r.body.GrantType != "authorization_code":
		return nil, refuse(40002, "invalid grant_type")
	}
	a, no := s.bySecret(r, r.body.Secret, GroupSNS)
	if no == nil {
		no = s.takeQuota(a, r, limit{"sns access_token", minute, s.quotas.ExchangeMinute})
	}
	if no != nil {
		return nil, no
	}
	c, no := s.useCode(a.Codes, r.code, r.now, s.switches.UsedCodeCode, s.switches.ExpiredCodeCode)
	if no != nil {
		return nil, no
	}
	g := s.newGrant(r.body.AppID, a, c, r.now)
	f := s.userGranted(r.body.AppID, g, r.now)
	if unionID, given := s.unionIDFor(r.body.AppID, g); given {
		f["unionid"] = unionID
	}
	if g.Snapshot {
		f["is_snapshotuser"] = 1
	}
	return f, nil
}

// serveRefreshUser renews a user's access token by its refresh token. It needs no secret.
func (s *Sim) serveRefreshUser(r *request) (fields, *refusal) {
	a := s.state.Apps[r.body.AppID]
	switch {
	case r.body.AppID == "":
		return nil, refuse(41002, "appid missing")
	case r.refresh == "":
		return nil, refuse(41003, "refresh_token missing")
	case r.body.GrantType != "refresh_token":
		return nil, refuse(40002, "invalid grant_type")
	case a == nil:
		return nil, refuse(40013, "invalid appid")
	}
	no := s.allowed(a, GroupSNS, r.caller)
	if no == nil {
		no = s.takeQuota(a, r, limit{"sns refresh_token", minute, s.quotas.RefreshUserMinute})
	}
	if no != nil {
		return nil, no
	}
	g := latest(a.Grants, func(g *grant) bool { return g.Refresh == r.refresh })
	switch {
	case g == nil:
		return nil, refuse(40030, "invalid refresh_token")
	case g.Void:
		return nil, changedPassword()
	case g.RefreshCode != 0:
		return nil, refuse(g.RefreshCode, "refresh_token ended early")
	case !r.now.Before(g.RefreshEnds):
		return nil, refuse(42002, "refresh_token expired")
	}
	s.renew(r.body.AppID, a, g, r.now)
	return s.userGranted(r.body.AppID, g, r.now), nil
}

// serveUserInfo answers the profile, if the user was asked for it.
func (s *Sim) serveUserInfo(r *request) (fields, *refusal) {
	if !has(",zh_CN,zh_TW,en", r.lang) {
		return nil, unknown(fmt.Sprintf("lang is zh_CN, zh_TW or en, not %q", r.lang))
	}
	appID, a, g, no := s.byUserToken(r)
	if no == nil {
		no = s.takeQuota(a, r, limit{"sns userinfo", minute, s.quotas.UserInfoMinute})
	}
	switch {
	case no != nil:
		return nil, no
	case !g.includesProfile(), g.Snapshot && !s.switches.SnapshotProfile:
		return nil, refuse(48001, "api unauthorized")
	}
	u, _ := s.user(appID, g.User)
	if g.Snapshot {
		u = User{Nickname: "微信用户"}
	}
	return s.profile(appID, g, u), nil
}

func (s *Sim) profile(appID string, g *grant, u User) fields {
	if s.switches.NicknameControlByte {
		u.Nickname += "\x14"
	}
	f := fields{
		"openid": s.openIDOf(appID, g), "nickname": u.Nickname, "sex": u.Sex, "province": u.Province, "city": u.City,
		"country": u.Country, "headimgurl": u.HeadImgURL, "privilege": append([]string{}, u.Privilege...),
	}
	if unionID, given := s.unionIDFor(appID, g); given {
		f["unionid"] = unionID
	}
	return f
}

// serveCheckUser reports whether an access token is valid and belongs to the openid.
func (s *Sim) serveCheckUser(r *request) (fields, *refusal) {
	if _, _, _, no := s.byUserToken(r); no != nil {
		return nil, no
	}
	return fields{"errcode": 0, "errmsg": "ok"}, nil
}

// byUserToken checks a call that sends a user's access token.
func (s *Sim) byUserToken(r *request) (string, *account, *grant, *refusal) {
	if r.token == "" {
		return "", nil, nil, refuse(41001, "access_token missing")
	}
	if r.openid == "" {
		return "", nil, nil, refuse(41009, "openid missing")
	}
	appID, g := s.grantOf(r.token)
	if g == nil {
		return "", nil, nil, refuse(s.switches.UnknownUserTokenCode, "invalid access_token")
	}
	a := s.state.Apps[appID]
	if no := s.allowed(a, GroupSNS, r.caller); no != nil {
		return "", nil, nil, no
	}
	return appID, a, g, s.checkGrant(appID, g, r)
}

func (s *Sim) checkGrant(appID string, g *grant, r *request) *refusal {
	switch {
	case g.Void:
		return changedPassword()
	case g.AccessCode != 0 && g.Access == r.token:
		return refuse(g.AccessCode, "access_token ended early")
	case g.Access != r.token, !r.now.Before(g.AccessEnds):
		return refuse(s.switches.ExpiredTokenCode, "access_token expired")
	case r.openid != s.openIDOf(appID, g):
		return refuse(40003, "invalid openid")
	}
	return nil
}

func changedPassword() *refusal { return refuse(42007, "access_token and refresh_token are void") }

// userGranted is the part that exchange and refresh share. It has no errcode.
func (s *Sim) userGranted(appID string, g *grant, now time.Time) fields {
	return fields{
		"access_token": g.Access, "expires_in": int(g.AccessEnds.Sub(now) / time.Second), "refresh_token": g.Refresh,
		"openid": s.openIDOf(appID, g), "scope": g.Scope,
	}
}

// openIDOf is the user's openid, or the made-up one of a snapshot user.
func (s *Sim) openIDOf(appID string, g *grant) string {
	if g.Snapshot {
		return s.identity("snapshot openid", appID, g.User)
	}
	return s.OpenID(appID, g.User)
}

// unionIDFor returns the unionid, and whether WeChat gives it to the app.
func (s *Sim) unionIDFor(appID string, g *grant) (string, bool) {
	given := s.apps[appID].OpenPlatform != ""
	if s.switches.UnionID == UnionIDProfile {
		given = g.includesProfile()
	}
	kind := "unionid"
	if g.Snapshot {
		kind = "snapshot unionid"
	}
	return s.unionID(appID, g.User, kind), given
}
