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
	SecondsLeft int64               `json:"secondsLeft"`
	Failure     *credential.Failure `json:"failure,omitempty"` // of the last renewal, if it failed
}

func (r *Report) add(a account.Account, record credential.Record, now time.Time) {
	one := AccountReport{App: a.Name, Epoch: record.Lease.Epoch, Token: reportOn(record.Token.State, now)}
	for typ, ticket := range record.Tickets {
		if one.Tickets == nil {
			one.Tickets = map[string]CredentialReport{}
		}
		one.Tickets[string(typ)] = reportOn(ticket, now)
	}
	r.Accounts = append(r.Accounts, one)
}

func reportOn(state credential.State, now time.Time) CredentialReport {
	report := CredentialReport{SecondsLeft: max(0, state.ExpiresAt-now.Unix())}
	if state.Failure != (credential.Failure{}) {
		failure := state.Failure
		failure.Secret = ""
		report.Failure = &failure
	}
	return report
}
