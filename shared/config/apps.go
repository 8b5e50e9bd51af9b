package config

import (
	"slices"
	"strings"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/strictjson"
	"wechatfn/shared/wechat"
)

const (
	defaultName = "default"
	healthName  = "health" // no account's: its /verify/{app} would be /verify/health
)

// accounts reads the one account of WECHAT_APP_ID or the list of WECHAT_APPS.
func (l *loader) accounts() account.List {
	id, list := l.get(EnvAppID), l.get(EnvApps)
	switch {
	case id != "" && list != "":
		l.problem(EnvApps, "is set and so is %s; remove one of them", EnvAppID)
	case id != "":
		return l.check(account.List{{Name: defaultName, Kind: account.OfficialAccount, AppID: id}}, EnvAppID)
	case list != "":
		return l.check(l.parseAccounts(list), EnvApps)
	default:
		l.problem(EnvAppID, "is not set, and neither is %s", EnvApps)
	}
	return nil
}

func (l *loader) parseAccounts(list string) account.List {
	var rows []struct {
		Name    string              `json:"name"`
		Kind    account.Kind        `json:"kind"`
		AppID   string              `json:"appId"`
		Tickets []wechat.TicketType `json:"tickets"`
	}
	if err := strictjson.Decode([]byte(list), &rows); err != nil {
		l.problem(EnvApps, "is not a JSON list of {name, kind, appId, tickets}: %v", err)
		return nil
	}
	if len(rows) == 0 {
		l.problem(EnvApps, "lists no account")
	}
	accounts := make(account.List, len(rows))
	for i, row := range rows {
		accounts[i] = account.Account{Name: row.Name, Kind: row.Kind, AppID: row.AppID, Tickets: row.Tickets}
	}
	return accounts
}

func (l *loader) check(accounts account.List, variable string) account.List {
	tickets := l.tickets()
	for i := range accounts {
		a := &accounts[i]
		if !account.IsName(a.Name) {
			l.problem(variable, "account name %q: use 1 to 32 of a-z, 0-9, - and _", a.Name)
		}
		if a.Name == healthName {
			l.problem(variable, "account name %q is taken by the health routes", a.Name)
		}
		if !account.IsAppID(a.AppID) {
			l.problem(variable, "%q is not an AppID: wx and 16 letters or digits", a.AppID)
		}
		if slices.ContainsFunc(accounts[:i], func(other account.Account) bool { return other.Name == a.Name || other.AppID == a.AppID }) {
			l.problem(variable, "account %q (%s) is listed twice; each needs a name and an AppID of its own", a.Name, a.AppID)
		}
		l.checkKind(a, variable, tickets)
	}
	return accounts
}

func (l *loader) checkKind(a *account.Account, variable string, tickets []wechat.TicketType) {
	switch {
	case !slices.Contains(account.Kinds(), a.Kind):
		l.problem(variable, "account %q: kind %q is not one of %s", a.Name, a.Kind, join(account.Kinds()))
	case a.Kind == account.OfficialAccount && a.Tickets == nil:
		a.Tickets = tickets
	case a.Kind == account.OfficialAccount:
		l.checkTickets(variable, a.Tickets)
	case len(a.Tickets) > 0:
		l.problem(variable, "account %q: a %s has no tickets", a.Name, a.Kind)
	}
}

func (l *loader) tickets() []wechat.TicketType {
	var tickets []wechat.TicketType
	for _, name := range splitList(l.get(EnvTickets)) {
		tickets = append(tickets, wechat.TicketType(name))
	}
	l.checkTickets(EnvTickets, tickets)
	return tickets
}

func (l *loader) checkTickets(variable string, tickets []wechat.TicketType) {
	for i, ticket := range tickets {
		if !slices.Contains(wechat.TicketTypes(), ticket) {
			l.problem(variable, "ticket %q is not one of %s", ticket, join(wechat.TicketTypes()))
		}
		if slices.Contains(tickets[:i], ticket) {
			l.problem(variable, "ticket %q is listed twice", ticket)
		}
	}
}

// appSecrets reads WECHAT_APP_SECRET of the one account, or WECHAT_APP_SECRETS.
func (l *loader) appSecrets() secret.AppSecrets {
	if l.get(EnvAppID) != "" {
		return secret.AppSecrets{defaultName: secret.New(l.get(EnvAppSecret))}
	}
	text := l.get(EnvAppSecrets)
	if text == "" {
		return nil
	}
	secrets, err := secret.ParseAppSecrets(text)
	if err != nil {
		l.problem(EnvAppSecrets, "is %v", err)
	}
	return secrets
}

func join[T ~string](list []T) string {
	var b strings.Builder
	for i, one := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(one))
	}
	return b.String()
}

func splitList(list string) []string {
	var out []string
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func only(s, set string) bool { return strings.Trim(s, set) == "" }
