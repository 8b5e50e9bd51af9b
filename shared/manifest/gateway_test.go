package manifest

import "testing"

func TestEachRouteAndEachIDBelongsToOneFunction(t *testing.T) {
	keys, ids := map[string]string{}, map[string]string{}
	each(t, func(t *testing.T, f Function) {
		for _, r := range f.Gateway() {
			if other := keys[r.Key]; other != "" {
				t.Errorf("%s belongs to %s too", r.Key, other)
			}
			if other := ids[r.ID]; other != "" {
				t.Errorf("%s has the ID %s of %s", r.Key, r.ID, other)
			}
			keys[r.Key], ids[r.ID] = f.Name, r.Key
		}
	})
}

// TestGatewayRoutes pins the routes that need a rule: preflights, paths that the
// gateway cannot express, and what is seldom called.
func TestGatewayRoutes(t *testing.T) {
	for _, c := range []struct {
		name, function, key, id string
		throttle                Throttle
	}{
		{"a route that visitors wait for", "signature", "GET /signature", "GetSignature", Throttle{500, 1000}},
		{"a path with a hyphen", "signature", "GET /get-signature", "GetGetSignature", Throttle{500, 1000}},
		{"health", "signature", "GET /signature/health", "GetSignatureHealth", Throttle{50, 100}},
		{"the preflight of a signature", "signature", "OPTIONS /signature", "OptionsSignature", Throttle{50, 100}},
		{"a push", "verify", "POST /verify/{app}", "PostVerifyApp", Throttle{200, 400}},
		{"the proof of a domain", "verify", "GET /{filename}", "GetFilename", Throttle{50, 100}},
		{"a second method of a path", "oauth", "DELETE /oauth/session", "DeleteOauthSession", Throttle{50, 100}},
		{"the preflight of a login, which each new browser makes", "oauth", "OPTIONS /oauth/token", "OptionsOauthToken", Throttle{50, 100}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := 0
			for _, r := range lookup(t, c.function).Gateway() {
				if r.Key != c.key {
					continue
				}
				found++
				if r.ID != c.id || r.Throttle != c.throttle || r.Method+" "+r.Path != c.key {
					t.Errorf("got %+v", r)
				}
			}
			if found != 1 {
				t.Errorf("%s is there %d times", c.key, found)
			}
		})
	}
}

func TestPreflightsAreRoutedOncePathAndOnlyForPages(t *testing.T) {
	for _, c := range []struct {
		function string
		want     int // paths, not routes: /oauth/session has two methods
	}{{"signature", 5}, {"oauth", 11}, {"verify", 0}, {"refresher", 0}} {
		t.Run(c.function, func(t *testing.T) {
			n := 0
			for _, r := range lookup(t, c.function).Gateway() {
				if r.Method == "OPTIONS" {
					n++
				}
			}
			if n != c.want {
				t.Errorf("%d preflights, want %d", n, c.want)
			}
		})
	}
}

func TestEveryRouteIsThrottledAndNoneAboveItsFunction(t *testing.T) {
	each(t, func(t *testing.T, f Function) {
		for _, r := range f.Gateway() {
			if r.Throttle.Rate < 1 || r.Throttle.Burst < r.Throttle.Rate || r.Throttle.Rate > f.Throttle.Rate {
				t.Errorf("%s: %+v", r.Key, r.Throttle)
			}
		}
	})
}

// A function that is slower than the low throttle stays so on all of its routes.
func TestLowThrottleNeverRaisesAThrottle(t *testing.T) {
	slow := Function{Routes: []Route{{"GET", "/slow/health"}}, Throttle: Throttle{5, 10}}
	if got := slow.Gateway()[0].Throttle; got != slow.Throttle {
		t.Errorf("got %+v, want %+v", got, slow.Throttle)
	}
}
