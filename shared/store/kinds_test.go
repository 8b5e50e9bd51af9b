package store_test

import (
	"strings"
	"testing"

	"wechatfn/shared/store"
)

func TestKeyBeginsWithItsKind(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		name, kind string
		parts      []string
		want       string
	}{
		{"one part", store.KindToken, []string{"wx1"}, "token#wx1"},
		{"two parts", store.KindTicket, []string{"wx1", "jsapi"}, "ticket#wx1#jsapi"},
		{"a long part", store.KindUnion, []string{long}, "union#" + long},
		{"no part", store.KindState, nil, "state"},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := store.Key(c.kind, c.parts...)
			if key != c.want || store.Kind(key) != c.kind {
				t.Errorf("key %q of kind %q, want %q of kind %q", key, store.Kind(key), c.want, c.kind)
			}
			if len(c.parts) > 0 && !strings.HasPrefix(key, store.Prefix(c.kind)) {
				t.Errorf("key %q does not begin with %q", key, store.Prefix(c.kind))
			}
		})
	}
}

func TestKeyNeedsOneAllocation(t *testing.T) {
	appID, typ := strings.Repeat("x", 18), "jsapi"
	if n := testing.AllocsPerRun(100, func() { _ = store.Key(store.KindTicket, appID, typ) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
