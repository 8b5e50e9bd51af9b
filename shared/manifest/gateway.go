package manifest

import (
	"net/http"
	"strings"
)

// filename is the gateway's parameter for a segment of which {name} is only a
// part, as in /MP_verify_{code}.txt. The gateway knows whole segments alone, so
// it passes all names on, and the function answers the others with 404.
const filename = "{filename}"

// Gateway lists the routes that an HTTP API needs for the function: its own, and
// for a function that pages call the OPTIONS of each path, since it answers
// preflights itself.
func (f Function) Gateway() []Route {
	var routes, preflights []Route
	seen := map[string]bool{}
	for _, r := range f.Routes {
		path := gatewayPath(r.Path)
		routes = append(routes, Route{r.Method, path})
		if f.Pages && !seen[path] {
			seen[path] = true
			preflights = append(preflights, Route{http.MethodOptions, path})
		}
	}
	return append(routes, preflights...)
}

func gatewayPath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if at := strings.IndexByte(s, '{'); at > 0 || at == 0 && !strings.HasSuffix(s, "}") {
			segments[i] = filename
		}
	}
	return strings.Join(segments, "/")
}
