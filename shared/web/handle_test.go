package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/web"
)

// A login ends by its own time, or its caller's, and not when the client hangs up.
func TestGuardedTime(t *testing.T) {
	const budget = 8 * time.Second
	for _, c := range []struct {
		name string

		caller, want time.Duration // the caller's deadline; none if 0
	}{{"no deadline", 0, budget}, {"a later one", time.Minute, budget}, {"an earlier one", time.Second, time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, hangUp := context.WithCancel(t.Context())
				if c.caller > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.caller)
					defer cancel()
				}
				began := time.Now()
				guarded := web.Guard(func(_ http.ResponseWriter, r *http.Request) error {
					hangUp()
					<-r.Context().Done()
					return nil
				}, budget)
				w := httptest.NewRecorder()
				if err := guarded(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != c.want {
					t.Errorf("it ended after %v, want %v", took, c.want)
				}
				if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
					t.Errorf("headers %v", h)
				}
			})
		})
	}
}
