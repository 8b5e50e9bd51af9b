package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// CORSConfig says which pages may read answers, and how.
type CORSConfig struct {
	// Origins is an exact list, each as a browser sends it:
	// "https://example.com" or "http://localhost:8080". There is no wildcard.
	Origins []string
	// Methods that a page may use; empty means GET and HEAD.
	Methods []string
	// Headers that a page may send beyond the safelisted ones.
	Headers []string
	// Credentials allows cookies.
	Credentials bool
}

// CORS lets the pages of config.Origins read the answers of next. It answers
// preflights itself with 204. A page of any other origin gets the same answers
// without CORS headers, so its browser does not show them to it.
//
// Error: an origin that is not scheme://host[:port]. That refuses "*" and
// "null", which would let in any page.
func CORS(config CORSConfig, next http.Handler) (http.Handler, error) {
	c := &cors{
		next:        next,
		origins:     make(map[string]bool, len(config.Origins)),
		methods:     "GET, HEAD",
		headers:     strings.Join(config.Headers, ", "),
		credentials: config.Credentials,
	}
	for _, origin := range config.Origins {
		if !isOrigin(origin) {
			return nil, fmt.Errorf("web: %q is not an origin; want scheme://host[:port]", origin)
		}
		c.origins[origin] = true
	}
	if len(config.Methods) > 0 {
		c.methods = strings.Join(config.Methods, ", ")
	}
	return c, nil
}

// preflightMaxAge is for how long a browser may cache the answer to a preflight, in
// seconds.
const preflightMaxAge = "600"

type cors struct {
	next             http.Handler
	origins          map[string]bool
	methods, headers string
	credentials      bool
}

func (c *cors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Always, also where there is no Origin: a cache must not hand the answer
	// made for one page to another.
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	allowed := c.origins[origin]
	if allowed {
		c.allow(w.Header(), origin)
	}
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		if allowed {
			c.allowPreflight(w.Header())
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	c.next.ServeHTTP(w, r)
}

func (c *cors) allow(header http.Header, origin string) {
	header.Set("Access-Control-Allow-Origin", origin)
	// Without this a page cannot see when to come back.
	header.Set("Access-Control-Expose-Headers", "Retry-After")
	if c.credentials {
		header.Set("Access-Control-Allow-Credentials", "true")
	}
}

func (c *cors) allowPreflight(header http.Header) {
	header.Set("Access-Control-Allow-Methods", c.methods)
	header.Set("Access-Control-Max-Age", preflightMaxAge)
	if c.headers != "" {
		header.Set("Access-Control-Allow-Headers", c.headers)
	}
}

// isOrigin accepts what a browser's serialisation of an origin can look like.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && !strings.ContainsAny(u.Host, "*, ") &&
		s == strings.ToLower(u.Scheme+"://"+u.Host)
}
