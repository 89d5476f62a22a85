// Package identity knows who somebody is: users, their passwords, their role, their sessions.
//
// It owns the tables app_user and session. What must stay true:
//   - a password is kept as an Argon2id hash, a session's token as a SHA-256 digest, neither in a log;
//   - whether an address is registered can't be learned by signing in: a wrong password and an unknown
//     address get the same answer for the same work;
//   - a revoked or expired session stops working with the next request, and what it holds open ends within a second;
//   - a banned user has no session that is open, and gets none.
package identity
