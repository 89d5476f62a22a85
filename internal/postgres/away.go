package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

// Away reports whether err says that the database cannot be reached, or was lost on the way: what was asked may have been
// done or not. Asking again later may succeed.
func Away(err error) bool {
	var (
		refused *pgconn.ConnectError
		broken  *net.OpError
		pgErr   *pgconn.PgError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &refused), errors.As(err, &broken):
		return true
	case errors.As(err, &pgErr):
		return endsConnection(pgErr.Code)
	}
	return errors.Is(err, puddle.ErrClosedPool) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}

// endsConnection tells what a server says before it hangs up from what it says about a statement.
func endsConnection(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", // it shuts down, crashed, or starts
		"53300": // it has no connection left
		return true
	}
	return strings.HasPrefix(code, "08") // connection exceptions
}
