package store_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/store/sqlite"
)

// Two workers want the same lease; the second learns in the same call who has it.
func ExampleStore() {
	s, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	ctx := context.Background()
	lease := store.Item{Key: "lease#wx1234", Value: []byte(`"first"`), ExpiresAt: time.Now().Add(time.Minute)}
	held, err := s.Create(ctx, lease)
	fmt.Println(string(held.Value), err)

	lease.Value = []byte(`"second"`)
	stands, err := s.Create(ctx, lease)
	fmt.Println(string(stands.Value), errors.Is(err, store.ErrExists))

	fmt.Println(s.Delete(ctx, held.Key, "an older version"))
	fmt.Println(s.Delete(ctx, held.Key, held.Version))
	// Output:
	// "first" <nil>
	// "first" true
	// store: conflict
	// <nil>
}
