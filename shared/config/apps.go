package config

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// The kinds of WeChat account.
const (
	OfficialAccount = "official_account"
	Website         = "website"
	MiniProgram     = "mini_program"
)

const (
	defaultName = "default"
	healthName  = "health" // no account's: its /verify/{app} would be /verify/health
)

// App is one WeChat account.
type App struct {
	Name    string
	Kind    string // OfficialAccount, Website or MiniProgram
	AppID   string
	Tickets []string    // tickets kept alive: TicketJSAPI, TicketWXCard; official accounts only
	Secret  Secret      // zero when the secrets come from Secrets Manager
	Push    PushSecrets // zero when they come from Secrets Manager, or the account takes no pushes
}

// HasToken reports whether the account has a global access token to keep alive.
// A website app of the Open Platform has none: it only logs users in.
func (a App) HasToken() bool { return a.Kind != Website }

// apps reads the one account of WECHAT_APP_ID or the list of WECHAT_APPS.
func (l *loader) apps() []App {
	id, list := l.get(envAppID), l.get(envApps)
	switch {
	case id != "" && list != "":
		l.problem(envApps, "is set and so is %s; keep one of them", envAppID)
	case id != "":
		return l.check([]App{{Name: defaultName, Kind: OfficialAccount, AppID: id, Secret: NewSecret(l.get(envAppSecret))}}, envAppID)
	case list != "":
		return l.check(l.parseApps(list), envApps)
	default:
		l.problem(envAppID, "is not set, and neither is %s", envApps)
	}
	return nil
}

func (l *loader) parseApps(list string) []App {
	var rows []struct {
		Name    string   `json:"name"`
		Kind    string   `json:"kind"`
		AppID   string   `json:"appId"`
		Tickets []string `json:"tickets"`
	}
	if err := decodeStrict(list, &rows); err != nil {
		l.problem(envApps, "is not a JSON list of {name, kind, appId, tickets}: %v", err)
		return nil
	}
	if len(rows) == 0 {
		l.problem(envApps, "lists no account")
	}
	secrets := l.appSecrets()
	apps := make([]App, len(rows))
	for i, row := range rows {
		apps[i] = App{Name: row.Name, Kind: row.Kind, AppID: row.AppID, Tickets: row.Tickets}
		apps[i].Secret = secrets.For(apps[i])
	}
	return apps
}

func (l *loader) check(apps []App, variable string) []App {
	tickets := l.tickets()
	for i := range apps {
		app := &apps[i]
		if !isName(app.Name) {
			l.problem(variable, "account name %q: use 1 to 32 of a-z, 0-9, - and _", app.Name)
		}
		if app.Name == healthName {
			l.problem(variable, "account name %q is taken by the health routes", app.Name)
		}
		if !isAppID(app.AppID) {
			l.problem(variable, "%q is not an AppID: wx and 16 letters or digits", app.AppID)
		}
		if slices.ContainsFunc(apps[:i], func(other App) bool { return other.Name == app.Name || other.AppID == app.AppID }) {
			l.problem(variable, "account %q (%s) is listed twice; each needs a name and an AppID of its own", app.Name, app.AppID)
		}
		l.checkKind(app, variable, tickets)
	}
	return apps
}

func (l *loader) checkKind(app *App, variable string, tickets []string) {
	switch app.Kind {
	case OfficialAccount:
		if app.Tickets == nil {
			app.Tickets = tickets
		} else {
			l.checkTickets(variable, app.Tickets)
		}
	case Website, MiniProgram:
		if len(app.Tickets) > 0 {
			l.problem(variable, "account %q: a %s has no tickets", app.Name, app.Kind)
		}
	default:
		l.problem(variable, "account %q: kind %q is not one of %s, %s, %s", app.Name, app.Kind, OfficialAccount, Website, MiniProgram)
	}
}

func (l *loader) tickets() []string {
	tickets := splitList(l.get(envTickets))
	l.checkTickets(envTickets, tickets)
	return tickets
}

func (l *loader) checkTickets(variable string, tickets []string) {
	for i, ticket := range tickets {
		if ticket != TicketJSAPI && ticket != TicketWXCard {
			l.problem(variable, "ticket %q is not one of %s, %s", ticket, TicketJSAPI, TicketWXCard)
		}
		if slices.Contains(tickets[:i], ticket) {
			l.problem(variable, "ticket %q is listed twice", ticket)
		}
	}
}

// AppSecrets maps an account's name (or its AppID) to its AppSecret.
type AppSecrets map[string]Secret

// ParseAppSecrets reads the JSON object of WECHAT_APP_SECRETS and of the secret
// in Secrets Manager. Its error never quotes the text.
func ParseAppSecrets(text string) (AppSecrets, error) {
	var plain map[string]string
	if err := decodeStrict(text, &plain); err != nil {
		return nil, errors.New("not a JSON object of account name to AppSecret")
	}
	secrets := make(AppSecrets, len(plain))
	for name, value := range plain {
		secrets[name] = NewSecret(strings.TrimSpace(value))
	}
	return secrets, nil
}

// For returns the AppSecret of app, or the zero Secret.
func (s AppSecrets) For(app App) Secret {
	if secret, ok := s[app.Name]; ok {
		return secret
	}
	return s[app.AppID]
}

func (l *loader) appSecrets() AppSecrets {
	text := l.get(envAppSecrets)
	if text == "" {
		return nil
	}
	secrets, err := ParseAppSecrets(text)
	if err != nil {
		l.problem(envAppSecrets, "is %v", err)
	}
	return secrets
}

func decodeStrict(text string, v any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	return nil
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

// isAppID: wx and 16 letters or digits.
func isAppID(s string) bool {
	return len(s) == 18 && strings.HasPrefix(s, "wx") && only(s, letters+digits)
}

func isName(s string) bool {
	return s != "" && len(s) <= 32 && only(s, "0123456789abcdefghijklmnopqrstuvwxyz-_")
}

func only(s, set string) bool { return strings.Trim(s, set) == "" }
