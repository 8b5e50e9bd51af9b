// Package secrets reads a secret of Secrets Manager, and caches it. It is separate from
// package awsconfig so that only the functions that read secrets link the client, and
// from the packages that use it so that each function links one kind of secret only.
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

// Config configures a Secret. ARN, Name, Format and Parse are required.
type Config[T any] struct {
	ARN    string
	Name   string                       // what it holds, for errors and the log: "AppSecrets"
	Format string                       // what to put into it, for errors: "a JSON object of account name to AppSecret"
	Parse  func(text string) (T, error) // its errors must not quote the text

	Timeout time.Duration // of a read; 0: until the caller's context ends
	// MinInterval is the shortest time between two reads that callers ask for with
	// fresh, and between a read that failed and the next one while MaxStale allows the
	// last value.
	MinInterval time.Duration
	// MaxStale is how long after its read the last value may be reused while Secrets
	// Manager cannot be read; 0: not at all.
	MaxStale time.Duration

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: slog.Default(); logs that the last value is reused
}

// cacheTTL is how long a value is used without a new read. A rotated secret is noticed
// at most so much later.
const cacheTTL = 300 * time.Second

// Secret is one secret of Secrets Manager, parsed and cached. It is safe for concurrent
// use.
type Secret[T any] struct {
	config Config[T]
	client *secretsmanager.Client

	mu        sync.Mutex // guards the fields below; never held over a call
	cached    T
	readAt    time.Time // when cached was read; the zero time before the first read
	usedUntil time.Time // from then on a Get reads the secret again
	freshAt   time.Time // when a read was last allowed to a caller that asked for fresh
}

// New makes the client. The first Get reads the secret.
func New[T any](c Config[T]) *Secret[T] {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return &Secret[T]{config: c, client: secretsmanager.New(secretsmanager.Options{
		Region:       awsconfig.Region(),
		Credentials:  awsconfig.Credentials("SECRETS_MANAGER"),
		BaseEndpoint: awsconfig.Endpoint("SECRETS_MANAGER"),
		Retryer:      awsconfig.Retryer(),
	})}
}

// Get returns the secret. fresh asks for a new read, which is allowed once in
// MinInterval.
func (s *Secret[T]) Get(ctx context.Context, fresh bool) (T, error) {
	value, ok := s.fromCache(fresh)
	if ok {
		return value, nil
	}
	value, err := s.read(ctx)
	if err != nil {
		return s.lastValue(ctx, err)
	}
	s.save(value)
	return value, nil
}

// fromCache returns the cached value. It is false if a read is needed.
func (s *Secret[T]) fromCache(fresh bool) (value T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Now()
	if fresh && now.Sub(s.freshAt) >= s.config.MinInterval {
		s.freshAt = now
		return value, false
	}
	return s.cached, !now.After(s.usedUntil)
}

func (s *Secret[T]) save(value T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cached, s.readAt = value, s.config.Now()
	s.usedUntil = s.readAt.Add(cacheTTL)
}

func (s *Secret[T]) read(ctx context.Context) (value T, err error) {
	if s.config.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.config.Timeout)
		defer cancel()
	}
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.config.ARN})
	if err != nil {
		return value, fmt.Errorf("read the %s: %w", s.config.Name, err)
	}
	if out.SecretString == nil {
		return value, fmt.Errorf("read the %s: the secret has no text yet; put %s into it", s.config.Name, s.config.Format)
	}
	if value, err = s.config.Parse(*out.SecretString); err != nil {
		return value, fmt.Errorf("read the %s: %w", s.config.Name, err)
	}
	return value, nil
}

// lastValue returns the last value after a read failed with err, or that error if the
// value is older than MaxStale allows. For MinInterval it is returned without a new
// read, so that a Secrets Manager that does not answer delays one call and not each.
func (s *Secret[T]) lastValue(ctx context.Context, err error) (T, error) {
	s.mu.Lock()
	value, age := s.cached, s.config.Now().Sub(s.readAt)
	reuse := age < s.config.MaxStale
	if reuse {
		s.usedUntil = s.config.Now().Add(s.config.MinInterval)
	}
	s.mu.Unlock()
	if !reuse {
		var none T
		return none, err
	}
	s.config.Logger.ErrorContext(ctx, "secret not read, the last value is used", "secret", s.config.Name, "age_s", int(age.Seconds()), "error", err)
	return value, nil
}
