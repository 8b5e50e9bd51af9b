package manifest

import (
	"net/http"
	"strings"
	"unicode"
)

// Throttle limits the requests to a route: Rate a second in the long run, Burst
// at once.
type Throttle struct {
	Rate, Burst int
}

// LowThrottle is for routes that are seldom called (health, preflights, domain proofs),
// and for paths without a route. All throttles together bound what an attacker can
// cause, so these get less than the others. A throttle in cdk.json replaces it on all
// routes of its function, and not for paths without a route.
func LowThrottle() Throttle { return Throttle{Rate: 50, Burst: 100} }

// GatewayRoute is a route of the HTTP API.
type GatewayRoute struct {
	Route
	ID       string // in letters and digits, unique in the API: GetSignatureCard
	Key      string // as the gateway names it: GET /signature/card
	Throttle Throttle
}

// Gateway lists the routes that an HTTP API needs for the function: its own, and
// for a function that pages call the OPTIONS of each path, since it answers
// preflights itself.
func (f Function) Gateway() []GatewayRoute {
	var routes, preflights []GatewayRoute
	seen := map[string]bool{}
	for _, r := range f.Routes {
		path := gatewayPath(r.Path)
		routes = append(routes, f.gatewayRoute(r.Method, path))
		if f.Pages && !seen[path] {
			seen[path] = true
			preflights = append(preflights, f.gatewayRoute(http.MethodOptions, path))
		}
	}
	return append(routes, preflights...)
}

func (f Function) gatewayRoute(method, path string) GatewayRoute {
	r := GatewayRoute{Route: Route{method, path}, ID: routeID(method, path), Key: method + " " + path, Throttle: f.Throttle}
	if low := LowThrottle(); seldomCalled(r.Route) && low.Rate < f.Throttle.Rate {
		r.Throttle = low
	}
	return r
}

// seldomCalled: health, preflights (a signature needs none), and proofs of domains.
func seldomCalled(r Route) bool {
	return r.Method == http.MethodOptions || strings.HasSuffix(r.Path, "/health") || r.Path == "/"+filename
}

// filename is the gateway's parameter for a segment of which {name} is only a
// part, as in /MP_verify_{code}.txt. The gateway knows whole segments alone, so
// it passes all names on, and the function answers the others with 404.
const filename = "{filename}"

func gatewayPath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if at := strings.IndexByte(s, '{'); at > 0 || at == 0 && !strings.HasSuffix(s, "}") {
			segments[i] = filename
		}
	}
	return strings.Join(segments, "/")
}

func routeID(method, path string) string {
	var id strings.Builder
	for _, word := range strings.FieldsFunc(strings.ToLower(method)+path, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}
