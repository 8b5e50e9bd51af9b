package wechatsim

import (
	"time"
)

// Quotas are WeChat's limits on calls; 0 means the default, a negative number no limit.
// Days, months and minutes are those of China, UTC+8 all year.
type Quotas struct {
	ClassicDay    int // 2000; test accounts have 200
	ClassicMinute int // default no limit: the pages name none, though callers reported one
	StableDay     int // 500 000
	StableMinute  int // 10 000
	ForceDay      int // 20
	TicketDay     int // 10 000, from a copy of the page; the current value is not known
	ResetsMonth   int // 10 quota resets, shared by both calls

	ExchangeMinute    int // 50 000
	RefreshUserMinute int // 50 000
	UserInfoMinute    int // 50 000

	CodeToSessionMinute int // 100 of a user's codes, as an older page says
	PhoneMinute         int // default no limit: the page mentions one without a value
	ResetSessionMinute  int // 60 000
}

func (q Quotas) complete() Quotas {
	for _, d := range []struct {
		limit *int
		value int
	}{
		{&q.ClassicDay, 2000}, {&q.ClassicMinute, -1}, {&q.StableDay, 500_000}, {&q.StableMinute, 10_000},
		{&q.ForceDay, 20}, {&q.TicketDay, 10_000}, {&q.ResetsMonth, 10},
		{&q.ExchangeMinute, 50_000}, {&q.RefreshUserMinute, 50_000}, {&q.UserInfoMinute, 50_000},
		{&q.CodeToSessionMinute, 100}, {&q.PhoneMinute, -1}, {&q.ResetSessionMinute, 60_000},
	} {
		if *d.limit == 0 {
			*d.limit = d.value
		}
	}
	return q
}

// A period is a layout of time.Format. Times with the same text are in the same period.
const (
	minute = "2006-01-02 15:04"
	day    = "2006-01-02"
	month  = "2006-01"
)

// limit is one quota: max calls of a kind in a period.
type limit struct {
	kind, period string
	max          int
}

// usage is the count of the latest period with a call.
type usage struct {
	Period string `json:"period"`
	Count  int    `json:"count"`
}

func (l limit) key() string { return l.kind + " " + l.period }

func (l limit) at(now time.Time) string {
	return now.In(time.FixedZone("CST", 8*60*60)).Format(l.period)
}

func (a *account) used(l limit, now time.Time) int {
	if u := a.Used[l.key()]; u.Period == l.at(now) {
		return u.Count
	}
	return 0
}

func (a *account) count(l limit, now time.Time) {
	a.Used[l.key()] = usage{l.at(now), a.used(l, now) + 1}
}

// takeQuota counts a call for its limits. If one is reached, it refuses the call and counts nothing.
func (s *Sim) takeQuota(a *account, r *request, limits ...limit) *refusal {
	for _, l := range limits {
		if l.max >= 0 && a.used(l, r.now) >= l.max {
			return s.exhausted(l)
		}
	}
	for _, l := range limits {
		a.count(l, r.now)
	}
	s.state.Revision++
	return nil
}

func (s *Sim) exhausted(l limit) *refusal {
	switch l.period {
	case minute:
		return refuse(s.switches.MinuteQuotaCode, "api minute-quota reach limit, must slower, retry next minute")
	case month:
		return refuse(48006, "forbid to clear quota because of reaching the limit")
	default:
		return refuse(45009, "reach max api daily quota limit")
	}
}

// serveClearQuota resets the counts of the access token's account, which the body must name.
func (s *Sim) serveClearQuota(r *request) (fields, *refusal) {
	appID, a, no := s.byToken(r)
	switch {
	case no != nil:
		return nil, no
	case r.notJSON || r.body.AppID == "":
		return nil, refuse(41002, "appid missing")
	case r.body.AppID != appID:
		return nil, refuse(40013, "invalid appid")
	}
	return s.clear(a, r)
}

// serveClearQuotaV2 takes the secret instead of a token, so it works without a valid token.
func (s *Sim) serveClearQuotaV2(r *request) (fields, *refusal) {
	switch {
	case r.notJSON || r.body.AppID == "":
		return nil, refuse(41002, "appid missing")
	case r.body.AppSecret == "":
		return nil, refuse(41004, "appsecret missing")
	}
	a, no := s.bySecret(r, r.body.AppSecret, GroupToken)
	if no != nil {
		return nil, no
	}
	return s.clear(a, r)
}

// clear resets the counts of the day. The count of forced refreshes stays: it limits the token, not
// calls.
func (s *Sim) clear(a *account, r *request) (fields, *refusal) {
	if no := s.takeQuota(a, r, limit{"clear_quota", month, s.quotas.ResetsMonth}); no != nil {
		return nil, no
	}
	for _, kind := range []string{"token", "stable_token", "getticket"} {
		delete(a.Used, limit{kind: kind, period: day}.key())
	}
	return fields{"errcode": 0, "errmsg": "ok"}, nil
}
