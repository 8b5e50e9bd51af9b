package page

import (
	"errors"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/problem"
	"wechatfn/shared/refresher"
)

// The troubles there are.
const (
	troubleDown      = "down"      // WeChat's API cuts every connection
	troubleWhitelist = "whitelist" // WeChat refuses our address
	troubleSecret    = "secret"    // the AppSecret was changed in WeChat's console
	troubleToken     = "token"     // somebody else has forced a new access token
)

// troubles are those that stand: since when, in Unix seconds.
type troubles struct {
	since map[string]int64
	until time.Time // when WeChat is up again; zero: when somebody mends it
	calls int       // for a token, when ours was killed
}

func (t *troubles) stands(what string) bool { return t.since[what] != 0 }

// look sees whether the token that was killed has been replaced: WeChat was asked
// for one since, and gave it.
func (t *troubles) look(account refresher.AccountReport, calls int) {
	if t.stands(troubleToken) && account.Token.Failure == nil && calls > t.calls {
		delete(t.since, troubleToken)
	}
}

// tokenCalls is how often the simulated WeChat was asked for the account's token.
func (d *Page) tokenCalls() (n int) {
	if d.Simulator == nil {
		return 0
	}
	for call, times := range d.Simulator.Counts() {
		if call.AppID == d.account.AppID && (call.Path == wechatsim.PathStableToken || call.Path == wechatsim.PathToken) {
			n += times
		}
	}
	return n
}

// makeTrouble makes a trouble for so many minutes; 0: until it is mended. Only down ends
// by itself.
func (d *Page) makeTrouble(what string, minutes int) error {
	if d.Simulator == nil {
		return errNoSimulator
	}
	if err := d.cause(what); err != nil {
		return err
	}
	now, calls := d.Clock.Now(), d.tokenCalls()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.troubles.since == nil {
		d.troubles.since = map[string]int64{}
	}
	d.troubles.since[what] = now.Unix()
	switch {
	case what == troubleToken:
		d.troubles.calls = calls
	case what == troubleDown && minutes > 0:
		d.troubles.until = now.Add(time.Duration(minutes) * time.Minute)
	case what == troubleDown:
		d.troubles.until = time.Time{}
	}
	d.history.begin(what, now)
	return nil
}

func (d *Page) cause(what string) error {
	sim := d.Simulator
	switch what {
	case troubleDown:
		sim.ClearFaults()
		for _, spared := range []string{wechatsim.PathScript, wechatsim.PathPreVerify} {
			sim.Fail(wechatsim.Fault{Path: spared}) // the first that matches is taken, and this one does nothing
		}
		sim.Fail(wechatsim.Fault{Path: wechatsim.PathAuthorize, ErrCode: -1, ErrMsg: "system error"}) // a browser gets a page
		sim.Fail(wechatsim.Fault{Path: wechatsim.PathQRConnect, ErrCode: -1, ErrMsg: "system error"})
		sim.Fail(wechatsim.Fault{DropBefore: true})
		return nil
	case troubleWhitelist:
		return sim.Whitelist(d.account.AppID, wechatsim.GroupToken)
	case troubleSecret:
		return sim.SetSecret(d.account.AppID, d.secret()+" changed")
	case troubleToken:
		return sim.ForeignRefresh(d.account.AppID)
	}
	return problem.FaultUnknown.New("there are down, whitelist, secret and token")
}

// secret is the AppSecret of the page's account.
func (d *Page) secret() string {
	return d.Settings.AppSecrets.For(d.account.Name, d.account.AppID).Reveal()
}

// mend ends one trouble; "" is all of them.
func (d *Page) mend(what string) error {
	switch {
	case d.Simulator == nil:
		return errNoSimulator
	case what == "":
		return d.mendAll()
	}
	if err := d.undo(what); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.troubles.since, what)
	if what == troubleDown {
		d.troubles.until = time.Time{}
	}
	d.history.end(d.troubles.since, d.Clock.Now())
	return nil
}

func (d *Page) undo(what string) error {
	switch what {
	case troubleDown:
		d.Simulator.ClearFaults()
		return nil
	case troubleWhitelist:
		return d.Simulator.WhitelistOff(d.account.AppID, wechatsim.GroupToken)
	case troubleSecret:
		return d.Simulator.SetSecret(d.account.AppID, d.secret())
	}
	return problem.FaultUnknown.New("there are down, whitelist and secret: a token that has become invalid stays invalid")
}

// mendAll ends every trouble, but for a token that is dead: the refresher has to
// find that out.
func (d *Page) mendAll() error {
	if d.Simulator == nil {
		return nil
	}
	d.Simulator.ClearFaults()
	err := errors.Join(
		d.Simulator.WhitelistOff(d.account.AppID, wechatsim.GroupToken),
		d.Simulator.SetSecret(d.account.AppID, d.secret()))
	d.mu.Lock()
	defer d.mu.Unlock()
	for what := range d.troubles.since {
		if what != troubleToken {
			delete(d.troubles.since, what)
		}
	}
	d.troubles.until = time.Time{}
	d.history.end(d.troubles.since, d.Clock.Now())
	return err
}

// settle ends an outage whose time is over, and notes what has ended.
func (d *Page) settle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.Clock.Now()
	if until := d.troubles.until; !until.IsZero() && !now.Before(until) {
		d.Simulator.ClearFaults()
		delete(d.troubles.since, troubleDown)
		d.troubles.until, now = time.Time{}, until
	}
	d.history.end(d.troubles.since, now)
}

var errNoSimulator = problem.NoSimulator.New("only the simulated WeChat can do this")
