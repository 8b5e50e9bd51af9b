package store_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/store/sqlite"
)

// Two workers want the same lease. The second one gets the owner in the same call.
func ExampleStore() {
	s, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	ctx := context.Background()
	lease := store.Item{Key: "lease#wx1234", Value: []byte(`"first"`), ExpiresAt: time.Now().Add(time.Minute)}
	created, err := s.Create(ctx, lease)
	fmt.Println(string(created.Value), err)

	lease.Value = []byte(`"second"`)
	current, err := s.Create(ctx, lease)
	fmt.Println(string(current.Value), errors.Is(err, store.ErrExists))

	fmt.Println(s.Delete(ctx, created.Key, "an older version"))
	fmt.Println(s.Delete(ctx, created.Key, created.Version))
	// Output:
	// "first" <nil>
	// "first" true
	// store: conflict
	// <nil>
}
