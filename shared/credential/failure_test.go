package credential

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

func TestPauseAfterAnErrcode(t *testing.T) {
	renewer := &Renewer{jitter: func() float64 { return 0.5 }}
	for _, c := range []struct {
		name        string
		code, count int
		want        time.Duration
	}{
		{"wrong AppSecret", 40125, 0, configPause},
		{"refused by an administrator for an hour", 89507, 0, time.Hour},
		{"refused by an administrator for a day", 89506, 0, 24 * time.Hour},
		{"minute quota", 45011, 0, time.Minute},
		{"daily quota", 45009, 0, time.Minute},
		{"daily quota, second time", 45009, 1, 2 * time.Minute},
		{"daily quota, hundred and first time", 45009, 100, time.Hour},
		{"busy", -1, 0, 3750 * time.Millisecond},
		{"busy, second time", -1, 1, 7500 * time.Millisecond},
		{"busy, fourth time", -1, 3, 30 * time.Second},
		{"busy, hundred and first time", -1, 100, 30 * time.Second},
		{"unknown", 99999, 0, 3750 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, _ := renewer.pause(&wechat.Error{Op: "getticket", Code: c.code}, c.count); got != c.want {
				t.Errorf("errcode %d after %d failures: %v, want %v", c.code, c.count, got, c.want)
			}
		})
	}
}

func TestUnchangedTokenIsAskedForLessAndLessOften(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		record := f.tick(renewer)
		answer := wechat.Token{Value: record.Token.Value, ExpiresIn: time.Hour}
		for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, unchangedPauseMax, unchangedPauseMax} {
			record.Token.Invalid = true
			renewer.learnToken(t.Context(), f.account, &record, answer, noon)
			if got := time.Unix(record.Token.Failure.Until, 0).Sub(noon); got != want {
				t.Errorf("wait %d: %v, want %v", record.Token.Failure.Count, got, want)
			}
		}
	})
}

// WeChat refuses a token and gives it out nevertheless.
func TestRefusedButUnchangedTokenCostsFewCallsAndNoForcedOne(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		f.tick(renewer)
		f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathTicket, ErrCode: 40001})
		f.sim.ResetCounts()
		for range 60 {
			time.Sleep(time.Minute)
			f.tick(renewer)
		}
		if n := f.tokenCalls(); n > 15 {
			t.Errorf("%d token calls in an hour for a token that WeChat repeats", n)
		}
		for call, n := range f.sim.Counts() {
			if call.Forced {
				t.Errorf("%d forced calls", n)
			}
		}
		if !strings.Contains(f.log.String(), "refused but unchanged") {
			t.Error("no alarm")
		}
		f.sim.ClearFaults()
		time.Sleep(11 * time.Minute)
		f.tick(renewer)
		time.Sleep(time.Minute)
		if record := f.tick(renewer); record.Token.Invalid || record.Tickets[wechat.JSAPI].sincePoll(time.Now()) > time.Minute {
			t.Errorf("not recovered: %+v", record)
		}
	})
}

// The AppSecret is reset in WeChat's console and stored 20 minutes later.
func TestNewAppSecretIsUsedWithin150Seconds(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		stored := testSecret
		f.cacheSecret(&stored)
		renewer := f.renewer()
		f.tick(renewer)
		_ = f.sim.SetSecret(testAppID, nextSecret)
		time.Sleep(7200 * time.Second)
		f.sim.ResetCounts()
		for range 20 {
			time.Sleep(time.Minute)
			f.tick(renewer)
		}
		if n := f.tokenCalls(); n > 5 {
			t.Errorf("a refused secret was tried %d times in 20 minutes", n)
		}
		stored = nextSecret
		begin := time.Now()
		for rounds := 0; rounds < 10 && f.record().Token.left(time.Now()) <= 0; rounds++ {
			time.Sleep(time.Minute)
			f.tick(renewer)
		}
		if took := time.Since(begin); took > 150*time.Second {
			t.Errorf("the new secret was used after %v", took)
		}
		if strings.Contains(f.log.String(), nextSecret) {
			t.Error("the new secret was logged")
		}
	})
}

func TestCachedSecretThatIsRefusedIsReadAgainAtOnce(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		stored := nextSecret
		f.cacheSecret(&stored)
		_ = f.sim.SetSecret(testAppID, nextSecret)
		record := f.tick(f.renewer())
		if record.Token.Value == "" {
			t.Error("one tick was not enough")
		}
		f.wantCalls(2, 1)
	})
}

// The token was invalidated elsewhere, and the cached secret is not the stored one.
func TestInvalidTokenAndNewSecretTakeOneTick(t *testing.T) {
	for _, code := range []int{40125, 40001} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			bubble(t, wechatsim.Switches{WrongSecretCode: code}, func(t *testing.T, f *fixture) {
				stored := nextSecret
				f.cacheSecret(&stored)
				renewer := f.renewer()
				f.tick(renewer)
				time.Sleep(time.Minute)
				_ = f.sim.ForeignRefresh(testAppID)
				_ = f.sim.SetSecret(testAppID, nextSecret)
				if record := f.tick(renewer); record.Token.Invalid || !f.sim.TokenValid(testAppID, record.Token.Value) {
					t.Errorf("after the tick: %+v", record.Token.State)
				}
			})
		})
	}
}

func TestWhitelistRefusalLogsTheAddress(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		_ = f.sim.Whitelist(testAppID, wechatsim.GroupToken, "203.0.113.9")
		record := f.tick(f.renewer())
		if record.Token.Failure.Code != 40164 || !strings.Contains(f.log.String(), " ip=") {
			t.Errorf("failure %+v, log %s", record.Token.Failure, f.log)
		}
		f.wantCalls(1, 0)
	})
}

// WeChat answers 45009, the errcode of the daily quota, for a limit by the minute too.
func TestTwoMinutesOfDailyQuotaErrorsCostNoRequest(t *testing.T) {
	bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
		s := newSimulation(f)
		s.tick(s.renewer)
		s.run(114 * time.Minute)
		f.sim.Fail(wechatsim.Fault{ErrCode: 45009})
		s.run(2 * time.Minute)
		f.sim.ClearFaults()
		s.refused = 0
		s.run(2 * time.Hour)
		if s.refused > 0 {
			t.Errorf("%d requests refused, for %v at most, after two minutes of 45009", s.refused, s.longestRefusal)
		}
	})
}

func TestUsedUpCardQuotaDoesNotStopTheOtherTicket(t *testing.T) {
	t.Parallel()
	bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
		f.account.Tickets = []wechat.TicketType{wechat.WXCard, wechat.JSAPI}
		s := newSimulation(f)
		cards := &cardQuotaUsedUp{WeChat: s.renewer.weChat}
		s.renewer.weChat = cards
		s.tick(s.renewer)
		s.run(24 * time.Hour)
		if s.refused > 0 || cards.calls > 30 {
			t.Errorf("%d requests refused; %d calls for the card ticket", s.refused, cards.calls)
		}
	})
}

// cardQuotaUsedUp is a WeChat that refuses every call for a card ticket.
type cardQuotaUsedUp struct {
	WeChat
	calls int
}

func (q *cardQuotaUsedUp) Ticket(ctx context.Context, token string, typ wechat.TicketType) (wechat.Ticket, error) {
	if typ == wechat.WXCard {
		q.calls++
		return wechat.Ticket{}, &wechat.Error{Op: "getticket", Code: 45009}
	}
	return q.WeChat.Ticket(ctx, token, typ)
}
