package credential_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/credential"
	"wechatfn/shared/secret"
	"wechatfn/shared/store/dynamo"
	"wechatfn/shared/store/dynamo/dynamotest"
	"wechatfn/shared/wechat"
)

const (
	appID     = "wx0123456789abcdef"
	appSecret = "canary-secret-0123456789abcdef"
)

// refresherProcess is set in the processes that TestTwentyProcesses starts.
const refresherProcess = "WECHATFN_TEST_REFRESHER"

func TestMain(m *testing.M) {
	if table := os.Getenv(refresherProcess); table != "" {
		if err := refresh(table); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// refresh is one refresher process: it prints that it is ready, waits for a line, and
// ticks.
func refresh(table string) error {
	engine := dynamotest.Engine{Endpoint: os.Getenv("TEST_ENGINE"), Table: table}
	s, err := dynamo.New(dynamo.Config{Client: engine.NewClient(nil), Table: table})
	if err != nil {
		return err
	}
	client, err := wechat.New(wechat.Config{BaseURL: os.Getenv("TEST_WECHAT")})
	if err != nil {
		return err
	}
	shop := account.Account{Name: "shop", AppID: appID, Tickets: []wechat.TicketType{wechat.JSAPI}}
	renewer, err := credential.NewRenewer(credential.RenewerConfig{
		Store: s, WeChat: client,
		Secrets: func(context.Context, account.Account, bool) (secret.Secret, error) {
			return secret.New(appSecret), nil
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	if _, err := renewer.Tick(context.Background(), shop); err != nil && !errors.Is(err, credential.ErrBusy) {
		return err
	}
	return nil
}

// Twenty refreshers in processes of their own, on one DynamoDB engine, make one token
// call and one ticket call.
func TestTwentyProcesses(t *testing.T) {
	engine := dynamotest.Start(t)
	sim, err := wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{{ID: appID, Secret: appSecret}}})
	if err != nil {
		t.Fatal(err)
	}
	weChat := httptest.NewServer(sim)
	defer weChat.Close()

	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for range 20 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), refresherProcess+"="+engine.Table, "TEST_ENGINE="+engine.Endpoint, "TEST_WECHAT="+weChat.URL)
		stderr := new(strings.Builder)
		cmd.Stderr = stderr
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ready.Add(1)
		done.Go(func() {
			if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
				t.Errorf("a process did not start: %q %v", line, err)
			}
			ready.Done()
			<-begin
			fmt.Fprintln(in)
			if err := cmd.Wait(); err != nil {
				t.Errorf("a refresher failed: %v: %s", err, stderr)
			}
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
	if tokens, tickets := sim.Calls(wechatsim.PathStableToken), sim.Calls(wechatsim.PathTicket); tokens != 1 || tickets != 1 {
		t.Errorf("%d token and %d ticket calls; want one each", tokens, tickets)
	}
}
