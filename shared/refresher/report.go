package refresher

import (
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/credential"
)

// Report is the state of the accounts after an invocation. It holds no secret.
type Report struct {
	Accounts []AccountReport `json:"accounts"`
}

// AccountReport is the state of one account.
type AccountReport struct {
	App     string                      `json:"app"` // name of the account
	Epoch   int64                       `json:"epoch"`
	Token   CredentialReport            `json:"token"`
	Tickets map[string]CredentialReport `json:"tickets,omitempty"` // by ticket type
}

// CredentialReport is the state of an access token or ticket.
type CredentialReport struct {
	SecondsLeft int64               `json:"secondsLeft"`       // 0 too if there is none, or if WeChat refuses the token
	Failure     *credential.Failure `json:"failure,omitempty"` // of the last renewal, if it failed
}

func (r *Report) add(a account.Account, record credential.Record, now time.Time) {
	one := AccountReport{App: a.Name, Epoch: record.Lease.Epoch, Token: reportOn(record.Token.State, now)}
	one.Token.SecondsLeft = tokenLeft(record.Token, now)
	for typ, ticket := range record.Tickets {
		if one.Tickets == nil {
			one.Tickets = map[string]CredentialReport{}
		}
		one.Tickets[string(typ)] = reportOn(ticket, now)
	}
	r.Accounts = append(r.Accounts, one)
}

// tokenLeft is 0 for a token that WeChat refuses, even if its time is not over.
func tokenLeft(token credential.Token, now time.Time) int64 {
	if token.Invalid {
		return 0
	}
	return secondsLeft(token.State, now)
}

func secondsLeft(state credential.State, now time.Time) int64 {
	return max(0, state.ExpiresAt-now.Unix())
}

func reportOn(state credential.State, now time.Time) CredentialReport {
	report := CredentialReport{SecondsLeft: secondsLeft(state, now)}
	if state.Failure != (credential.Failure{}) {
		failure := state.Failure
		failure.Secret = ""
		report.Failure = &failure
	}
	return report
}
