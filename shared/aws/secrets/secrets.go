// Package secrets reads secrets of Secrets Manager. It stands apart from package
// app so that only the functions that need it hold its client, and from the
// packages that use it so that each function links one kind of secret only.
package secrets

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"wechatfn/shared/aws/awsconfig"
)

// Config says which secret it is, and how it is kept.
type Config[T any] struct {
	ARN   string
	What  string                       // what it holds, for errors and the log: "AppSecrets"
	Form  string                       // what to put into it, for errors: "a JSON object of account name to AppSecret"
	Parse func(text string) (T, error) // its errors must not quote the text

	Timeout time.Duration // of a read; 0: as long as the caller's context lasts
	// Gap is the least time between two reads that callers ask for, and between a
	// read that failed and the next while what is kept stands in.
	Gap time.Duration
	// StandIn is for how long after it was read a secret stands in where reading
	// it again fails; 0: not at all.
	StandIn time.Duration

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: slog.Default(); tells of a secret that stands in
}

// life bounds how long a rotated secret can go unnoticed.
const life = 300 * time.Second

// Secret is one secret of Secrets Manager, parsed, and kept for a while. It is
// safe for concurrent use.
type Secret[T any] struct {
	Config[T]
	client *secretsmanager.Client

	mu     sync.Mutex // guards what follows; never held over a call
	kept   T
	readAt time.Time // zero, which is long ago: nothing is kept
	until  time.Time // kept is good until then
	asked  time.Time // when a caller's wish for a read was last granted
}

// New makes the client; the first Get reads the secret.
func New[T any](c Config[T]) *Secret[T] {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return &Secret[T]{Config: c, client: secretsmanager.New(secretsmanager.Options{
		Region:       awsconfig.Region(),
		Credentials:  awsconfig.Credentials("SECRETS_MANAGER"),
		BaseEndpoint: awsconfig.Endpoint("SECRETS_MANAGER"),
		Retryer:      awsconfig.Retryer(),
	})}
}

// Get returns the secret. fresh asks for it to be read again, which is granted
// at most once a Gap.
func (s *Secret[T]) Get(ctx context.Context, fresh bool) (T, error) {
	kept, good := s.look(fresh)
	if good {
		return kept, nil
	}
	value, err := s.read(ctx)
	if err != nil {
		return s.standIn(ctx, err)
	}
	s.keep(value)
	return value, nil
}

// look returns what is kept, and whether it is good enough.
func (s *Secret[T]) look(fresh bool) (kept T, good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if fresh && now.Sub(s.asked) >= s.Gap {
		s.asked = now
		return kept, false
	}
	return s.kept, !now.After(s.until)
}

func (s *Secret[T]) keep(value T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.readAt = value, s.Now()
	s.until = s.readAt.Add(life)
}

func (s *Secret[T]) read(ctx context.Context) (value T, err error) {
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Timeout)
		defer cancel()
	}
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.ARN})
	if err != nil {
		return value, fmt.Errorf("read the %s: %w", s.What, err)
	}
	if out.SecretString == nil {
		return value, fmt.Errorf("read the %s: the secret has no text yet; put %s into it", s.What, s.Form)
	}
	if value, err = s.Parse(*out.SecretString); err != nil {
		return value, fmt.Errorf("read the %s: %w", s.What, err)
	}
	return value, nil
}

// standIn answers after a read that failed: with what is kept, if that is young
// enough. Until a Gap later nothing else is tried, so that a service that hangs
// does not hold up each call.
func (s *Secret[T]) standIn(ctx context.Context, err error) (T, error) {
	s.mu.Lock()
	kept, age := s.kept, s.Now().Sub(s.readAt)
	ok := age < s.StandIn
	if ok {
		s.until = s.Now().Add(s.Gap)
	}
	s.mu.Unlock()
	if !ok {
		var none T
		return none, err
	}
	s.Logger.ErrorContext(ctx, "secret not read, the last one stands in", "secret", s.What, "age_s", int(age.Seconds()), "error", err)
	return kept, nil
}
