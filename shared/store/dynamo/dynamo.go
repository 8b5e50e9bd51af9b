// Package dynamo is a store in one DynamoDB table: the back-end in production.
//
// The key of the table is the string attribute pk. An item has the string attributes
// value and version. One that expires also has the number expires_at, in Unix seconds;
// the table's TTL setting names it. The AWS identity needs dynamodb:GetItem and
// PutItem, and DeleteItem where Delete is called.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"wechatfn/shared/store"
)

// Config says which table.
type Config struct {
	Client *dynamodb.Client
	Table  string
	// Now is the clock by which items expire. Nil means time.Now.
	Now func() time.Time
	// ReadBackTimeout limits the read-back after a write whose outcome is unknown. It
	// replaces the deadline of the caller's context, whose end may be the reason. Zero
	// means 1 s.
	ReadBackTimeout time.Duration
}

// Store is a [store.Store] on one DynamoDB table. It is safe for concurrent use.
type Store struct {
	client *dynamodb.Client
	table  *string
	now    func() time.Time

	readBackTimeout time.Duration
}

// New makes no call. It fails if the client or the name of the table is missing.
func New(cfg Config) (*Store, error) {
	if cfg.Client == nil || cfg.Table == "" {
		return nil, errors.New("dynamo: a client and a table name are needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ReadBackTimeout == 0 {
		cfg.ReadBackTimeout = defaultReadBackTimeout
	}
	return &Store{client: cfg.Client, table: &cfg.Table, now: cfg.Now, readBackTimeout: cfg.ReadBackTimeout}, nil
}

// Get implements [store.Store] with one consistent GetItem.
func (s *Store) Get(ctx context.Context, key string) (store.Item, error) {
	if err := (store.Item{Key: key}).Check(ctx); err != nil {
		return store.Item{}, err
	}
	item, err := s.read(ctx, key)
	if err != nil {
		return store.Item{}, wrap("get", key, err)
	}
	if item.Version == "" || item.Expired(s.now()) {
		return store.Item{}, store.ErrNotFound
	}
	return item, nil
}

// Create implements [store.Store] with one PutItem.
func (s *Store) Create(ctx context.Context, item store.Item) (store.Item, error) {
	return s.put(ctx, "create", item, store.ErrExists, absent())
}

// Replace implements [store.Store] with one PutItem.
func (s *Store) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	return s.put(ctx, "replace", item, store.ErrConflict, hasVersion(item.Version))
}

// put sends the item with a new version. If the condition does not hold, it returns the
// refusal with the valid item that is stored. It reads the clock once, so that the
// engine and this function agree on what has expired.
func (s *Store) put(ctx context.Context, verb string, item store.Item, refusal error, only condition) (store.Item, error) {
	if err := item.Check(ctx); err != nil {
		return store.Item{}, err
	}
	written, now := withVersion(item, store.NewVersion()), s.now()

	var sent attempts
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           s.table,
		Item:                                marshal(written),
		ConditionExpression:                 &only.text,
		ExpressionAttributeNames:            only.names,
		ExpressionAttributeValues:           only.at(now),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, sent.watch)
	if err == nil {
		return written, nil
	}
	after := s.resolve(ctx, item.Key, sent, err)
	switch {
	case after.current.Version == written.Version:
		return written, nil
	case !after.refused:
		return store.Item{}, wrap(verb, item.Key, err)
	case after.current.Expired(now):
		return store.Item{}, refusal
	default:
		return after.current, refusal
	}
}

// Delete implements [store.Store] with one DeleteItem.
func (s *Store) Delete(ctx context.Context, key, version string) error {
	if err := (store.Item{Key: key}).Check(ctx); err != nil {
		return err
	}
	only := hasVersion(version)

	var sent attempts
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                           s.table,
		Key:                                 primaryKey(key),
		ConditionExpression:                 &only.text,
		ExpressionAttributeNames:            only.names,
		ExpressionAttributeValues:           only.at(s.now()),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, sent.watch)
	if err == nil {
		return nil
	}
	after := s.resolve(ctx, key, sent, err)
	switch {
	case sent.maybeApplied && after.known && after.current.Version != version:
		return nil
	case after.refused:
		return store.ErrConflict
	default:
		return wrap("delete", key, err)
	}
}

// read returns the item that is stored under key, expired or not, or the zero Item.
func (s *Store) read(ctx context.Context, key string) (store.Item, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      s.table,
		Key:            primaryKey(key),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return store.Item{}, err
	}
	return unmarshal(out.Item), nil
}

// wrap names the verb and the kind of the key: identifiers must not be logged.
func wrap(verb, key string, err error) error {
	return fmt.Errorf("dynamo: %s %s: %w", verb, store.Kind(key), err)
}
