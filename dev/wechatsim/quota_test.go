package wechatsim

import (
	"fmt"
	"net/url"
	"testing"
	"time"
)

func lowQuotas(n int) func(*Config) {
	return func(c *Config) {
		c.Quotas = Quotas{ClassicDay: n, StableDay: n, StableMinute: -1, TicketDay: n, ResetsMonth: 2}
	}
}

func TestDefaultQuotas(t *testing.T) {
	q := Quotas{TicketDay: -1, ForceDay: 3}.complete()
	if q != (Quotas{
		ClassicDay: 2000, ClassicMinute: -1, StableDay: 500_000, StableMinute: 10_000, ForceDay: 3, TicketDay: -1, ResetsMonth: 10,
		ExchangeMinute: 50_000, RefreshUserMinute: 50_000, UserInfoMinute: 50_000,
		CodeToSessionMinute: 100, PhoneMinute: -1, ResetSessionMinute: 60_000,
	}) {
		t.Errorf("%+v", q)
	}
}

// Daily quotas count China's days, each call for itself.
func TestDailyQuotas(t *testing.T) {
	f := newFixture(t, lowQuotas(3))
	token := f.stable(false).token
	for range 2 {
		f.stable(false).expect(t, 0)
	}
	f.stable(false).expect(t, 45009)
	f.stable(true).expect(t, 45009)
	for range 3 {
		f.classic().expect(t, 0)
		f.fetchTicket(token, "jsapi").expect(t, 0)
	}
	f.classic().expect(t, 45009)
	f.fetchTicket(token, "jsapi").expect(t, 45009)
	f.fetchTicket(token, "wx_card").expect(t, 45009)
	f.advanceTo(start.Add(12*time.Hour - 1))
	f.stable(false).expect(t, 45009)
	f.advance(1)
	f.stable(false).expect(t, 0)
	f.classic().expect(t, 0)
}

func TestTicketQuotaOff(t *testing.T) {
	f := newFixture(t, lowQuotas(3), func(c *Config) { c.Quotas.TicketDay = -1 })
	token := f.stable(false).token
	for range 20 {
		f.fetchTicket(token, "jsapi").expect(t, 0)
	}
}

func TestMinuteQuotas(t *testing.T) {
	for _, code := range []int{45011, 45009} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.MinuteQuotaCode = code }),
				func(c *Config) { c.Quotas.StableMinute, c.Quotas.ClassicMinute = 2, 1 })
			f.advance(59 * time.Second)
			f.stable(false).expect(t, 0)
			f.stable(false).expect(t, 0)
			f.stable(false).expect(t, code)
			f.classic().expect(t, 0)
			f.classic().expect(t, code)
			f.advance(time.Second)
			f.stable(false).expect(t, 0)
			f.classic().expect(t, 0)
		})
	}
}

// Calls with a wrong secret, or past a limit, use no quota.
func TestRefusedCallsUseNoQuota(t *testing.T) {
	f := newFixture(t, lowQuotas(2), func(c *Config) { c.Quotas.ClassicMinute = 1 })
	for range 5 {
		f.ask("GET", PathToken, url.Values{"grant_type": {"client_credential"}, "appid": {appID}, "secret": {"x"}}, nil).expect(t, 40125)
	}
	f.classic().expect(t, 0)
	for range 5 {
		f.classic().expect(t, 45011)
	}
	f.advance(time.Minute)
	f.classic().expect(t, 0)
	f.advance(time.Minute)
	f.classic().expect(t, 45009)
}

func TestQuotasArePerAccount(t *testing.T) {
	f := newFixture(t, lowQuotas(1))
	f.stable(false).expect(t, 0)
	f.stable(false).expect(t, 45009)
	f.ask("POST", PathStableToken, nil, map[string]string{"grant_type": "client_credential", "appid": other, "secret": "secret-2"}).expect(t, 0)
}

// Both calls reset the counts, and share the resets of a month.
func TestClearQuota(t *testing.T) {
	f := newFixture(t, lowQuotas(1))
	v2 := func() reply {
		return f.ask("POST", PathClearQuotaV2, nil, map[string]string{"appid": appID, "appsecret": secret})
	}
	token := f.stable(false).token
	v1 := func(id string) reply {
		return f.ask("POST", PathClearQuota, url.Values{"access_token": {token}}, map[string]string{"appid": id})
	}
	f.stable(false).expect(t, 45009)
	v1(other).expect(t, 40013)
	v1("").expect(t, 41002)
	for range 2 {
		f.classic()
		f.fetchTicket(token, "jsapi")
	}
	v1(appID).expect(t, 0)
	f.classic().expect(t, 0)
	f.fetchTicket(token, "jsapi").expect(t, 0)
	f.stable(false).expect(t, 0)
	f.stable(false).expect(t, 45009)
	v2().expect(t, 0)
	token = f.stable(false).token
	v2().expect(t, 48006)
	v1(appID).expect(t, 48006)
	f.advanceTo(time.Date(2024, 5, 31, 16, 0, 0, -1, time.UTC))
	v2().expect(t, 48006)
	f.advance(1) // June has begun in China
	v2().expect(t, 0)
}

func TestClearQuotaParameters(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		name, id, secret string
		code             int
	}{
		{"no appid", "", secret, 41002}, {"unknown appid", "wx9", secret, 40013},
		{"no secret", appID, "", 41004}, {"wrong secret", appID, "x", 40125},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.ask("POST", PathClearQuotaV2, nil, map[string]string{"appid": c.id, "appsecret": c.secret}).expect(t, c.code)
		})
	}
	f.ask("POST", PathClearQuotaV2, nil, "appid=1").expect(t, 41002)
	f.ask("POST", PathClearQuota, nil, map[string]string{"appid": appID}).expect(t, 41001)
}

// The 20 forced refreshes a day are a limit on the token, not on calls.
func TestClearQuotaDoesNotResetForcedRefreshes(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Quotas.ForceDay = 1 })
	f.stable(true).expect(t, 0)
	f.ask("POST", PathClearQuotaV2, nil, map[string]string{"appid": appID, "appsecret": secret}).expect(t, 0)
	f.advance(time.Minute)
	f.stable(true).expect(t, 45009)
}
