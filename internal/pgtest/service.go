package pgtest

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/postgres/cluster"
)

// EnvURL names the admin's URL of a server that already runs, as `make test` sets it. Without it the
// test process starts a server of its own, which ends with the process.
const EnvURL = "SOUK_TEST_DATABASE_URL"

// serverPassword is for test servers that ask for one.
const serverPassword = "souk-test"

// service is the PostgreSQL server that this process's tests share.
type service struct {
	admin    *url.URL
	template string
	// own is the server that this process started. It is kept because it holds the lock that says that the server is in
	// use: were it collected, the next test run would sweep the server away.
	own *cluster.Temporary

	sharedOnce sync.Once
	sharedName string
	sharedErr  error
}

// theService is the one piece of global state: a test process has no main of ours to hang it on, and
// starting one server for each test would take a second each.
var theService = sync.OnceValues(newService)

func start(t testing.TB) *service {
	t.Helper()
	service, err := theService()
	if err != nil {
		t.Fatalf("pgtest: a test needs PostgreSQL: %v", err)
	}
	return service
}

func newService() (*service, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	admin := os.Getenv(EnvURL)
	var own *cluster.Temporary
	if admin == "" {
		// Nobody stops it: its death signal comes with the end of this process.
		var err error
		if own, err = cluster.StartTemporary(ctx, slog.New(slog.DiscardHandler), false); err != nil {
			return nil, err
		}
		admin = own.AdminURL("postgres")
	}
	parsed, err := url.Parse(admin)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", EnvURL, err)
	}
	service := &service{admin: parsed, own: own}
	if err := service.makeTemplate(ctx); err != nil {
		return nil, fmt.Errorf("make the template database: %w", err)
	}
	return service, nil
}

func (s *service) adminURL(database string) string {
	u := *s.admin
	u.Path = "/" + database
	return u.String()
}

func (s *service) serverURL(database string) string {
	u := *s.admin
	u.Path = "/" + database
	query := u.Query()
	if query.Has("user") {
		query.Set("user", cluster.ServerRole)
		query.Set("password", serverPassword)
		u.RawQuery = query.Encode()
	} else {
		u.User = url.UserPassword(cluster.ServerRole, serverPassword)
	}
	return u.String()
}

// shared is the database in which Tx works; its first use makes it, the server's end removes it.
func (s *service) shared(t testing.TB) string {
	t.Helper()
	s.sharedOnce.Do(func() {
		s.sharedName = fmt.Sprintf("souk_shared_%d", os.Getpid())
		ctx := context.WithoutCancel(t.Context())
		if s.sharedErr = s.exec(ctx, "DROP DATABASE IF EXISTS "+s.sharedName+" WITH (FORCE)"); s.sharedErr == nil {
			s.sharedErr = s.exec(ctx, "CREATE DATABASE "+s.sharedName+" TEMPLATE "+s.template)
		}
	})
	if s.sharedErr != nil {
		t.Fatalf("pgtest: make the shared database: %v", s.sharedErr)
	}
	return s.sharedName
}

// exec runs one statement as admin outside any test's database.
func (s *service) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// templateLock is "souktmpl" as a number: one process makes the template, the others wait for it.
const templateLock = int64(0x736f756b746d706c)

// makeTemplate sees to a migrated database that is named by the schema's hash. It is marked as a
// template last, so that one which a killed process left half made is made anew.
func (s *service) makeTemplate(ctx context.Context) error {
	hash, err := postgres.SchemaHash()
	if err != nil {
		return err
	}
	s.template = "souk_template_" + hash
	conn, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // and with it goes the lock
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	var ready bool
	const query = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)"
	if err := conn.QueryRow(ctx, query, s.template).Scan(&ready); err != nil || ready {
		return err
	}
	for _, statement := range []string{
		"DROP DATABASE IF EXISTS " + s.template + " WITH (FORCE)",
		"CREATE DATABASE " + s.template,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := postgres.Migrate(ctx, s.adminURL(s.template), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	return s.finishTemplate(ctx, conn)
}

func (s *service) finishTemplate(ctx context.Context, conn *pgx.Conn) error {
	const login = `DO $$ BEGIN
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '` + cluster.ServerRole + `') THEN
			CREATE ROLE ` + cluster.ServerRole + ` NOSUPERUSER;
		END IF;
	END $$`
	for _, statement := range []string{
		login,
		"ALTER ROLE " + cluster.ServerRole + " LOGIN PASSWORD '" + serverPassword + "'",
		"GRANT souk_app TO " + cluster.ServerRole,
		// A database that nobody can connect to is always free to be cloned.
		"ALTER DATABASE " + s.template + " IS_TEMPLATE true ALLOW_CONNECTIONS false",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
