package wechatsim

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// login is an authorize URL: the request of the product, and the answer that the simulator is to give.
type login struct {
	AppID, Redirect, Scope, State string
	Extras                        []parameter // in the order of the query, for the form to repeat
	answer, user                  string
}

type parameter struct{ Name, Value string }

var (
	orderedParameters   = []string{"appid", "redirect_uri", "response_type", "scope", "state"}
	optionalParameters  = []string{"forcePopup", "forceSnapShot", "lang"}
	simulatorParameters = []string{"wechatsim", "user"}
	statePattern        = regexp.MustCompile(`^[a-zA-Z0-9]{0,128}$`)
)

// parseLogin reads a query as strictly as WeChat: known names, in order, each once.
func parseLogin(raw string) (login, *refusal) {
	var l login
	values, last := map[string]string{}, -1
	for part := range strings.SplitSeq(raw, "&") {
		name, text, _ := strings.Cut(part, "=")
		value, err := url.QueryUnescape(text)
		if err != nil {
			return l, unknown(fmt.Sprintf("%s is not percent-encoded", name))
		}
		place := slices.Index(orderedParameters, name)
		if place < 0 {
			place = len(orderedParameters)
		}
		_, twice := values[name]
		known := place < len(orderedParameters) || slices.Contains(optionalParameters, name) || slices.Contains(simulatorParameters, name)
		switch {
		case !known:
			return l, unknown(fmt.Sprintf("parameter %q is not known", name))
		case place < last || twice:
			return l, unknown("the parameters are appid, redirect_uri, response_type, scope, state, in this order and each once")
		case name == "redirect_uri" && strings.ContainsAny(text, ":/?"):
			return l, unknown("redirect_uri is not percent-encoded")
		case slices.Contains(optionalParameters, name):
			l.Extras = append(l.Extras, parameter{name, value})
		}
		values[name], last = value, place
	}
	l.AppID, l.Redirect, l.Scope, l.State = values["appid"], values["redirect_uri"], values["scope"], values["state"]
	l.answer, l.user = values["wechatsim"], values["user"]
	if values["response_type"] != "code" {
		return l, unknown("response_type is code")
	}
	return l, nil
}

// check checks a login as the page with the given path does.
func (s *Sim) check(l login, path string) *refusal {
	if no := s.checkRequired(l); no != nil {
		return no
	}
	app, ok := s.apps[l.AppID]
	kind := OfficialAccount
	if path == PathQRConnect {
		kind = Website
	}
	switch {
	case !ok:
		return unknown(fmt.Sprintf("no app %q", l.AppID))
	case app.Kind != kind:
		return refuse(10016, fmt.Sprintf("this page takes apps of kind %s, and this one is of kind %s", kind, app.Kind))
	case !app.mayRedirectTo(l.Redirect):
		return refuse(10003, "the host of redirect_uri is not the app's OAuthDomain")
	case !slices.Contains(app.Scopes, l.Scope):
		return refuse(10005, fmt.Sprintf("the app has no right to scope %q", l.Scope))
	case !statePattern.MatchString(l.State):
		return unknown("state is a-z, A-Z and 0-9, at most 128 of them")
	}
	return nil
}

func (s *Sim) checkRequired(l login) *refusal {
	switch {
	case l.Scope == "":
		return refuse(10010, "scope is empty")
	case l.Redirect == "":
		return refuse(10011, "redirect_uri is empty")
	case l.AppID == "":
		return refuse(10012, "appid is empty")
	case l.State == "" && !s.switches.StateOptional:
		return refuse(10013, "state is empty")
	}
	return nil
}

// mayRedirectTo compares whole hosts. A port counts only if the domain has one. WeChat's domains have
// none; it is for local servers.
func (a App) mayRedirectTo(redirect string) bool {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return false
	}
	return a.OAuthDomain == "" || a.OAuthDomain == u.Host || a.OAuthDomain == u.Hostname()
}

// addQuery adds to the query of a redirect_uri, and changes nothing else in it.
func addQuery(redirect, add string) string {
	before, fragment, cut := strings.Cut(redirect, "#")
	switch {
	case add == "":
	case strings.Contains(before, "?"):
		before += "&" + add
	default:
		before += "?" + add
	}
	if cut {
		before += "#" + fragment
	}
	return before
}
