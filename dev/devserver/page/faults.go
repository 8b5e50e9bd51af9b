package page

import (
	"errors"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/problem"
	"wechatfn/shared/refresher"
)

// The faults that the page can cause.
const (
	faultDown      = "down"      // WeChat's API breaks every connection
	faultWhitelist = "whitelist" // WeChat refuses our address
	faultSecret    = "secret"    // the AppSecret was changed in WeChat's console
	faultToken     = "token"     // another system has forced a new access token
)

// faults are the current faults.
type faults struct {
	since        map[string]int64 // start of each fault, in Unix seconds
	until        time.Time        // end of the outage; zero: until it is cleared
	callsAtStart int              // token calls when our token was replaced
}

func (f *faults) active(what string) bool { return f.since[what] != 0 }

// noticeNewToken ends the fault of a replaced token when WeChat has given us a new
// token since.
func (f *faults) noticeNewToken(account refresher.AccountReport, calls int) {
	if f.active(faultToken) && account.Token.Failure == nil && calls > f.callsAtStart {
		delete(f.since, faultToken)
	}
}

// tokenCalls is the number of token calls of the account to the simulated WeChat.
func (p *Page) tokenCalls() (n int) {
	if p.cfg.Simulator == nil {
		return 0
	}
	for call, times := range p.cfg.Simulator.Counts() {
		if call.AppID == p.account.AppID && (call.Path == wechatsim.PathStableToken || call.Path == wechatsim.PathToken) {
			n += times
		}
	}
	return n
}

// startFault causes a fault. An outage ends after that many minutes; 0 minutes, and
// all other faults, last until they are cleared.
func (p *Page) startFault(what string, minutes int) error {
	if p.cfg.Simulator == nil {
		return errNoSimulator
	}
	if err := p.applyFault(what); err != nil {
		return err
	}
	now, calls := p.cfg.Clock.Now(), p.tokenCalls()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.faults.since == nil {
		p.faults.since = map[string]int64{}
	}
	p.faults.since[what] = now.Unix()
	switch {
	case what == faultToken:
		p.faults.callsAtStart = calls
	case what == faultDown && minutes > 0:
		p.faults.until = now.Add(time.Duration(minutes) * time.Minute)
	case what == faultDown:
		p.faults.until = time.Time{}
	}
	p.history.begin(what, now)
	return nil
}

func (p *Page) applyFault(what string) error {
	sim := p.cfg.Simulator
	switch what {
	case faultDown:
		sim.ClearFaults()
		for _, spared := range []string{wechatsim.PathScript, wechatsim.PathPreVerify} {
			sim.Fail(wechatsim.Fault{Path: spared}) // the first match applies, and this fault does nothing
		}
		sim.Fail(wechatsim.Fault{Path: wechatsim.PathAuthorize, ErrCode: -1, ErrMsg: "system error"}) // a browser gets a page
		sim.Fail(wechatsim.Fault{Path: wechatsim.PathQRConnect, ErrCode: -1, ErrMsg: "system error"})
		sim.Fail(wechatsim.Fault{DropBefore: true})
		return nil
	case faultWhitelist:
		return sim.Whitelist(p.account.AppID, wechatsim.GroupToken)
	case faultSecret:
		return sim.SetSecret(p.account.AppID, p.secret()+" changed")
	case faultToken:
		return sim.ForeignRefresh(p.account.AppID)
	}
	return problem.FaultUnknown.New("the faults are down, whitelist, secret and token")
}

// secret is the AppSecret of the page's account.
func (p *Page) secret() string {
	return p.cfg.Settings.AppSecrets.For(p.account.Name, p.account.AppID).Reveal()
}

// clearFault ends one fault, or all faults for "".
func (p *Page) clearFault(what string) error {
	switch {
	case p.cfg.Simulator == nil:
		return errNoSimulator
	case what == "":
		return p.clearAllFaults()
	}
	if err := p.undoFault(what); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.faults.since, what)
	if what == faultDown {
		p.faults.until = time.Time{}
	}
	p.history.end(p.faults.since, p.cfg.Clock.Now())
	return nil
}

func (p *Page) undoFault(what string) error {
	switch what {
	case faultDown:
		p.cfg.Simulator.ClearFaults()
		return nil
	case faultWhitelist:
		return p.cfg.Simulator.WhitelistOff(p.account.AppID, wechatsim.GroupToken)
	case faultSecret:
		return p.cfg.Simulator.SetSecret(p.account.AppID, p.secret())
	}
	return problem.FaultUnknown.New("down, whitelist and secret can be cleared; a replaced token stays invalid")
}

// clearAllFaults ends all faults but a replaced token: the refresher must notice
// that.
func (p *Page) clearAllFaults() error {
	if p.cfg.Simulator == nil {
		return nil
	}
	p.cfg.Simulator.ClearFaults()
	err := errors.Join(
		p.cfg.Simulator.WhitelistOff(p.account.AppID, wechatsim.GroupToken),
		p.cfg.Simulator.SetSecret(p.account.AppID, p.secret()))
	p.mu.Lock()
	defer p.mu.Unlock()
	for what := range p.faults.since {
		if what != faultToken {
			delete(p.faults.since, what)
		}
	}
	p.faults.until = time.Time{}
	p.history.end(p.faults.since, p.cfg.Clock.Now())
	return err
}

// endOutage ends an outage whose time is over, and records which faults have ended.
func (p *Page) endOutage() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Clock.Now()
	if until := p.faults.until; !until.IsZero() && !now.Before(until) {
		p.cfg.Simulator.ClearFaults()
		delete(p.faults.since, faultDown)
		p.faults.until, now = time.Time{}, until
	}
	p.history.end(p.faults.since, now)
}

var errNoSimulator = problem.NoSimulator.New("only the simulated WeChat can do this")
