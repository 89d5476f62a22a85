// Package follow holds who follows whom.
//
// It owns the tables follow and follower_count. What must stay true:
//   - a follower has one row for each whom they ever followed; it ends and begins again;
//   - a user's count is that of their rows that have not ended: it changes in the transaction that begins or ends one.
package follow
