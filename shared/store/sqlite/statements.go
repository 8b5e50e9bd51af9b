package sqlite

// The parameters of createSQL and replaceSQL: ?1 key, ?2 value, ?3 new version,
// ?4 expiry, ?5 now, ?6 the version that was read. Times are Unix seconds. An
// expires_at of 0 means never.
//
// Both return the valid row that is stored afterwards, in the same statement. Where the
// condition does not hold, the CASEs write the old values again.
const (
	schema = `
CREATE TABLE IF NOT EXISTS items (
	key        TEXT PRIMARY KEY NOT NULL,
	value      TEXT NOT NULL,
	version    TEXT NOT NULL,
	expires_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS items_expires_at ON items (expires_at) WHERE expires_at <> 0;`

	expired = `(items.expires_at <> 0 AND items.expires_at <= ?5)`

	getSQL = `SELECT value, version, expires_at FROM items WHERE key = ?1`

	createSQL = `
INSERT INTO items (key, value, version, expires_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (key) DO UPDATE SET
	value      = CASE WHEN ` + expired + ` THEN excluded.value      ELSE items.value      END,
	version    = CASE WHEN ` + expired + ` THEN excluded.version    ELSE items.version    END,
	expires_at = CASE WHEN ` + expired + ` THEN excluded.expires_at ELSE items.expires_at END
RETURNING value, version, expires_at`

	replaceSQL = `
UPDATE items SET
	value      = CASE WHEN version = ?6 THEN ?2 ELSE value      END,
	version    = CASE WHEN version = ?6 THEN ?3 ELSE version    END,
	expires_at = CASE WHEN version = ?6 THEN ?4 ELSE expires_at END
WHERE key = ?1 AND NOT ` + expired + `
RETURNING value, version, expires_at`

	deleteSQL = `DELETE FROM items WHERE key = ?1 AND version = ?2 AND (expires_at = 0 OR expires_at > ?3)`

	sweepSQL = `
DELETE FROM items WHERE rowid IN (
	SELECT rowid FROM items WHERE expires_at <> 0 AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2)`
)
