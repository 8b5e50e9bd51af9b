package wechatsim

import (
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

// TestDailyQuotas run by China's day, each call on its own.
func TestDailyQuotas(t *testing.T) {
	w := newFixture(t, lowQuotas(3))
	token := w.stable(false).token
	for range 2 {
		w.stable(false).expect(t, 0)
	}
	w.stable(false).expect(t, 45009)
	w.stable(true).expect(t, 45009)
	for range 3 {
		w.classic().expect(t, 0)
		w.fetchTicket(token, "jsapi").expect(t, 0)
	}
	w.classic().expect(t, 45009)
	w.fetchTicket(token, "jsapi").expect(t, 45009)
	w.fetchTicket(token, "wx_card").expect(t, 45009)
	w.advanceTo(start.Add(12*time.Hour - 1))
	w.stable(false).expect(t, 45009)
	w.advance(1)
	w.stable(false).expect(t, 0)
	w.classic().expect(t, 0)
}

func TestTicketQuotaOff(t *testing.T) {
	w := newFixture(t, lowQuotas(3), func(c *Config) { c.Quotas.TicketDay = -1 })
	token := w.stable(false).token
	for range 20 {
		w.fetchTicket(token, "jsapi").expect(t, 0)
	}
}

func TestMinuteQuotas(t *testing.T) {
	for _, code := range []int{45011, 45009} {
		w := newFixture(t, with(func(s *Switches) { s.MinuteQuotaCode = code }),
			func(c *Config) { c.Quotas.StableMinute, c.Quotas.ClassicMinute = 2, 1 })
		w.advance(59 * time.Second)
		w.stable(false).expect(t, 0)
		w.stable(false).expect(t, 0)
		w.stable(false).expect(t, code)
		w.classic().expect(t, 0)
		w.classic().expect(t, code)
		w.advance(time.Second)
		w.stable(false).expect(t, 0)
		w.classic().expect(t, 0)
	}
}

// TestRefusedCallsAreFree: wrong secrets and reached limits do not eat quota.
func TestRefusedCallsAreFree(t *testing.T) {
	w := newFixture(t, lowQuotas(2), func(c *Config) { c.Quotas.ClassicMinute = 1 })
	for range 5 {
		w.ask("GET", PathToken, url.Values{"grant_type": {"client_credential"}, "appid": {appID}, "secret": {"x"}}, nil).expect(t, 40125)
	}
	w.classic().expect(t, 0)
	for range 5 {
		w.classic().expect(t, 45011)
	}
	w.advance(time.Minute)
	w.classic().expect(t, 0)
	w.advance(time.Minute)
	w.classic().expect(t, 45009)
}

func TestQuotasArePerAccount(t *testing.T) {
	w := newFixture(t, lowQuotas(1))
	w.stable(false).expect(t, 0)
	w.stable(false).expect(t, 45009)
	w.ask("POST", PathStableToken, nil, map[string]string{"grant_type": "client_credential", "appid": other, "secret": "secret-2"}).expect(t, 0)
}

// TestClearQuota: both calls set the counts back and share the month's resets.
func TestClearQuota(t *testing.T) {
	w := newFixture(t, lowQuotas(1))
	v2 := func() reply {
		return w.ask("POST", PathClearQuotaV2, nil, map[string]string{"appid": appID, "appsecret": secret})
	}
	token := w.stable(false).token
	v1 := func(id string) reply {
		return w.ask("POST", PathClearQuota, url.Values{"access_token": {token}}, map[string]string{"appid": id})
	}
	w.stable(false).expect(t, 45009)
	v1(other).expect(t, 40013)
	v1("").expect(t, 41002)
	for range 2 {
		w.classic()
		w.fetchTicket(token, "jsapi")
	}
	v1(appID).expect(t, 0)
	w.classic().expect(t, 0)
	w.fetchTicket(token, "jsapi").expect(t, 0)
	w.stable(false).expect(t, 0)
	w.stable(false).expect(t, 45009)
	v2().expect(t, 0)
	token = w.stable(false).token
	v2().expect(t, 48006)
	v1(appID).expect(t, 48006)
	w.advanceTo(time.Date(2024, 5, 31, 16, 0, 0, -1, time.UTC))
	v2().expect(t, 48006)
	w.advance(1) // June has begun in China
	v2().expect(t, 0)
}

func TestClearQuotaParameters(t *testing.T) {
	w := newFixture(t)
	for _, c := range []struct {
		id, secret string
		code       int
	}{{"", secret, 41002}, {"wx9", secret, 40013}, {appID, "", 41004}, {appID, "x", 40125}} {
		w.ask("POST", PathClearQuotaV2, nil, map[string]string{"appid": c.id, "appsecret": c.secret}).expect(t, c.code)
	}
	w.ask("POST", PathClearQuotaV2, nil, "appid=1").expect(t, 41002)
	w.ask("POST", PathClearQuota, nil, map[string]string{"appid": appID}).expect(t, 41001)
}

// TestClearQuotaLeavesForce: the twenty a day are a limit on the token, not on calls.
func TestClearQuotaLeavesForce(t *testing.T) {
	w := newFixture(t, func(c *Config) { c.Quotas.ForceDay = 1 })
	w.stable(true).expect(t, 0)
	w.ask("POST", PathClearQuotaV2, nil, map[string]string{"appid": appID, "appsecret": secret}).expect(t, 0)
	w.advance(time.Minute)
	w.stable(true).expect(t, 45009)
}
