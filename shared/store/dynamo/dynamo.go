// Package dynamo keeps a store in one DynamoDB table: the production back-end.
//
// The table's key is the string attribute pk. An item has the string attributes
// value and version and, when it expires, the number expires_at in Unix seconds,
// which the table's TTL setting names. The AWS identity needs dynamodb:GetItem,
// PutItem and DeleteItem, nothing else.
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
	// Now is the clock that decides what has expired; nil means time.Now.
	Now func() time.Time
	// Settle bounds the read-back after a write of unknown outcome, which goes on
	// past the end of the caller's context, since that may be why the answer was
	// lost; 0 means 1 s.
	ReadBackTimeout time.Duration
}

// Store is a [store.Store] over one DynamoDB table, safe for concurrent use.
type Store struct {
	client *dynamodb.Client
	table  *string
	now    func() time.Time

	settleTime time.Duration
}

// New makes no call. It fails where the client or the table's name is missing.
func New(cfg Config) (*Store, error) {
	if cfg.Client == nil || cfg.Table == "" {
		return nil, errors.New("dynamo: a client and a table name are needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ReadBackTimeout == 0 {
		cfg.ReadBackTimeout = defaultSettle
	}
	return &Store{client: cfg.Client, table: &cfg.Table, now: cfg.Now, settleTime: cfg.ReadBackTimeout}, nil
}

// Get implements [store.Store] with one consistent GetItem.
func (s *Store) Get(ctx context.Context, key string) (store.Item, error) {
	if err := (store.Item{Key: key}).Admit(ctx); err != nil {
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
	return s.put(ctx, "replace", item, store.ErrConflict, stillStands(item.Version))
}

// put sends the item under a new version. Where the condition did not hold it
// returns the refusal with the live item that stands. The clock is read once, so
// that the engine and this function agree on what is live.
func (s *Store) put(ctx context.Context, verb string, item store.Item, refusal error, only condition) (store.Item, error) {
	if err := item.Admit(ctx); err != nil {
		return store.Item{}, err
	}
	written, now := stored(item, store.NewVersion()), s.now()

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
	after := s.settle(ctx, item.Key, sent, err)
	switch {
	case after.stands.Version == written.Version:
		return written, nil
	case !after.refused:
		return store.Item{}, wrap(verb, item.Key, err)
	case after.stands.Expired(now):
		return store.Item{}, refusal
	default:
		return after.stands, refusal
	}
}

// Delete implements [store.Store] with one DeleteItem.
func (s *Store) Delete(ctx context.Context, key, version string) error {
	if err := (store.Item{Key: key}).Admit(ctx); err != nil {
		return err
	}
	only := stillStands(version)

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
	after := s.settle(ctx, key, sent, err)
	switch {
	case sent.mayHaveLanded && after.known && after.stands.Version != version:
		return nil
	case after.refused:
		return store.ErrConflict
	default:
		return wrap("delete", key, err)
	}
}

// read returns what is stored under key, live or not; the zero Item when nothing is.
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

// wrap names the verb and the kind of key only: identifiers stay out of logs.
func wrap(verb, key string, err error) error {
	return fmt.Errorf("dynamo: %s %s: %w", verb, store.Kind(key), err)
}
