package credential

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"wechatfn/dev/wechatsim"
)

// A thousand refreshers at the same time make one token call and one ticket call.
func TestThousandRefreshers(t *testing.T) {
	for seed := range 10 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			f := newFixture(t, wechatsim.Switches{})
			l := newLeaseChecker(f)
			var wg sync.WaitGroup
			begin := make(chan struct{})
			for range 1000 {
				renewer := f.renewerOn(l)
				wg.Go(func() {
					<-begin
					if _, err := renewer.Tick(t.Context(), f.account); err != nil && !errors.Is(err, ErrBusy) {
						t.Errorf("tick: %v", err)
					}
				})
			}
			close(begin)
			wg.Wait()
			f.wantCalls(1, 1)
			if len(l.owners) != 1 {
				t.Errorf("%d leases were taken", len(l.owners))
			}
		})
	}
}
